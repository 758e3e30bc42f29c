"""Encoder and decoder in a checkpoint: finding them, and loading them to the last key."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from mmengine.config import Config
from torch import Tensor, nn

from poodle_mm.checkpoints.allowed_types import check_types
from poodle_mm.checkpoints.config_text import read_config_text
from poodle_mm.checkpoints.files import load_file, scheme_of, state_dict_of, tensors_of
from poodle_mm.checkpoints.release import is_release, release_model
from poodle_mm.checkpoints.resnet import STEM, infer_resnet
from poodle_mm.checkpoints.state_dict import check_state, part_of, some
from poodle_mm.checkpoints.vit_keys import infer_vit, is_vit, without_masking

_WEIGHTS = dict(online='', ema='target.module.')
_OF_TRAINING = ('init_cfg', 'frozen_stages', 'norm_eval', 'use_mask_token')


@dataclass(frozen=True)
class EncoderCheckpoint:
    """The part of a checkpoint that goes downstream.

    Attributes:
        path: Checkpoint file; None for a network that stays random.
        backbone: Config of the encoder (``mmpretrain.ResNet``, ``mmpretrain.VisionTransformer``),
            without ``init_cfg``, frozen stages and mask token.
        neck: Config of the spatial decoder, or None.
        backbone_prefix: Beginning of the encoder's keys in the file, e.g. ``'backbone.'``.
        neck_prefix: Likewise for the decoder; None without one, or for one that stays random.
        scheme: Prefix of the path by which MMEngine finds its loader for the file.
    """

    path: str | None
    backbone: dict
    neck: dict | None = None
    backbone_prefix: str = ''
    neck_prefix: str | None = None
    scheme: str = ''

    @property
    def first_strides(self) -> tuple[int, int]:
        """Strides of a ResNet's first two stages, which readouts keep; a dilation counts as one."""
        first, second = tuple(self.backbone.get('strides', (1, 2)))[:2]
        dilation, dilated = tuple(self.backbone.get('dilations', (1, 1)))[:2]
        return first * dilation, second * dilated // dilation

    def init_cfg(self, part: str = 'backbone') -> dict | None:
        """``init_cfg`` for OpenMMLab's models: loads ``part`` from the file; None if random."""
        if self.path is None or (part == 'neck' and self.neck_prefix is None):
            return None
        prefix = self.neck_prefix if part == 'neck' else self.backbone_prefix
        return dict(type='Pretrained', checkpoint=self.scheme + self.path, prefix=prefix or None)


def random_encoder(depth: int = 50) -> EncoderCheckpoint:
    """A ResNet of the usual width with random weights, without decoder."""
    return EncoderCheckpoint(None, dict(type='mmpretrain.ResNet', depth=depth))


def encoder_of_config(cfg: Config) -> EncoderCheckpoint:
    """Encoder and decoder of a pretraining config, with random weights."""
    return EncoderCheckpoint(None, *_parts(cfg.model, cfg.get('default_scope')))


def read_checkpoint(path: str | Path, weights: str = 'online') -> EncoderCheckpoint:
    """Find out which encoder (and decoder) a file holds.

    Knows MMEngine checkpoints, which carry their config (ours and mmpretrain's), what
    ``tools/publish_model.py`` writes, the files of PooDLe's authors as they are, and ResNet and
    ViT weights of torchvision and of other projects, whose architecture is read off the shapes
    (:mod:`~poodle_mm.checkpoints.files`). Nothing in a file is executed, and only encoders on a
    list are built from its config.

    Args:
        path: File or URL.
        weights: ``'online'``, or ``'ema'`` for the target network of our checkpoints.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file has no encoder that we know, one that is not on the list, or no
            target network.
    """
    path = str(path)
    if weights not in _WEIGHTS:
        raise ValueError(f'weights must be one of {list(_WEIGHTS)}, got {weights!r}')
    loaded = load_file(path)
    state = state_dict_of(loaded, path)
    meta = loaded.get('meta') or {}
    if 'poodle_mm' in meta:
        found = _published(meta['poodle_mm'], path)
        if weights == 'ema' and found['weights'] != 'ema':
            raise ValueError(f'{path} was published with online weights: it has no EMA weights')
        prefixes = ('backbone.', 'neck.') if found['neck'] else ('', None)
        scheme = scheme_of(loaded, state)
        return EncoderCheckpoint(path, found['backbone'], found['neck'], *prefixes, scheme)

    if is_release(tensors_of(loaded, path)):
        model = dict(release_model(state), scope='poodle_mm')
    else:
        model = _model_config(meta.get('cfg'))
    prefix = _WEIGHTS[weights]
    if prefix and not any(key.startswith(prefix) for key in state):
        raise ValueError(f'{path} has no target network ({prefix}*): use its online weights')
    if model is None:
        return _plain(loaded, path)
    scheme = scheme_of(loaded, state)
    backbone, neck = _parts(model, model.get('scope'))
    for part in (backbone, neck):
        if part:
            check_types(part, path)
    neck_prefix = f'{prefix}neck.' if neck else None
    return EncoderCheckpoint(path, backbone, neck, f'{prefix}backbone.', neck_prefix, scheme)


