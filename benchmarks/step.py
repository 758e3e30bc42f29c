"""Stage ``step``: a whole training step against its own modules, BYOL and FlowE."""

from collections.abc import Callable

import torch
from mmengine.logging import MessageHub
from torch import nn

from benchmarks.networks import (
    build,
    encoder_pass,
    kept_mib,
    model_config,
    modules_only,
    optimizer_of,
    random_pairs,
    total_loss,
    training_step,
)
from benchmarks.result import Measurement, Options, StageResult, Target
from benchmarks.timing import take_turns

LOWER_BOUND, OURS = 'lower bound: its modules on ready tensors', 'ours'
RELEASE = 'ours, release recipe'
PLAIN = 'ours, every shortcut off'
BYOL, FLOWE = "baseline: mmpretrain's BYOL, same pixels", 'baseline: FlowE'
ENCODER, DILATED = 'encoder + decoder alone', "baseline: FlowE's dilated encoder alone"
RELEASE_ENCODER = 'encoder + decoder alone, release recipe'


def run(options: Options) -> StageResult:
    """Time of the step and of its parts; the flow comes with the samples."""
    torch.set_num_threads(options.threads)
    device = options.device
    size = (64, 128) if options.quick else (512, 1024)
    batch = 8 if device == 'cuda' else 1
    # MMEngine's configs leave TF32 as torch has it; a GPU's float32 rows are without it.
    data = random_pairs(batch, size, device)
    cfg = model_config(options)
    num, side = (cfg['data_preprocessor']['subcrops'][key] for key in ('num', 'size'))
    pixels = batch * 2 * (size[0] * size[1] + num * side**2)

    model, plain = build(cfg, device), build(without_shortcuts(cfg), device)
    release, flowe, byol = (
        build(model_config(options, method), device) for method in ('release', 'flowe', 'byol')
    )
    frames = torch.randn(2 * batch, 3, *size, device=device)
    with torch.no_grad():
        views = model.data_preprocessor(data, True)['inputs']
    trained = {OURS: model, RELEASE: release, PLAIN: plain, FLOWE: flowe}
    steps = {name: optimizer_of(m) for name, m in trained.items()}
    contenders = {
        LOWER_BOUND: modules_only(model, views),
        OURS: lambda: training_step(model, data, steps[OURS]),
        f'{OURS}, bfloat16': lambda: training_step(model, data, steps[OURS], bfloat16=True),
        RELEASE: lambda: training_step(release, data, steps[RELEASE]),
        PLAIN: lambda: training_step(plain, data, steps[PLAIN]),
        BYOL: byol_step(byol, pixels, device),
        FLOWE: lambda: training_step(flowe, data, steps[FLOWE]),
        ENCODER: encoder_pass(model, frames),
        RELEASE_ENCODER: encoder_pass(release, frames),
        DILATED: encoder_pass(flowe, frames),
    }
    equal = same_loss(options, cfg, data)
    seconds = take_turns(contenders, max(1, min(options.repeats, 3)), device)
    result = StageResult(
        'step',
        'Training step, flow given',
        f'{batch} pair(s) of {size[0]}x{size[1]}, {num} pairs of subcrops of {side} px, '
        'views, both networks, losses, backward, AdamW and target network',
        'step',
        [Measurement(name, values) for name, values in seconds.items()],
    )
    for row in result.rows[:7]:
        if row.name != BYOL and row.seconds:
            row.more['pairs/s'] = round(batch / row.median, 3)
    networks = {ENCODER: model, RELEASE_ENCODER: release, DILATED: flowe}
    kept = {name: kept_mib(m, frames) for name, m in networks.items()}
    for name, mib in kept.items():
        result.row(name).more['kept for backward MiB'] = round(mib, 1)
    result.targets = [
        Target('time / lower bound', result.ratio(OURS, LOWER_BOUND), '<= 1.15'),
        Target("encoder + decoder: time / FlowE's encoder", result.ratio(ENCODER, DILATED), '<= 1'),
        Target(
            "encoder + decoder: activation memory / FlowE's encoder",
            kept[ENCODER] / kept[DILATED],
            '<= 0.7',
        ),
        Target('loss: relative difference to every shortcut off', equal, '<= 1e-5'),
    ]
    result.notes = [
        "BYOL's and FlowE's rows have their own objectives: what they cost, not what they learn. "
        f'BYOL gets ready views, {byol_pairs(pixels)} pairs of 224x224 (its classes and recipe).',
        'Memory is the bytes that autograd keeps, each block once: the same on every device.',
        'bfloat16 is `--amp`: another rounding, not the same numbers.',
    ]
    return result


def without_shortcuts(cfg: dict) -> dict:
    """Each shortcut's own switch: memory format, decoder and dense loss."""
    cfg = dict(cfg, channels_last=False)
    cfg['neck'] = dict(cfg['neck'], reduce_first=False)
    cfg['dense_head'] = dict(cfg['dense_head'], blocked=False)
    return cfg


def same_loss(options: Options, cfg: dict, data: dict) -> float:
    """Relative difference of the first loss of fresh models with and without shortcuts."""
    values = []
    for one in (cfg, without_shortcuts(cfg)):
        model = build(one, options.device)
        with torch.no_grad():
            losses = model.loss(model.data_preprocessor(data, True)['inputs'])
        values.append(total_loss(losses).item())
    return abs(values[0] / values[1] - 1)


def byol_pairs(pixels: int) -> int:
    """Pairs of 224x224 that have as many pixels."""
    return max(2, round(pixels / (2 * 224**2)))


def byol_step(model: nn.Module, pixels: int, device: str) -> Callable[[], None]:
    """A step of mmpretrain's BYOL on ready views (its loss updates the target network)."""
    views = [torch.randn(byol_pairs(pixels), 3, 224, 224, device=device) for _ in range(2)]
    optimizer = optimizer_of(model)
    # its cosine momentum reads the run's length from here
    MessageHub.get_current_instance().update_info('max_iters', 1000)

    def run() -> None:
        model.loss(views, [])['loss'].backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    return run
