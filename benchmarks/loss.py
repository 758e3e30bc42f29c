"""Stage ``loss``: the dense loss against the same sum with both maps at full resolution."""

import torch
import torch.nn.functional as F
from torch import Tensor

from benchmarks.result import Measurement, Options, StageResult, Target
from benchmarks.timing import isolated, take_turns
from poodle_mm.engine.hooks.run_stats_hook import peak_resident_mib
from poodle_mm.geometry.affine import affine_matrix, apply_affine
from poodle_mm.geometry.equivariance import BLOCK_CELLS, BLOCK_CELLS_ELSEWHERE
from poodle_mm.geometry.equivariance import flow_equivariance_loss as dense_loss
from poodle_mm.geometry.look_up import corners
from poodle_mm.geometry.warp import pixel_grid

STRIDE = 8
OURS, BASELINE, LOWER_BOUND = (
    'ours, in blocks',
    'grid_sample at full resolution',
    'lower bound: the products alone',
)


def run(options: Options) -> StageResult:
    """Forward and backward of one direction, online map with gradient, target map without."""
    size, channels = ((64, 128), 16) if options.quick else ((512, 1024), 256)
    case = make_case(size, channels, options.device)
    torch.set_num_threads(options.threads)
    products = needed_products(case)
    seconds = take_turns(
        {
            OURS: lambda: forward_backward(case, blocked=True),
            BASELINE: lambda: forward_backward(case, blocked=False),
            LOWER_BOUND: lambda: multiply(products),
        },
        options.repeats,
        options.device,
    )
    memory = {
        name: isolated(options, extra_memory, size, channels, options, name == OURS)
        for name in (OURS, BASELINE)
    }
    value_error, gradient_error = differences(case)
    rows = [Measurement(name, seconds[name]) for name in (LOWER_BOUND, OURS, BASELINE)]
    for row in rows[1:]:
        row.more['extra MiB'] = round(memory[row.name], 1)
    result = StageResult(
        'loss',
        'Dense loss',
        f'one sample, {size[0]}x{size[1]} pixels, {channels} channels, stride {STRIDE}, '
        'forward and backward',
        'loss',
        rows,
    )
    result.targets = [
        Target('time / full resolution', result.ratio(OURS, BASELINE), '<= 0.25'),
        Target(
            'extra memory / full resolution', memory[OURS] / max(memory[BASELINE], 1e-9), '<= 0.1'
        ),
        Target('relative difference of the value', value_error, '<= 1e-5'),
        Target('relative difference of the gradient', gradient_error, '<= 1e-5'),
    ]
    shapes = sum(len(q) * len(p) for q, p in products)
    result.notes = [
        f'The lower bound: one matrix product forward and one backward for each of {len(products)} '
        f'blocks ({shapes / 1e6:.1f} M dot products of cells). The rest is elementwise: picking '
        '16 products per pixel, weighting them, two norms, and the same backwards.',
    ]
    return result


def make_case(size: tuple[int, int], channels: int, device: str = 'cpu') -> dict:
    """Random maps, views of +-10 degrees and scale 0.9-1.1, smooth flow of about 12 pixels."""
    generator = torch.Generator().manual_seed(0)

    def random(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator)

    def random_affine() -> Tensor:
        angle, scale = 2 * torch.rand((2, 1), generator=generator) - 1
        return affine_matrix(0.1745 * angle, 1 + 0.1 * scale, size)

    cells = [n // STRIDE for n in size]
    case = dict(
        online=random(1, channels, *cells),
        target=random(1, channels, *cells),
        affine_online=random_affine(),
        affine_target=random_affine(),
        flow=F.interpolate(12 * random(1, 2, 5, 9), size, mode='bilinear'),
        visible=torch.rand((1, *size), generator=generator) < 0.9,
    )
    case = {name: value.to(device) for name, value in case.items()}
    case['online'].requires_grad_()
    return case | dict(stride=STRIDE)


def forward_backward(case: dict, blocked: bool) -> tuple[float, Tensor]:
    """Value and gradient of the online map."""
    case['online'].grad = None
    loss = dense_loss(**case, blocked=blocked).loss
    loss.backward()
    return loss.item(), case['online'].grad


def differences(case: dict) -> tuple[float, float]:
    """Relative difference of the values and of the gradients (norms) of the two forms."""
    value, gradient = forward_backward(case, blocked=True)
    expected, expected_gradient = forward_backward(case, blocked=False)
    error = (gradient - expected_gradient).norm() / expected_gradient.norm()
    return abs(value / expected - 1), error.item()


def extra_memory(size: tuple[int, int], channels: int, options: Options, blocked: bool) -> float:
    """Peak in MiB beyond the inputs; in a process of its own on a CPU."""
    torch.set_num_threads(options.threads)
    forward_backward(make_case((32, 64), channels, options.device), blocked)  # loads the libraries
    case = make_case(size, channels, options.device)
    if options.device == 'cuda':
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        forward_backward(case, blocked)
        return (torch.cuda.max_memory_allocated() - before) / 2**20
    before = peak_resident_mib()
    forward_backward(case, blocked)
    return peak_resident_mib() - before


def needed_products(case: dict) -> list[tuple[Tensor, Tensor]]:
    """Cells of both maps that the pixels of a block read, (n, C) and (m, C), for each block."""
    size = case['flow'].shape[-2:]
    grid = pixel_grid(size, case['flow'].device)
    points = (
        apply_affine(case['affine_online'], grid[None])[0],
        apply_affine(case['affine_target'], grid + case['flow'].movedim(1, -1))[0],
    )
    maps = [case[name].detach()[0].flatten(1).T.contiguous() for name in ('online', 'target')]
    cells = case['online'].shape[-2:]
    side = STRIDE * BLOCK_CELLS.get(case['flow'].device.type, BLOCK_CELLS_ELSEWHERE)
    blocks = []
    for top in range(0, size[0], side):
        for left in range(0, size[1], side):
            window = (slice(top, top + side), slice(left, left + side))
            read = [(x[window].flatten(0, 1) + 0.5) / STRIDE - 0.5 for x in points]
            used = [corners(x, cells).cells.unique() for x in read]
            blocks.append(tuple(x[index] for x, index in zip(maps, used)))
    return blocks


def multiply(blocks: list[tuple[Tensor, Tensor]]) -> None:
    """The matrix products that no form can avoid: cells with cells, and their gradient."""
    for q, p in blocks:
        products = q @ p.T
        products @ p
