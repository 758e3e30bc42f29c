"""Work that one process does for all of them, and the device of each."""

import os
from collections.abc import Callable
from typing import TypeVar

import torch
from mmengine.dist import all_reduce, broadcast_object_list, is_main_process

Result = TypeVar('Result')


def on_main_process(function: Callable[[], Result]) -> Result:
    """Call on rank 0, and give its result, or its exception, to all ranks: nobody waits for ever.

    Args:
        function: Called without arguments; its result or exception must be picklable.

    Raises:
        Exception: The function's exception, on every rank.
    """
    outcome = [None, None]
    if is_main_process():
        try:
            outcome[0] = function()
        except Exception as error:
            outcome[1] = error
    broadcast_object_list(outcome)
    if outcome[1] is not None:
        raise outcome[1]
    return outcome[0]


def on_all_processes(condition: bool) -> bool:
    """Whether a condition holds on every rank."""
    holds = torch.tensor(int(condition))
    all_reduce(holds, 'min')
    return bool(holds)


def device_of_process() -> str:
    """The GPU of this process, as torchrun or Slurm number a node's processes; else ``'cpu'``."""
    if not torch.cuda.is_available():
        return 'cpu'
    local = os.environ.get('LOCAL_RANK') or os.environ.get('SLURM_LOCALID') or 0
    return f'cuda:{int(local) % torch.cuda.device_count()}'
