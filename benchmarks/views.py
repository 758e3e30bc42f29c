"""Views of a pair: distortion, affine map, subcrops, visible mask; without the flow."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from benchmarks.result import Measurement, Options, StageResult, Target
from benchmarks.timing import take_turns
from benchmarks.torchvision_views import TorchvisionViews
from benchmarks.views_profile import profile_of_parts
from poodle_mm.datasets.frame_pair_sample import FramePairSample
from poodle_mm.flow.base import FlowEstimator
from poodle_mm.views import FramePairPreprocessor

OURS, PLAIN, LOWER_BOUND = 'ours', 'ours, plain', 'lower bound: bytes moved once'

# Fast and plain path, in the range [0, 1] of the images: rounding, through a chain of operations
# that each clamp and that stretch a difference by up to 1.4.
TOLERANCE = 5e-6


class GivenFlow(FlowEstimator):
    """A smooth flow of a few pixels that costs nothing.

    Args:
        like: (B, 2, 3, H, W) frames, for shape and device.
    """

    def __init__(self, like: Tensor) -> None:
        super().__init__()
        batch, size = len(like), like.shape[-2:]
        coarse = torch.randn(batch, 2, 4, 8, generator=torch.Generator().manual_seed(1))
        self.given = F.interpolate(coarse * size[0] / 100, size, mode='bicubic').to(like.device)

    def estimate(self, a, b, samples):
        """The given flow and its opposite."""
        return self.given, -self.given


def run(options: Options) -> StageResult:
    """Measure the views of a pair on one core, or on the GPU.

    Args:
        options: ``threads`` is not used: a data worker, the baselines' place, has one.

    Raises:
        RuntimeError: If the fast and the plain path differ.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return _run(options)
    finally:
        torch.set_num_threads(threads)


def _run(options: Options) -> StageResult:
    size, batch, calls, num, side = (512, 1024), 2, 8, 6, 192
    if options.quick:
        size, batch, calls, num, side = (64, 128), 2, 1, 2, 32
    elif options.device == 'cuda':
        batch = 4
    cuda = options.device == 'cuda'
    inputs = _frames(batch, size).to(options.device)
    draws = [_samples(batch, call) for call in range(calls)]
    views = {
        name: FramePairPreprocessor(
            flow=GivenFlow(inputs), subcrops=dict(num=num, size=side), plain=name == PLAIN
        ).to(options.device)
        for name in (OURS, PLAIN)
    }
    contenders = {name: _ours(each, inputs, draws) for name, each in views.items()}
    contenders[LOWER_BOUND] = _lower_bound(inputs, num, side, calls)
    scale = min(size) / 224
    kernel = views[OURS].photometric.blur_kernel
    scaled = 2 * int(kernel * scale / 2) + 1
    baselines = {
        f'torchvision uint8, kernel {scaled}': TorchvisionViews(
            scaled, (0.1 * scale, 2 * scale), num, side
        ),
        f'torchvision uint8, kernel {kernel}, not scaled': TorchvisionViews(
            kernel, (0.1, 2.0), num, side
        ),
        f'torchvision PIL, kernel {kernel}, not scaled': TorchvisionViews(
            kernel, (0.1, 2.0), num, side, pil=True
        ),
    }
    if not cuda:
        for name, baseline in baselines.items():
            contenders[name] = _baseline(baseline, inputs, calls)
    seconds = take_turns(contenders, options.repeats, options.device)

    pairs = batch * calls
    result = StageResult(
        stage='views',
        title='Views of a pair',
        work=(
            f'uint8 ({batch}, 2, 3, {size[0]}, {size[1]}) to normalised dense views, {num} pairs '
            f'of subcrops of {side} x {side}, boxes and visible mask, mean of {pairs} draws, '
            + ('on the GPU' if cuda else 'one thread')
        ),
        unit='pair',
        rows=[Measurement(name, [s / pairs for s in values]) for name, values in seconds.items()],
    )
    for name in list(baselines)[:2] if not cuda else ():
        text = f'{name}: time / ours'
        result.targets.append(Target(text, result.ratio(name, OURS), '>= 3'))
    result.notes = [
        _equality(views, inputs, draws),
        profile_of_parts(views[OURS], inputs, draws, options.device),
        'Of the baselines, none makes the visible mask or follows the flow. torchvision blurs by a '
        'convolution with the square kernel; the kernel that is not scaled with the image is what '
        'one gets by taking 23 from the papers.',
    ]
    return result


def _frames(batch: int, size: tuple[int, int]) -> Tensor:
    """(B, 2, 3, H, W) uint8, coarse noise enlarged."""
    coarse = (2 * batch, 3, size[0] // 8, size[1] // 8)
    noise = torch.rand(coarse, generator=torch.Generator().manual_seed(0))
    frames = F.interpolate(noise, size, mode='bicubic').clamp(0, 1).mul(255).byte()
    return frames.unflatten(0, (batch, 2))


def _samples(batch: int, call: int) -> list[FramePairSample]:
    seeds = range(call * batch, (call + 1) * batch)
    return [FramePairSample(metainfo=dict(source='benchmark', seed=seed)) for seed in seeds]


def _ours(views: FramePairPreprocessor, inputs: Tensor, draws: list) -> Callable[[], None]:
    def run() -> None:
        for samples in draws:
            views(dict(inputs=inputs, data_samples=samples), training=True)

    return run


def _baseline(baseline: TorchvisionViews, inputs: Tensor, calls: int) -> Callable[[], None]:
    def run() -> None:
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            torch.manual_seed(0)
            for _ in range(calls):
                for pair in inputs:
                    baseline(pair)

    return run


def _lower_bound(inputs: Tensor, num: int, side: int, calls: int) -> Callable[[], None]:
    """Read the frames and write what is asked for, into memory that is there already."""
    dense = torch.empty(inputs.shape, device=inputs.device)
    crops = torch.empty(len(inputs), 2, num, 3, side, side, device=inputs.device)
    source = torch.zeros(crops.shape, dtype=torch.uint8, device=inputs.device)

    def run() -> None:
        for _ in range(calls):
            dense.copy_(inputs)
            crops.copy_(source)

    return run


def _equality(views: dict[str, FramePairPreprocessor], inputs: Tensor, draws: list) -> str:
    """Compare the fast with the plain path on all draws."""
    greatest = dict.fromkeys(('dense', 'subcrops'), 0.0)
    for samples in draws:
        data = dict(inputs=inputs, data_samples=samples)
        # torchvision blurs by a convolution, which cuDNN does in TF32 unless told otherwise.
        with torch.backends.cudnn.flags(allow_tf32=False):
            ours, plain = (views[name](data, training=True)['inputs'] for name in (OURS, PLAIN))
        for key, value in plain.items():
            if key in greatest:
                difference = ((ours[key] - value) * views[OURS].std).abs().max().item()
                greatest[key] = max(greatest[key], difference)
            elif not torch.equal(ours[key], value):
                raise RuntimeError(f'views: {key} of the fast and of the plain path differ')
    if max(greatest.values()) > TOLERANCE:
        raise RuntimeError(f'views: fast and plain path differ by {greatest} (of 1)')
    return (
        'Fast and plain path: dense views and subcrops differ by at most '
        f'{max(greatest.values()):.1e} on images in [0, 1]; boxes, maps and masks are equal.'
    )
