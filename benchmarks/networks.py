"""The networks that are timed: from the configs, on ready tensors."""

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.logging import MMLogger
from mmengine.registry import init_default_scope
from torch import Tensor, nn

from benchmarks.activations import kept_bytes
from benchmarks.result import Options
from poodle_mm.datasets.frame_pair_sample import FramePairSample
from poodle_mm.engine.train import import_rooms
from poodle_mm.registry import MODELS

LEARNING_RATE, WEIGHT_DECAY = 5e-4, 0.01
DILATED = dict(type='poodle_mm.ResNet', strides=(1, 2, 1, 1), dilations=(1, 1, 2, 4))


def model_config(options: Options, method: str = 'poodle') -> dict:
    """``model`` of the headline's base config, or of a small one for ``quick``.

    Args:
        options: Of the benchmark.
        method: ``'poodle'``, ``'release'`` (PooDLe by the release recipe), ``'flowe'`` (dense
            objective, dilated encoder) or ``'byol'``.
    """
    size = 'r18_quarter' if options.quick else 'r50'
    family = 'byol' if method == 'byol' else 'poodle'
    file = Path(options.configs, '_base_', 'models', f'{family}_{size}.py')
    cfg = Config.fromfile(file)
    if method == 'release':
        overlay = Config.fromfile(Path(options.configs, '_base_', 'recipes', 'release.py'))
        cfg.merge_from_dict(dict(model=overlay.release_model))
    cfg = cfg.model.to_dict()
    if family == 'poodle':
        cfg['data_preprocessor']['flow'] = dict(type='CachedFlow')
    if method == 'flowe':
        cfg |= dict(neck=None, pooled_head=None)
        cfg['backbone'] |= DILATED
        cfg['data_preprocessor']['subcrops'] = None
    return cfg


def build(cfg: dict, device: str) -> nn.Module:
    """An initialised model in training mode."""
    import_rooms()
    init_default_scope('poodle_mm')
    MMLogger.get_instance('mmengine').setLevel('ERROR')  # a line for each weight otherwise
    torch.manual_seed(0)
    model = MODELS.build(deepcopy(cfg))
    model.init_weights()
    if hasattr(model, 'target'):
        model.target.total_steps = 1000
    return model.to(device).train()


def random_pairs(batch: int, size: tuple[int, int], device: str) -> dict:
    """A batch as the loader gives it, with a flow of a few pixels in its samples."""
    generator = torch.Generator().manual_seed(0)
    coarse = torch.rand((batch, 6, size[0] // 16, size[1] // 16), generator=generator)
    frames = nn.functional.interpolate(coarse, size, mode='bicubic').clamp(0, 1)
    samples = []
    for seed in range(batch):
        sample = FramePairSample(metainfo=dict(source='random', seed=seed))
        sample.flow = torch.full((2, 2, *size), 2.0).mul_(
            torch.tensor([1, -1])[:, None, None, None]
        )
        samples.append(sample.to(device))
    inputs = (255 * frames).byte().view(batch, 2, 3, *size)
    return dict(inputs=inputs.to(device), data_samples=samples)


def optimizer_of(model: nn.Module) -> torch.optim.Optimizer:
    """AdamW as the schedules set it."""
    weights = [p for p in model.parameters() if p.requires_grad]
    return torch.optim.AdamW(weights, lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)


def training_step(
    model: nn.Module, data: dict, optimizer: torch.optim.Optimizer, bfloat16: bool = False
) -> Tensor:
    """Views, both networks, losses, backward, optimizer and target network; returns the loss."""
    device = data['inputs'].device.type
    with torch.autocast(device, torch.bfloat16, enabled=bfloat16):
        views = model.data_preprocessor(data, True)['inputs']
        losses = model.loss(views)
    total = sum(value for name, value in losses.items() if name.startswith('loss'))
    total.backward()
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    model.update_target()
    return total.detach()


def modules_only(model: nn.Module, views: dict, bfloat16: bool = False) -> Callable[[], None]:
    """The floor: the same modules forward and backward on ready tensors.

    Online and target pass of the dense views and of the subcrops and the online backward pass from
    a given gradient: no views, flow, loss, optimizer or average.
    """
    target = model.target.module
    dense = views['dense'].flatten(0, 1).contiguous(memory_format=model.memory_format)
    subcrops = views['subcrops'][0].flatten(0, 2).contiguous(memory_format=model.memory_format)

    def dense_map(part: Any, images: Tensor) -> Tensor:
        return part['neck'](part['backbone'](images))[-1]

    def run() -> None:
        online = dict(backbone=model.backbone, neck=model.neck)
        with torch.autocast(dense.device.type, torch.bfloat16, enabled=bfloat16):
            outputs = [
                model.dense_head.predict(dense_map(online, dense)),
                model.pooled_head.predict(model.backbone(subcrops)[-1]),
            ]
            with torch.no_grad():
                target['dense_projector'](dense_map(target, dense))
                target['pooled_projector'](target['backbone'](subcrops)[-1])
        torch.autograd.backward(outputs, [torch.ones_like(x) for x in outputs])
        model.zero_grad(set_to_none=True)

    return run


def encoder_pass(model: nn.Module, images: Tensor, bfloat16: bool = False) -> Callable[[], None]:
    """Forward and backward of the encoder, with its decoder if it has one."""
    images = images.contiguous(memory_format=model.memory_format)

    def run() -> None:
        with torch.autocast(images.device.type, torch.bfloat16, enabled=bfloat16):
            out = model.extract_feats(images)[-1]
        out.backward(torch.ones_like(out))
        model.zero_grad(set_to_none=True)

    return run


def kept_mib(model: nn.Module, images: Tensor) -> float:
    """MiB that encoder and decoder keep for their backward pass; nothing is computed."""
    parts = nn.ModuleList(part for part in (model.backbone, model.neck) if part is not None)
    parts = deepcopy(parts).to('meta')

    def forward() -> Tensor:
        feats = parts[0](images.to('meta'))
        return parts[1](feats)[-1] if len(parts) == 2 else feats[-1]

    return kept_bytes(forward, parts.parameters()) / 2**20
