"""Stage ``memory``: what a step keeps, what a process needs, what a checkpoint takes."""

import tempfile
from functools import partial
from pathlib import Path

import torch

from benchmarks.activations import kept_bytes
from benchmarks.networks import (
    build,
    kept_mib,
    model_config,
    optimizer_of,
    random_pairs,
    training_step,
)
from benchmarks.result import Measurement, Options, StageResult, Target
from benchmarks.timing import isolated, wall_seconds
from poodle_mm.engine.hooks.run_stats_hook import peak_resident_mib

# Contender: changes of the model's config, by part.
VARIANTS = {
    'ours': {},
    'ours, channels not reduced before upsampling': dict(neck=dict(reduce_first=False)),
    'ours, activation checkpointing (with_cp)': dict(
        backbone=dict(with_cp=True), neck=dict(with_cp=True), dense_head=dict(with_cp=True)
    ),
}
RELEASE, FLOWE = 'ours, release recipe', 'baseline: FlowE'


def run(options: Options) -> StageResult:
    """Memory of each variant at batch 1, each in a process of its own."""
    size = (64, 128) if options.quick else (512, 1024)
    rows = []
    for name in (*VARIANTS, RELEASE, FLOWE):
        seconds, peak, base = isolated(options, one_step, options, name, size)
        model = build(variant(options, name) | dict(pooled_head=None), 'meta')
        views = dict(dense=torch.empty(2, 1, 3, *size), affine=torch.empty(2, 1, 2, 3))
        views = {key: value.to('meta') for key, value in views.items()}
        dense = kept_bytes(partial(model.predict, views), model.parameters()) / 2**20
        row = Measurement(name, [seconds])
        row.more = {
            'encoder and decoder keep MiB': round(kept_mib(model, views['dense'].flatten(0, 1)), 1),
            'with dense head MiB': round(dense, 1),
            'peak of a step MiB': round(peak),
            'of which before it MiB': round(base),
        }
        rows.append(row)
    result = StageResult(
        'memory',
        'Memory of a step',
        f'one pair of {size[0]}x{size[1]} with its subcrops, float32, one step with AdamW',
        'first step',
        rows,
    )
    keep = 'encoder and decoder keep MiB'
    ratio = rows[0].more[keep] / result.row(FLOWE).more[keep]
    result.targets = [Target("encoder and decoder keep / FlowE's encoder", ratio, '<= 0.7')]
    result.notes = [
        "Kept: bytes between forward and backward, the same on every device. Peak: the process's "
        'resident size (on a GPU: allocated), with weights, target network, gradients and AdamW.',
        checkpoint_note(options),
    ]
    return result


def variant(options: Options, name: str) -> dict:
    """Model config of a contender."""
    if name in (RELEASE, FLOWE):
        return model_config(options, 'release' if name == RELEASE else 'flowe')
    cfg = model_config(options)
    for part, changes in VARIANTS[name].items():
        cfg[part] = cfg[part] | changes
    return cfg


def one_step(options: Options, name: str, size: tuple[int, int]) -> tuple[float, float, float]:
    """Seconds of one step, peak memory in MiB, and the peak before it."""
    torch.set_num_threads(options.threads)
    model = build(variant(options, name), options.device)
    optimizer, data = optimizer_of(model), random_pairs(1, size, options.device)
    peak = _allocated_mib if options.device == 'cuda' else peak_resident_mib
    before = peak()
    seconds = wall_seconds(lambda: training_step(model, data, optimizer), options.device)
    return seconds, peak(), before


def _allocated_mib() -> float:
    return torch.cuda.max_memory_allocated() / 2**20


def checkpoint_note(options: Options) -> str:
    """Size of a training checkpoint and of the encoder that goes downstream."""
    model = build(variant(options, 'ours'), 'cpu')
    optimizer = optimizer_of(model)
    for parameter in optimizer.param_groups[0]['params']:
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    whole = dict(state_dict=model.state_dict(), optimizer=optimizer.state_dict())
    with tempfile.TemporaryDirectory() as folder:
        sizes = []
        for content in (whole, model.state_dict(), model.backbone.state_dict()):
            file = Path(folder, 'checkpoint.pth')
            torch.save(content, file)
            sizes.append(file.stat().st_size / 2**20)
    return (
        f"Checkpoint: {sizes[0]:.0f} MiB with AdamW's moments and the target network, "
        f'{sizes[1]:.0f} MiB without the optimizer, the encoder alone {sizes[2]:.0f} MiB.'
    )
