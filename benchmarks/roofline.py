"""Stage ``roofline``: what bounds the networks of a step, part by part."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.profiler import ProfilerActivity, profile
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.networks import build, model_config, modules_only, random_pairs
from benchmarks.result import Measurement, Options, StageResult, Target
from benchmarks.timing import wall_seconds

# Part: words in the names of torch's operations; the first that fits counts.
PARTS = {
    'convolutions': ('convolution',),
    'batch norm': ('batch_norm',),
    'linear layers': ('mm', 'linear'),
    'ReLU, sums, copies, pooling, upsampling': ('',),
}
# Times that batch norm touches its map: forward reads it for the moments and to normalise, and
# writes it; backward reads map and gradient twice and writes the gradient.
PASSES_FORWARD, PASSES_BACKWARD = 3, 5


class Roof(NamedTuple):
    """Speed of the device on one large task of a kind."""

    flops: float  # multiply-adds count two, per second
    bandwidth: float  # bytes read and written, per second


def run(options: Options) -> StageResult:
    """Profile forward and backward of all modules on ready tensors, in float32 and bfloat16."""
    torch.set_num_threads(options.threads)
    device, cuda = options.device, options.device == 'cuda'
    size = (64, 128) if options.quick else (512, 1024) if cuda else (256, 512)
    batch = 8 if cuda and not options.quick else 1
    model = build(model_config(options), device)
    with torch.no_grad():
        data = random_pairs(batch, size, device)
        views = model.data_preprocessor(data, True)['inputs']
    result = StageResult(
        'roofline',
        'What bounds the networks of a step',
        f'forward and backward of all modules, {batch} pair(s) of {size[0]}x{size[1]}, on ready '
        'tensors',
        'step',
        [],
    )
    for dtype in (torch.float32, torch.bfloat16):
        roof = measure_roof(dtype, options)
        name = str(dtype).removeprefix('torch.')
        step = modules_only(model, views, bfloat16=dtype == torch.bfloat16)
        add_parts(result, name, step, model, roof, device)
        result.notes.append(
            f'{name}: the device reaches {roof.flops / 1e12:.2f} TFLOP/s in one large matrix '
            f'product and {roof.bandwidth / 1e9:.1f} GB/s in a copy; shares of the roof refer to '
            'these.'
        )
    result.notes.append(
        'Time of operations within a profiled step, without what lies between them. Counted: '
        "multiply-adds twice; batch norm's bytes as three passes over its map forward, five back."
    )
    return result


def add_parts(
    result: StageResult,
    name: str,
    step: Callable[[], None],
    model: nn.Module,
    roof: Roof,
    device: str,
) -> None:
    """A row for each part of one precision, and limits on a GPU."""
    step()
    with FlopCounterMode(display=False) as counter:
        moved = batch_norm_bytes(model, step)
    flops = dict.fromkeys(PARTS, 0)
    for operation, count in counter.get_flop_counts()['Global'].items():
        flops[part_of(str(operation))] += count
    seconds = profiled_seconds(step, device)
    total = sum(seconds.values())
    for part, spent in seconds.items():
        row = Measurement(f'{name}: {part}', [max(spent, 1e-9)])
        row.more['share of the step %'] = round(100 * spent / total, 1)
        reached = None
        if flops[part]:
            row.more['GFLOP'] = round(flops[part] / 1e9, 1)
            reached = flops[part] / row.median / roof.flops
        elif part == 'batch norm':
            row.more['GB moved'] = round(moved / 1e9, 2)
            reached = moved / row.median / roof.bandwidth
        if reached is not None:
            row.more['share of the roof %'] = round(100 * reached, 1)
            if device == 'cuda':
                result.targets.append(Target(f'{row.name}: share of the roof', reached, '>= 0.6'))
        result.rows.append(row)


def part_of(operation: str) -> str:
    """The part to which an operation of torch belongs."""
    return next(part for part, words in PARTS.items() if any(w in operation for w in words))


def profiled_seconds(step: Callable[[], None], device: str) -> dict[str, float]:
    """Seconds that the operations of each part take in one step."""
    activities = [ProfilerActivity.CPU]
    if device == 'cuda':
        activities.append(ProfilerActivity.CUDA)
    with profile(activities=activities) as record:
        wall_seconds(step, device)
    seconds = dict.fromkeys(PARTS, 0.0)
    for event in record.key_averages():
        if event.key.startswith('aten::'):
            micro = event.self_device_time_total if device == 'cuda' else event.self_cpu_time_total
            seconds[part_of(event.key)] += 1e-6 * micro
    return seconds


def batch_norm_bytes(model: nn.Module, step: Callable[[], None]) -> int:
    """Bytes that the batch norms of one step read and write, online and target."""
    moved = 0

    def count(module: nn.Module, inputs: tuple, output: torch.Tensor) -> None:
        nonlocal moved
        passes = PASSES_FORWARD + (PASSES_BACKWARD if output.requires_grad else 0)
        moved += passes * output.numel() * output.element_size()

    hooks = [m.register_forward_hook(count) for m in model.modules() if isinstance(m, _BatchNorm)]
    try:
        step()
    finally:
        for hook in hooks:
            hook.remove()
    return moved


def measure_roof(dtype: torch.dtype, options: Options) -> Roof:
    """Best of some runs of a matrix product and of a copy, both far larger than the caches."""
    side = 256 if options.quick else 8192 if options.device == 'cuda' else 2048
    a = torch.randn(side, side, device=options.device).to(dtype)
    product = min(wall_seconds(lambda: a @ a, options.device) for _ in range(5))
    length = 2**16 if options.quick else 2**28
    source = torch.ones(length, dtype=torch.uint8, device=options.device)
    target = torch.empty_like(source)
    copy = min(wall_seconds(lambda: target.copy_(source), options.device) for _ in range(5))
    return Roof(2 * side**3 / product, 2 * length / copy)
