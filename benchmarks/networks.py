"""The networks that are timed: from the configs, on ready tensors."""

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.logging import MMLogger
from mmengine.registry import init_default_scope
from torch import Tensor, nn

from benchmarks.activations import kept_bytes
from benchmarks.result import Options
from poodle_mm.datasets.frame_pair_sample import FramePairSample
from poodle_mm.registry import MODELS, register_all_modules

LEARNING_RATE, WEIGHT_DECAY = 5e-4, 0.01
DILATED = dict(type='poodle_mm.ResNet', strides=(1, 2, 1, 1), dilations=(1, 1, 2, 4))


def model_config(options: Options, method: str = 'poodle') -> dict:
    """``model`` of the headline's base config, or of a small one for ``quick``.

    Args:
        options: Options of the benchmark.
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
    register_all_modules()
    init_default_scope('poodle_mm')
    MMLogger.get_instance('mmengine').setLevel('ERROR')  # a line for each weight otherwise
    torch.manual_seed(0)
    model = MODELS.build(deepcopy(cfg))
    model.init_weights()
    if hasattr(model, 'target'):
        model.target.total_steps = 1000
    return model.to(device).train()


def random_pairs(batch: int, size: tuple[int, int], device: str, seed: int = 0) -> dict:
    """A batch as the loader gives it, with a flow of a few pixels in its samples."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand((batch, 6, size[0] // 16, size[1] // 16), generator=generator)
    frames = nn.functional.interpolate(coarse, size, mode='bicubic').clamp(0, 1)
    samples = []
    for i in range(batch):
        sample = FramePairSample(metainfo=dict(source='random', seed=seed * batch + i))
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
    model: nn.Module,
    data: dict,
    optimizer: torch.optim.Optimizer,
    bfloat16: bool = False,
    wrapped: nn.Module | None = None,
) -> Tensor:
    """Views, both networks, losses, backward, optimizer and target network; gives the loss.

    Args:
        model: From :func:`build`.
        data: From :func:`random_pairs`.
        optimizer: From :func:`optimizer_of`.
        bfloat16: Run it under autocast.
        wrapped: The model within DDP.
    """
    device = data['inputs'].device.type
    with torch.autocast(device, torch.bfloat16, enabled=bfloat16):
        views = model.data_preprocessor(data, True)['inputs']
        loss = total_loss((wrapped or model)(views, mode='loss'))
    loss.backward()
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    model.update_target()
    return loss.detach()


def total_loss(losses: dict[str, Tensor]) -> Tensor:
    """The sum that is minimised."""
    return sum(value for name, value in losses.items() if name.startswith('loss'))


def modules_only(model: nn.Module, views: dict, bfloat16: bool = False) -> Callable[[], None]:
    """The lower bound: the same modules forward and backward on ready tensors.

    Online and target pass of the dense views and of the subcrops and the online backward pass from
    a given gradient: no views, flow, loss, optimizer or average.
    """
    device = views['dense'].device.type

    def run() -> None:
        with torch.autocast(device, torch.bfloat16, enabled=bfloat16):
            outputs = [*model.predict(views).values()]
            model.targets(views)
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
    model = deepcopy(model).to('meta')
    return kept_bytes(lambda: model.extract_feats(images.to('meta')), model.parameters()) / 2**20
