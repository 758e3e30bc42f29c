"""Checkpoints of PooDLe's authors: their names of tensors, and ours.

The authors published four files (github.com/agentic-learning-ai-lab/poodle) of two layouts:
PooDLe's and that of their FlowE. Everything here works on state dicts; ``convert_release.py`` on
files.

=========================================  =====================================================
theirs                                     ours
=========================================  =====================================================
``backbone.X``                             ``backbone.X`` (torchvision's names)
``decoder_blocks.i.X``                     ``neck.blocks.i.block.X``
``decoder_laterals.i.X``                   ``neck.blocks.i.lateral.X``
``dense_{projector,predictor}.X``          ``dense_head.{projector,predictor}.X``
``pooled_projector.X``                     ``pooled_head.projector.mlp.X``, 1x1 kernels squeezed
``pooled_predictor.X``                     ``pooled_head.predictor.X``, 1x1 kernels squeezed
``teacher_*``                              ``target.module.*``
``flow_model.*``                           dropped: the frozen flow estimator
=========================================  =====================================================

FlowE's ``encoder``, ``projector`` and ``predictor`` are PooDLe's ``backbone``, ``dense_projector``
and ``dense_predictor``, ``target_`` is ``teacher_`` and ``flownet`` is ``flow_model``.
"""

import re
from collections.abc import Iterable, Mapping

from torch import Tensor

from poodle_mm.checkpoints.resnet import infer_resnet

_POODLE_ONLY = re.compile(
    r'(teacher_backbone|decoder_(blocks|laterals)|(dense|pooled)_projector)\.'
)
_FLOWE = (
    (r'^target_(?=(encoder|projector|predictor)\.)', 'teacher_'),
    (r'^(teacher_|)encoder\.', r'\1backbone.'),
    (r'^(teacher_|)(projector|predictor)\.', r'\1dense_\2.'),
    (r'^flownet\.', 'flow_model.'),
)
_RENAMES = (
    (r'decoder_blocks\.(\d+)\.', r'neck.blocks.\1.block.'),
    (r'decoder_laterals\.(\d+)\.(?=(weight|bias)$)', r'neck.blocks.\1.lateral.'),
    (r'dense_(projector|predictor)\.(?=[013]\.)', r'dense_head.\1.'),
    (r'pooled_projector\.(?=[013]\.)', 'pooled_head.projector.mlp.'),
    (r'pooled_predictor\.(?=[013]\.)', 'pooled_head.predictor.'),
    (r'backbone\.(?=(conv1|bn1|layer[1-4])\.)', 'backbone.'),
)
# Frozen flow, ImageNet's classifier, and predictors of a target network, which has no use for any.
_DROPPED = re.compile(r'flow_model\.|(teacher_)?backbone\.fc\.|teacher_(dense|pooled)_predictor\.')
_PARTS = ('backbone', 'neck', 'dense_head', 'pooled_head', 'target')
# FlowE's encoder, and any without decoder: stride 8, and the first block of a dilated stage keeps
# the dilation of the stage before.
_DILATED = dict(type='poodle_mm.ResNet', strides=(1, 2, 1, 1), dilations=(1, 1, 2, 4))


def release_layout(state: Mapping[str, Tensor]) -> str | None:
    """``'PooDLe'`` or ``'FlowE'`` if these are the authors' names, otherwise None."""
    names = ('encoder.conv1.weight', 'target_encoder.conv1.weight', 'projector.0.weight')
    # Others' BYOL has these names too, with linear projectors.
    if all(name in state for name in names) and state[names[2]].ndim == 4:
        return 'FlowE'
    return 'PooDLe' if any(_POODLE_ONLY.match(key) for key in state) else None


def is_release(state: Mapping[str, Tensor]) -> bool:
    """Whether these are the authors' names of either layout."""
    return release_layout(state) is not None


def rename_keys(keys: Iterable[str], layout: str) -> dict[str, str]:
    """Their names to ours, in their order, without those that are dropped.

    Raises:
        ValueError: Listing the names that are not the authors'.
    """
    found, unknown = {}, []
    for key in keys:
        name = key if layout == 'PooDLe' else _poodle_name(key)
        if _DROPPED.match(name):
            continue
        ours = _rename(name.removeprefix('teacher_'))
        if ours is None:
            unknown.append(key)
        elif name.startswith('teacher_'):
            found[key] = 'target.module.' + re.sub(r'^(dense|pooled)_head\.', r'\1_', ours)
        else:
            found[key] = ours
    if unknown:
        names = ', '.join(unknown[:30])
        raise ValueError(f"{len(unknown)} tensors are not in the authors' {layout} model: {names}")
    return found


