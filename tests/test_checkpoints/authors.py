"""Files as PooDLe's authors write them, made from models of ours.

Written against the list of their names, without our converter: ``their_name`` goes the other way.
"""

import re
import sys
from pathlib import Path
from types import ModuleType

import torch
from mmengine.registry import init_default_scope
from torch import Tensor, nn

from poodle_mm.registry import MODELS

TINY_POODLE = dict(
    type='PooDLe',
    backbone=dict(
        type='mmpretrain.ResNet', depth=18, stem_channels=8, base_channels=8, out_indices=(1, 2, 3)
    ),
    neck=dict(type='SpatialDecoderModule', in_channels=[16, 32, 64], upsample_first=False),
    dense_head=dict(
        type='DenseFlowHead',
        in_channels=64,
        hidden_channels=32,
        out_channels=16,
        hidden_bias=True,
        out_bias=True,
    ),
    pooled_head=dict(
        type='PooledHead',
        pool_first=True,
        in_channels=64,
        hidden_channels=24,
        out_channels=12,
        hidden_bias=True,
        out_bias=True,
    ),
)
_PART_ORDER = ('backbone', 'decoder_laterals', 'decoder_blocks', 'pooled', 'dense', 'encoder', 'pr')
_FLOWE = dict(backbone='encoder', dense_projector='projector', dense_predictor='predictor')


def tiny_model(seed: int = 0, **overrides) -> nn.Module:
    """A PooDLe of ours in the authors' architecture; every tensor is random, also statistics."""
    init_default_scope('poodle_mm')
    torch.manual_seed(seed)
    model = MODELS.build(TINY_POODLE | overrides)
    with torch.no_grad():
        for value in model.state_dict().values():
            if value.is_floating_point():
                value.copy_(torch.rand_like(value) / max(1, value[0].numel() ** 0.5) + 0.01)
    return model


def their_name(ours: str, flowe: bool = False) -> str:
    """The authors' name of a tensor of ours."""
    name = ours.removeprefix('target.module.').replace('.mlp.', '.')
    name = re.sub(r'^neck\.blocks\.(\d+)\.block\.', r'decoder_blocks.\1.', name)
    name = re.sub(r'^neck\.blocks\.(\d+)\.lateral\.', r'decoder_laterals.\1.', name)
    name = re.sub(r'^(dense|pooled)_head\.', r'\1_', name)
    prefix = 'teacher_' if ours.startswith('target.') else ''
    if flowe:
        part, _, rest = name.partition('.')
        name, prefix = f'{_FLOWE[part]}.{rest}', 'target_' if prefix else ''
    return prefix + name


def their_tensor(ours: str, value: Tensor) -> Tensor:
    """As the authors store it: the pooled head's matrices are 1x1 kernels."""
    return value[:, :, None, None] if 'pooled' in ours and value.ndim == 2 else value


def their_state(model: nn.Module, flowe: bool = False) -> dict[str, Tensor]:
    """A model's tensors as the authors' file has them, the parts in another order than ours."""
    state = {
        their_name(k, flowe): their_tensor(k, v)
        for k, v in model.state_dict().items()
        if k != 'target.steps'
    }
    flow = 'flownet' if flowe else 'flow_model'
    order = sorted(state, key=lambda k: (k.startswith(('teacher', 'target')), _part(k)))
    return {k: state[k] for k in order} | {f'{flow}.update_block.weight': torch.zeros(3)}


def _part(key: str) -> int:
    key = re.sub('^(teacher|target)_', '', key)
    return next(i for i, part in enumerate(_PART_ORDER) if key.startswith(part))


def named_groups(named_parameters) -> list[list[tuple[str, Tensor]]]:
    """Parameters without weight decay and with it, each in the given order."""
    named = list(named_parameters)
    flat = [(k, p) for k, p in named if p.ndim <= 1 or k.endswith('.bias')]
    return [flat, [(k, p) for k, p in named if not (p.ndim <= 1 or k.endswith('.bias'))]]


def optimizer_of(groups: list[list[Tensor]], **settings) -> torch.optim.AdamW:
    """AdamW over two groups, the first without weight decay."""
    decay = settings.pop('weight_decay', 0.05)
    return torch.optim.AdamW(
        [dict(params=p, weight_decay=d) for p, d in zip(groups, (0.0, decay))], **settings
    )


def save_authors_file(
    path: Path, state: dict[str, Tensor], optimizer: dict | None = None, epoch: int = 100
) -> Path:
    """``model optimizer epoch args scaler`` with ``args`` of a class that no reader can import."""
    package, module = ModuleType('omegaconf'), ModuleType('omegaconf.dictconfig')

    class DictConfig:
        def __init__(self, content):
            self.__dict__['_content'] = content

        def __setstate__(self, state):
            raise AssertionError('an object of the file was built')

    DictConfig.__module__ = module.__name__
    DictConfig.__qualname__ = 'DictConfig'
    module.DictConfig = DictConfig
    args = DictConfig(dict(lr=5e-4, data=dict(name='bdd', nested=DictConfig(dict(size=[512])))))
    sys.modules |= {'omegaconf': package, 'omegaconf.dictconfig': module}
    try:
        content = dict(model=state, optimizer=optimizer or {}, epoch=epoch, args=args)
        torch.save(content | dict(scaler=dict(scale=65536.0, growth_factor=2.0)), path)
    finally:
        del sys.modules['omegaconf'], sys.modules['omegaconf.dictconfig']
    return path