def read_plain(path: str | Path) -> EncoderCheckpoint:
    """The encoder of a file by its tensors alone, whatever config came with it.

    Configs of other projects describe their own classes: MMSelfSup's ResNet counts its output maps
    from 1.

    Args:
        path: File or URL.

    Raises:
        FileNotFoundError, ValueError: As :func:`read_checkpoint`.
    """
    return _plain(load_file(path), str(path))


def load_part(module: nn.Module, path: str | Path, prefix: str = '', name: str = '') -> None:
    """Load a part of a checkpoint into a module; every key must be there and fit.

    Args:
        module: Encoder or decoder.
        path: Checkpoint file.
        prefix: Beginning of the part's keys in the file.
        name: Name of the part for the message; by default that of its class.

    Raises:
        ValueError: Listing the keys that are missing, left over or of another shape.
    """
    found = part_of(state_dict_of(load_file(path), path), prefix)
    check_state(module, found, path, name or type(module).__name__, part=True)
    module.load_state_dict(found, strict=False)


def check_pretrained(module: nn.Module | None, name: str = 'backbone', equal: bool = False) -> None:
    """Make sure that ``init_cfg=dict(type='Pretrained', ...)`` filled every key of a module.

    MMEngine logs missing and mismatched keys and goes on; an encoder that is half random would
    only show in the results.

    Args:
        module: A part of a model after ``init_weights``; without such an ``init_cfg`` it passes,
            and so does None.
        name: Name of the part in the model, for the message.
        equal: Also compare the values.

    Raises:
        ValueError: Naming the checkpoint and the keys that do not fit or are not equal.
    """
    cfg = getattr(module, 'init_cfg', None)
    if not isinstance(cfg, dict) or cfg.get('type') != 'Pretrained':
        return
    path, prefix = cfg['checkpoint'], cfg.get('prefix')
    prefix = f'{prefix.removesuffix(".")}.' if prefix else ''  # as MMEngine completes it
    found = part_of(state_dict_of(load_file(path), path), prefix)
    check_state(module, found, path, name, part=True)
    state = module.state_dict() if equal else {}
    changed = [k for k, v in found.items() if k in state and not torch.equal(v, state[k].cpu())]
    if changed:
        raise ValueError(
            f'{name} was not loaded from {path}, or was changed after it: {some(changed)}'
        )


def _published(found: object, path: str) -> Mapping:
    """Check the entry of ``tools/publish_model.py`` in a file's meta data."""
    if not isinstance(found, Mapping) or not {'weights', 'backbone', 'neck'} <= found.keys():
        raise ValueError(f"{path}: meta['poodle_mm'] is not what tools/publish_model.py writes")
    for part in (found['backbone'], found['neck']):
        if part is not None:
            check_types(part if isinstance(part, Mapping) else {}, path)
    return found


def _model_config(text: str | Mapping | None) -> dict | None:
    """``model`` of the config in an MMEngine checkpoint's meta data, with the default scope."""
    if not isinstance(text, (str, Mapping)):
        return None
    keys = ('model', 'default_scope')
    cfg = read_config_text(text, *keys) if isinstance(text, str) else text
    model = cfg.get('model')
    if not isinstance(model, Mapping) or not isinstance(model.get('backbone'), Mapping):
        return None
    return dict(model, scope=cfg.get('default_scope'))


def is_decoder(neck: Mapping | None) -> bool:
    """Whether a neck's config is that of a spatial decoder."""
    kind = neck.get('type') if isinstance(neck, Mapping) else None
    return str(kind).split('.')[-1] == 'SpatialDecoderModule'


def _parts(model: Mapping, scope: str | None) -> tuple[dict, dict | None]:
    """Bare configs of a model's encoder and of its neck, if that is a spatial decoder."""
    neck = model.get('neck')
    decoder = _bare(neck, 'poodle_mm') if is_decoder(neck) else None
    return _bare(model['backbone'], scope), decoder


def _bare(cfg: Mapping, scope: str | None) -> dict:
    """A part's config without what is of its training alone; type with its scope, plain norms."""
    cfg = {k: v for k, v in cfg.items() if k not in _OF_TRAINING}
    if '.' not in str(cfg['type']) and scope:
        cfg['type'] = f'{scope}.{cfg["type"]}'
    if cfg.get('norm_cfg', {}).get('type') == 'SyncBN':
        cfg['norm_cfg'] = dict(cfg['norm_cfg'], type='BN')
    return without_masking(cfg)


def _plain(loaded: Mapping, path: str) -> EncoderCheckpoint:
    state = state_dict_of(loaded, path)
    backbone, prefix = _infer(state, path)
    scheme = scheme_of(loaded, state)
    return EncoderCheckpoint(path, backbone, backbone_prefix=prefix, scheme=scheme)


def _infer(state: Mapping[str, Tensor], path: str) -> tuple[dict, str]:
    """Architecture and prefix of plain weights."""
    if is_vit(state):
        return infer_vit(state), ''
    prefixes = [key.removesuffix(STEM) for key in state if key.endswith(STEM)]
    prefix = next((p for p in ('', 'backbone.', *prefixes) if p in prefixes), None)
    if prefix is None or f'{prefix}conv1.weight' not in state:
        raise ValueError(
            f'{path} has no config and no ResNet or ViT keys that we know; it starts with '
            f'{some(list(state))}'
        )
    try:
        return infer_resnet(state, prefix), prefix
    except ValueError as error:
        raise ValueError(f'{path}: {error}') from error
