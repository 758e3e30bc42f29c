"""Stage ``flow``: what the estimators cost, both directions of a pair."""

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from benchmarks.result import Measurement, Options, StageResult
from benchmarks.timing import isolated, take_turns
from poodle_mm.flow.dis import DISFlow
from poodle_mm.flow.raft import RAFTFlow
from poodle_mm.utils.memory import peak_resident_mib

# Ways of RAFT through a batch of pairs; the baselines encode a frame for each direction.
WAYS = (
    'in one batch',
    'one after the other',
    'torchvision, in one batch',
    'torchvision, one by one',
)


def run(options: Options) -> StageResult:
    """DIS at its presets, RAFT at full and at half size, both directions in one batch or not."""
    torch.set_num_threads(options.threads)
    size = (128, 256) if options.quick else (512, 1024)
    updates = 1 if options.quick else 12
    half = (size[0] // 2, size[1] // 2)
    a, b = smooth_pair(size, options.device)
    estimators = {
        'DIS, fast': DISFlow('fast'),
        'DIS, medium': DISFlow('medium'),
        f'RAFT, {updates} updates, at half size': RAFTFlow(
            weights=None, num_updates=updates, size=half
        ),
    }
    contenders = {name: partial(e, a, b) for name, e in estimators.items()}
    names = {f'RAFT, {updates} updates, {way}': way for way in WAYS}
    contenders |= {name: partial(raft(way, updates), a, b) for name, way in names.items()}
    cpu: dict[str, list[float]] = {name: [] for name in contenders}
    contenders = {name: partial(timed, run, cpu[name]) for name, run in contenders.items()}
    repeats = 1 if options.quick else max(1, min(options.repeats, 3))
    with torch.no_grad():
        seconds = take_turns(contenders, repeats, options.device, warmup=int(not options.quick))
        one, other = (raft(way, 1)(a, b) for way in WAYS[:2])
    difference = max((x - y).abs().max().item() for x, y in zip(one, other))
    rows = [Measurement(name, values) for name, values in seconds.items()]
    for row in rows:
        row.more['CPU s, least'] = round(min(cpu[row.name]), 2)
        if options.device == 'cpu' and row.name in names:
            memory = isolated(options, extra_memory, options, size, names[row.name])
            row.more['extra MiB'] = round(memory)
    result = StageResult(
        'flow',
        'Optical flow',
        f'one pair at {size[0]}x{size[1]}, both directions',
        'pair',
        rows,
    )
    result.notes = [
        'Random weights: the time does not depend on them.',
        'Half size (`flow.size`) is another result: flow of the halved images, brought back.',
        f'Both directions in one batch against one after the other: {difference:.1e} pixels apart.',
    ]
    return result


def smooth_pair(size: tuple[int, int], device: str) -> tuple[Tensor, Tensor]:
    """Two images (1, 3, H, W) in [0, 1] that show a texture and the same one shifted."""
    generator = torch.Generator().manual_seed(0)
    texture = torch.rand((1, 3, size[0] // 8, size[1] // 8), generator=generator)
    a = F.interpolate(texture, size, mode='bicubic').clamp(0, 1).to(device)
    return a, a.roll((3, 9), (-2, -1))


def raft(way: str, updates: int) -> Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """RAFT with random weights, in one of the ``WAYS``."""
    estimator = RAFTFlow(weights=None, num_updates=updates, batched=way == WAYS[0])
    if way in WAYS[:2]:
        return estimator

    def called(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        net, ways = estimator.net.to(a.device), [(a, b), (b, a)]
        if way == WAYS[2]:
            ways = [(torch.cat([a, b]), torch.cat([b, a]))]
        flows = [net(2 * x - 1, 2 * y - 1, num_flow_updates=updates)[-1] for x, y in ways]
        net.corr_block.corr_pyramid = []
        return torch.cat(flows).chunk(2)

    return called


def timed(run: Callable[[], Any], seconds: list[float]) -> None:
    """Call, and note the CPU time that all threads of the process took."""
    start = time.process_time()
    run()
    seconds.append(time.process_time() - start)


def extra_memory(options: Options, size: tuple[int, int], way: str) -> float:
    """MiB by which one update raises the peak of a process that has done it on a small pair."""
    torch.set_num_threads(options.threads)
    with torch.no_grad():
        estimator = raft(way, 1)
        estimator(*smooth_pair((128, 128), 'cpu'))
        pair = smooth_pair(size, 'cpu')
        before = peak_resident_mib()
        estimator(*pair)
    return peak_resident_mib() - before
