"""Stage ``flow``: what the estimators cost, both directions of a pair."""

import torch
import torch.nn.functional as F
from torch import Tensor

from benchmarks.result import Measurement, Options, StageResult
from benchmarks.timing import take_turns
from poodle_mm.flow.dis import DISFlow
from poodle_mm.flow.raft import RAFTFlow


def run(options: Options) -> StageResult:
    """DIS at its presets, RAFT at full and at half size, both directions in one batch or not."""
    torch.set_num_threads(options.threads)
    size = (128, 256) if options.quick else (512, 1024)
    updates = 1 if options.quick else 12
    half = (size[0] // 2, size[1] // 2)
    a, b = smooth_pair(size, options.device)
    raft = RAFTFlow(weights=None, num_updates=updates)
    estimators = {
        'DIS, fast': DISFlow('fast'),
        'DIS, medium': DISFlow('medium'),
        f'RAFT, {updates} updates': raft,
        f'RAFT, {updates} updates, at half size': RAFTFlow(
            weights=None, num_updates=updates, size=half
        ),
    }
    contenders = {name: lambda e=e: e(a, b) for name, e in estimators.items()}
    contenders['baseline: RAFT, one direction after the other'] = lambda: one_by_one(raft, a, b)
    repeats = 1 if options.quick else max(1, min(options.repeats, 3))
    with torch.no_grad():
        seconds = take_turns(contenders, repeats, options.device, warmup=int(not options.quick))
        difference = agreement(raft, a, b)
    result = StageResult(
        'flow',
        'Optical flow',
        f'one pair at {size[0]}x{size[1]}, both directions',
        'pair',
        [Measurement(name, values) for name, values in seconds.items()],
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


def one_by_one(raft: RAFTFlow, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """RAFT called once for each direction, as its own demo does."""
    net = raft.net.to(a.device)
    flows = [
        net(2 * x - 1, 2 * y - 1, num_flow_updates=raft.num_updates)[-1]
        for x, y in ((a, b), (b, a))
    ]
    net.corr_block.corr_pyramid = []
    return flows[0], flows[1]


def agreement(raft: RAFTFlow, a: Tensor, b: Tensor) -> float:
    """Largest difference in pixels between the two ways, after one update."""
    once = RAFTFlow(weights=None, num_updates=1)
    pairs = zip(once(a, b), one_by_one(once, a, b))
    return max((x - y).abs().max().item() for x, y in pairs)
