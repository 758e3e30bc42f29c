"""How long a training is, and making it shorter or longer."""

from collections.abc import Mapping
from inspect import signature
from typing import Any

from mmengine.config import Config
from mmengine.runner import Runner

from poodle_mm.registry import DATASETS

_LENGTHS = ('begin', 'end', 'T_max', 'schedule_iters', 'schedule_epochs')


def repeats_of(dataset: Config) -> int:
    """Pairs that a data set's config draws from one opening of a file (R), also of a mixture."""
    parts = dataset.get('datasets')
    return repeats_of(parts[0]) if parts else dataset.get('repeats', 1)


def frames_per_item(dataset: Mapping) -> int:
    """Frames of video that a method sees of an item: what methods on images and on video share.

    All of a clip, two of a pair, and one of a pair whose views are all of one frame (``ImageViews``
    unless its ``frames='pair'``), however many views they are.

    Args:
        dataset: Config of a data set of pairs or clips, or of a mixture of them.
    """
    views = next(iter(dataset.get('pipeline') or ()), {})
    if str(views.get('type')).split('.')[-1] == 'ImageViews':
        return 2 if views.get('frames') == 'pair' else 1
    if parts := dataset.get('datasets'):
        return frames_per_item(parts[0])
    if 'num_frames' in dataset:
        return dataset['num_frames']
    kind = DATASETS.get(dataset['type'])
    default = signature(kind).parameters.get('num_frames') if kind else None
    return default.default if default else 2


def unit_of(dataset: Mapping) -> str:
    """What a method sees of an item: ``'frames'`` (single ones), ``'pairs'`` or ``'clips'``.

    Args:
        dataset: As of :func:`frames_per_item`.
    """
    return {1: 'frames', 2: 'pairs'}.get(frames_per_item(dataset), 'clips')


def unit_of_run(runner: Runner) -> str:
    """What a run counts, as :func:`unit_of`; pairs where its config does not say."""
    dataset = (runner.cfg.get('train_dataloader') or {}).get('dataset')
    return unit_of(dataset) if isinstance(dataset, Mapping) else 'pairs'


def epochs_of_a_pass(cfg: Config) -> float:
    """Epochs, as the paper counts them, in a pass of the train loader (an epoch of its loop).

    The paper counts a pass over the videos with R pairs a visit as R epochs. With
    ``PairSampler(parts=...)`` the loader passes over a part of them only: R / parts epochs, which
    is 1 in this project's configs.
    """
    loader = cfg.train_dataloader
    return repeats_of(loader.dataset) / loader.get('sampler', {}).get('parts', 1)


def length_options(cfg: Config, length: int) -> dict[str, Any]:
    """Options (dotted keys to values) that give a training another length, schedules in proportion.

    Learning rate and target momentum keep their curves: what the config does after a share of its
    length happens after the same share of the new one. Warm-up stays at least one step of the
    loop's unit.

    Args:
        cfg: Config that trains by iterations or by epochs, its schedules in the same unit.
        length: New ``train_cfg.max_iters`` or ``train_cfg.max_epochs``.

    Raises:
        ValueError: If the config's schedules have another unit than its loop, or if nothing would
            be left of one of them.
    """
    by_epoch = 'max_epochs' in cfg.train_cfg
    unit = 'max_epochs' if by_epoch else 'max_iters'
    schedulers = cfg.get('param_scheduler') or []
    if unit not in cfg.train_cfg or any(s.get('by_epoch', True) != by_epoch for s in schedulers):
        raise ValueError(
            'the length can be set where train_cfg.max_iters goes with by_epoch=False in each '
            'param_scheduler, or train_cfg.max_epochs with by_epoch=True'
        )
    before = cfg.train_cfg[unit]
    options = {f'train_cfg.{unit}': length}
    for name in ('param_scheduler', 'custom_hooks'):
        for index, part in enumerate(cfg.get(name) or []):
            scaled = {
                key: max(round(part[key] * length / before), int(part[key] > 0))
                for key in _LENGTHS
                if part.get(key) is not None
            }
            if 'T_max' in scaled and part['T_max'] == part.get('end', 0) - part.get('begin', 0):
                scaled['T_max'] = scaled['end'] - scaled.get('begin', 0)  # also when rounded
            if 'end' in scaled and scaled['end'] <= scaled.get('begin', 0):
                raise ValueError(
                    f'a length of {length} ({unit}) is too short: nothing is left of {part["type"]}'
                )
            options |= {f'{name}.{index}.{key}': value for key, value in scaled.items()}
    return options


def set_max_iters(cfg: Config, max_iters: int) -> None:
    """Make an iteration-based training shorter or longer, its schedules in proportion.

    Raises:
        ValueError: If the config trains by epochs.
    """
    if 'max_iters' not in cfg.train_cfg:
        raise ValueError(
            'the length in iterations can be set for configs that train by iterations '
            '(train_cfg.max_iters and by_epoch=False in each param_scheduler), as '
            'poodle_r50_videos.py does; this one counts epochs: train_cfg.max_epochs'
        )
    cfg.merge_from_dict(length_options(cfg, max_iters))
