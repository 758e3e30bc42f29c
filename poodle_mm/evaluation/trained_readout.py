"""Readouts that were trained before: finding their checkpoints, and building them again.

A readout's checkpoint holds encoder, head and config. Nothing in it is executed: the config is read
as data, and only types on a list are built from it.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from mmengine.config import ConfigDict
from mmengine.model import revert_sync_batchnorm
from mmengine.registry import init_default_scope
from torch import Tensor, nn

from poodle_mm.checkpoints.config_text import read_config_text
from poodle_mm.checkpoints.files import load_file, tensors_of
from poodle_mm.checkpoints.state_dict import check_state

SEGMENTATION, DETECTION = 'segmentation', 'detection'
_SCOPES = dict(mmseg=SEGMENTATION, mmdet=DETECTION)
_REGISTRIES = ('mmdet', 'mmpretrain', 'mmseg', 'poodle_mm')
_NUMBER = re.compile(r'(?:iter|epoch)_(\d+)\.pth')
_READ = ('model', 'test_dataloader', 'default_scope')
# What configs/downstream builds a readout and its data of.
_TYPES = {
    'ADE20KDataset', 'ASPPHead', 'AnchorGenerator', 'BBoxHead', 'BDD100KDataset',
    'BDD100KDetDataset', 'BN', 'CamVidDataset', 'CityscapesDataset', 'CrossEntropyLoss',
    'DeltaXYWHBBoxCoder', 'DetDataPreprocessor', 'EncoderDecoder', 'FCNHead', 'FPN', 'FasterRCNN',
    'Feature2Pyramid', 'FrozenEncoderDecoder', 'GELU', 'L1Loss', 'LN', 'LinearHead',
    'LoadAnnotations', 'LoadImageFromFile', 'MaxIoUAssigner', 'PackDetInputs', 'PackSegInputs',
    'RPNHead', 'RandomSampler', 'ReLU', 'ResNetLastStage', 'Resize', 'RoIAlign',
    'SegDataPreProcessor', 'Shared2FCBBoxHead', 'SingleRoIExtractor', 'StandardRoIHead', 'SyncBN',
    'UPerHead', 'mmpretrain.ResNet', 'mmpretrain.ResNetV1c', 'mmpretrain.ResNetV1d',
    'mmpretrain.ResNeXt', 'mmpretrain.VisionTransformer', 'nms', 'poodle_mm.ResNet',
    'poodle_mm.SpatialDecoderModule', 'poodle_mm.VisionTransformer',
}  # fmt: skip


@dataclass(frozen=True)
class TrainedReadout:
    """A readout's checkpoint.

    Attributes:
        name: Name in figures.
        path: The file.
        scope: ``'mmseg'`` or ``'mmdet'``.
        model: Config of the model, without the weights that it started from.
        dataset: Config of the data that it was scored on.
        state: Tensors of the model.
    """

    name: str
    path: Path
    scope: str
    model: dict
    dataset: dict
    state: dict[str, Tensor]


def find_readouts(argument: str, readout: str | None = None) -> Iterator[tuple[str, Path]]:
    """Name and newest checkpoint of the readouts below a folder.

    Args:
        argument: ``[NAME=]PATH``: a readout's checkpoint, or a folder with readouts below it, as
            ``tools/evaluate.py`` (its work dir) and ``tools/reproduce.py`` (that of a run) write.
        readout: Take only this one, e.g. ``'linear'``.

    Raises:
        FileNotFoundError: If there is no readout, or its checkpoint was not kept.
    """
    name, equals, path = argument.partition('=')
    if not (equals and name and '/' not in name):
        name, path = '', argument
    if Path(path).is_file():
        yield name or Path(path).parent.parent.name, Path(path)
        return
    folders = sorted({file.parent for file in Path(path).rglob('result.json')})
    folders = folders or [Path(path)]  # a run of MMSegmentation's or MMDetection's own
    folders = [f for f in folders if readout in (None, f.name.rsplit('_s', 1)[0])]
    if not folders:
        raise FileNotFoundError(f'{path} has no readout {readout!r} below it')
    names = [name or folder.parent.name for folder in folders]
    for own, folder in zip(names, folders):
        files = {int(m[1]): f for f in folder.glob('*.pth') if (m := _NUMBER.fullmatch(f.name))}
        if not files:
            raise FileNotFoundError(
                f'{folder} has no checkpoint of a readout (iter_*.pth, epoch_*.pth): run '
                'tools/evaluate.py again into an empty folder to train its head'
            )
        yield own if names.count(own) == 1 else f'{own} {folder.name}', files[max(files)]


def read_readout(name: str, path: Path) -> TrainedReadout:
    """Read a readout's checkpoint.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no readout's, or wants something built that is not on the list.
    """
    loaded = load_file(path)
    text = (loaded.get('meta') or {}).get('cfg')
    cfg = read_config_text(text, *_READ) if isinstance(text, str) else {}
    scope = cfg.get('default_scope')
    if scope not in _SCOPES or not cfg.keys() >= {'model', 'test_dataloader'}:
        raise ValueError(
            f'{path} is no checkpoint of a readout: its config has no model and data of '
            'MMSegmentation or MMDetection; tools/evaluate.py writes such checkpoints'
        )
    dataset = cfg['test_dataloader']['dataset']
    dataset = dataset.get('datasets', [dataset])[0]
    model = _without_weights(cfg['model'])
    _check_types(model, path)
    _check_types(dataset, path)
    return TrainedReadout(name, Path(path), scope, model, dataset, tensors_of(loaded, path))


def read_readouts(
    arguments: Sequence[str], scope: str, readout: str | None = None
) -> list[TrainedReadout]:
    """The readouts of several arguments of :func:`find_readouts`, of one toolbox.

    Args:
        arguments, readout: See :func:`find_readouts`.
        scope: ``'mmseg'`` or ``'mmdet'``; others below the same folders are left out.

    Raises:
        FileNotFoundError, ValueError: As :func:`find_readouts` and :func:`read_readout`, if none
            is left, if two have one name, or if their data or classes differ.
    """
    every = [read_readout(*found) for each in arguments for found in find_readouts(each, readout)]
    chosen = [own for own in every if own.scope == scope]
    if not chosen:
        raise ValueError(f'none of {", ".join(arguments)} is a {_SCOPES[scope]} readout')
    names = [own.name for own in chosen]
    if len(set(names)) < len(names):
        raise ValueError(f'readouts need names of their own, as NAME=PATH: {", ".join(names)}')
    kinds = {own.dataset['type'] for own in chosen}
    if len(kinds) > 1:
        raise ValueError(f'readouts of one data set compare; these have {", ".join(sorted(kinds))}')
    return chosen


def build_readout(readout: TrainedReadout, device: str | torch.device = 'cpu') -> nn.Module:
    """The model with its weights, to the last key, in eval mode.

    Raises:
        ValueError: Listing the keys that do not fit.
    """
    registries = _registries(readout)
    model = revert_sync_batchnorm(registries.MODELS.build(ConfigDict(readout.model)))
    check_state(model, readout.state, readout.path, f'model of {readout.name}')
    model.load_state_dict(readout.state)
    return model.to(device).eval()


def build_test_set(readout: TrainedReadout, data_root: str | Path | None = None) -> Any:
    """The labelled images that a readout was scored on.

    Args:
        readout: The readout.
        data_root: Folder of the data; None: where they were.

    Raises:
        FileNotFoundError: If a folder or file of them is missing.
    """
    dataset = dict(readout.dataset, test_mode=True, lazy_init=False)
    if data_root is not None:
        dataset['data_root'] = str(data_root)
    for name in (*dataset['data_prefix'].values(), dataset.get('ann_file') or '.'):
        if not (file := Path(dataset.get('data_root') or '', name)).exists():
            raise FileNotFoundError(
                f'{file} of the readout {readout.name} is missing: set --data-root'
            )
    return _registries(readout).DATASETS.build(ConfigDict(dataset))


def _registries(readout: TrainedReadout) -> Any:
    import_module(f'poodle_mm.evaluation.{_SCOPES[readout.scope]}')  # registers what is ours
    init_default_scope(readout.scope)
    return import_module(f'{readout.scope}.registry')


def _without_weights(cfg: Any) -> Any:
    """A config without ``init_cfg``: every weight comes from the checkpoint."""
    if isinstance(cfg, Mapping):
        return {k: _without_weights(v) for k, v in cfg.items() if k != 'init_cfg'}
    return type(cfg)(map(_without_weights, cfg)) if isinstance(cfg, (list, tuple)) else cfg


def _check_types(cfg: Any, path: Path) -> None:
    """Refuse types that are not on the list, and keys that change how MMEngine builds."""
    if isinstance(cfg, Mapping):
        if cfg.get('_scope_', 'mmseg') not in _REGISTRIES:
            raise ValueError(f'{path}: its config has the scope {cfg["_scope_"]!r}')
        if wrong := [key for key in cfg if str(key).startswith('_') and key != '_scope_']:
            raise ValueError(f'{path}: its config has the key {wrong[0]!r}, which is not taken')
        if 'type' in cfg and str(cfg['type']) not in _TYPES:
            raise ValueError(
                f'{path}: its config has the type {cfg["type"]!r}; from a file only what '
                'configs/downstream uses is built'
            )
    for value in cfg.values() if isinstance(cfg, Mapping) else cfg:
        if isinstance(value, (Mapping, list, tuple)):
            _check_types(value, path)