def _poodle_name(flowe: str) -> str:
    """PooDLe's name of a FlowE tensor; empty for a name that is not FlowE's."""
    name = flowe
    for pattern, new in _FLOWE:
        name = re.sub(pattern, new, name)
    return name if name != flowe else ''


def _rename(name: str) -> str | None:
    for pattern, new in _RENAMES:
        renamed, count = re.subn(f'^{pattern}', new, name)
        if count:
            return renamed
    return None


def convert_state(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The authors' tensors under our names, in the order of our model's.

    Args:
        state: All tensors of a file of theirs, by name.

    Raises:
        ValueError: If a name is not the authors' (listing them all), or a kernel of a pooled
            projector or predictor is not 1x1.
    """
    layout = release_layout(state)
    if layout is None:
        raise ValueError("not a checkpoint of PooDLe's authors: no teacher_backbone, no encoder")
    renamed = {
        ours: squeeze_pooled(ours, state[theirs])
        for theirs, ours in rename_keys(state, layout).items()
    }
    return {key: renamed[key] for key in sorted(renamed, key=_place)}


def squeeze_pooled(name: str, value: Tensor) -> Tensor:
    """The tensor, a 1x1 kernel of the pooled head as the matrix of a linear layer.

    Args:
        name: Our name of it.
        value: (C, D, 1, 1) for a kernel.
    """
    if value.ndim != 4 or not re.match(r'(target\.module\.pooled_|pooled_head\.)', name):
        return value
    if value.shape[2:] != (1, 1):
        raise ValueError(f'{name} is a kernel of {tuple(value.shape)}, not 1x1')
    return value.flatten(1)


def _place(name: str) -> tuple:
    """Sort key that puts our names into our model's order; within a layer a file's order stays."""
    online = name.removeprefix('target.module.')
    part = next(i for i, start in enumerate(_PARTS) if online.startswith(start.split('_')[0]))
    block = re.match(r'neck\.blocks\.(\d+)\.(block|lateral)\.', online)
    inner = (int(block[1]), block[2]) if block else (0, '')
    return online != name, part, inner, '.predictor.' in online


def release_model(state: Mapping[str, Tensor]) -> dict:
    """Config of our model for the authors' tensors, read off their names and shapes.

    Args:
        state: Result of :func:`convert_state`.

    Raises:
        ValueError: If a part is incomplete, naming the tensor, or not as the authors build it.
    """
    backbone = infer_resnet(state, 'backbone.')
    neck = _neck(state)
    backbone |= dict(out_indices=(1, 2, 3)) if neck else dict(out_indices=(3,), **_DILATED)
    return dict(
        type='PooDLe',
        backbone=backbone,
        neck=neck,
        dense_head=_head(state, 'dense_head', '', dict(type='DenseFlowHead')),
        pooled_head=_head(state, 'pooled_head', 'mlp.', dict(type='PooledHead', pool_first=True)),
    )


def _neck(state: Mapping[str, Tensor]) -> dict | None:
    if not any(key.startswith('neck.') for key in state):
        return None
    number = sum(bool(re.match(r'neck\.blocks\.\d+\.lateral\.weight', key)) for key in state)
    if not number:
        raise ValueError("the authors' decoder has laterals: decoder_laterals.0.weight is missing")
    laterals = [_get(state, f'neck.blocks.{i}.lateral.weight') for i in range(number)]
    for i in range(number):
        _get(state, f'neck.blocks.{i}.block.conv1.weight')
    # The first block is the coarsest; our config lists the encoder's maps fine to coarse.
    channels = [lateral.shape[1] for lateral in reversed(laterals)]
    channels.append(laterals[0].shape[0])
    return dict(type='SpatialDecoderModule', in_channels=channels, upsample_first=False)


def _head(state: Mapping[str, Tensor], name: str, inner: str, cfg: dict) -> dict | None:
    if not any(key.startswith(f'{name}.') for key in state):
        return None
    first = _get(state, f'{name}.projector.{inner}0.weight')
    last = _get(state, f'{name}.projector.{inner}3.weight')
    cfg |= dict(
        in_channels=first.shape[1], hidden_channels=first.shape[0], out_channels=last.shape[0]
    )
    for key, layer in (('hidden_bias', 0), ('out_bias', 3)):
        cfg[key] = f'{name}.projector.{inner}{layer}.bias' in state
        if cfg[key] != (f'{name}.predictor.{layer}.bias' in state):
            raise ValueError(f'{key} of {name}: only one of projector and predictor has a bias')
    return cfg


def _get(state: Mapping[str, Tensor], key: str) -> Tensor:
    if key not in state:
        raise ValueError(f"{key} (the name after conversion) is missing in the authors' file")
    return state[key]
