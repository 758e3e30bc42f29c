"""Fair timing: contenders take turns, memory is measured in a process of its own."""

import multiprocessing
import time
from collections.abc import Callable, Mapping
from typing import Any

import torch

from benchmarks.result import Options


def take_turns(
    contenders: Mapping[str, Callable[[], Any]],
    repeats: int,
    device: str = 'cpu',
    warmup: int = 1,
) -> dict[str, list[float]]:
    """Run contenders one after the other, ``repeats`` rounds: a slow minute hits all of them.

    Args:
        contenders: Calls by name.
        repeats: Rounds that count.
        device: ``'cuda'`` waits for the GPU before and after.
        warmup: Rounds before, that do not count.

    Returns:
        Wall seconds of each round, by name; none for what does not fit into the GPU's memory.
    """
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    contenders = dict(contenders)
    for round_ in range(warmup + repeats):
        for name, run in list(contenders.items()):
            try:
                taken = wall_seconds(run, device)
            except torch.OutOfMemoryError:
                print(f'{name}: out of memory, left out', flush=True)
                seconds[name] = []
                del contenders[name]
                torch.cuda.empty_cache()
                continue
            if round_ >= warmup:
                seconds[name].append(taken)
    return seconds


def wall_seconds(run: Callable[[], Any], device: str = 'cpu') -> float:
    """Wall time of one call, work that it left on the GPU included."""
    if device == 'cuda':
        torch.cuda.synchronize()
    start = time.perf_counter()
    run()
    if device == 'cuda':
        torch.cuda.synchronize()
    return time.perf_counter() - start


def in_new_process(function: Callable, *args: Any) -> Any:
    """Call in a process that is started for it: the peak of a process never falls.

    Args:
        function: At the top of a module, so that it can be sent.
        *args: Arguments.

    Returns:
        The result; exceptions come back, too.
    """
    with multiprocessing.get_context('spawn').Pool(1) as pool:
        return pool.apply(function, args)


def isolated(options: Options, function: Callable, *args: Any) -> Any:
    """:func:`in_new_process`, but a call within this process with ``options.quick``."""
    return function(*args) if options.quick else in_new_process(function, *args)
