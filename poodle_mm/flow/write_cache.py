"""Estimate the flow of all pairs that a training run will draw, once, and keep it in files."""

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from torch.utils.data import DataLoader, Dataset, Sampler

from poodle_mm.datasets.flow_cache import FlowStorage, flow_cache_path, is_cached, write_flow
from poodle_mm.datasets.flow_note import AS_IT_WAS, claim_cache
from poodle_mm.datasets.remote.urls import is_url
from poodle_mm.flow.base import FlowEstimator, resize_images
from poodle_mm.flow.uflow.packaged import PACKAGED
from poodle_mm.registry import DATASETS, MODELS
from poodle_mm.utils.distributed import device_of_process
from poodle_mm.utils.progress import Progress
from poodle_mm.utils.shards import WHOLE, Shard


def full_frames(results: dict) -> dict:
    """Stand in for a data set's pipeline: the frames as they were read, and the cache's key."""
    return {key: results[key] for key in ('frames', 'source_id', 'frame_ids')}


def cache_training_flow(
    cfg: Config,
    root: str | Path,
    epochs: int,
    estimator: dict | None = None,
    num_workers: int = 0,
    shard: Shard = WHOLE,
    storage: FlowStorage = AS_IT_WAS,
) -> Counter[str]:
    """Write the flow of the pairs that a config draws for training.

    Which frames an item shows does not depend on the pipeline, so that another one serves here.

    Args:
        cfg: Config with ``train_dataloader.dataset``.
        estimator: Config of the estimator; None takes ``model.data_preprocessor.flow``, or its
            ``fallback`` where that is ``CachedFlow``.
        root, epochs, num_workers, shard, storage: See :func:`cache_flow`, whose result is returned.

    Raises:
        ValueError: If there is no estimator, or one with another ``size`` than the cache, a wrong
            number of epochs, or if the folder holds the flow of another estimator, of other data,
            or in another format or size.
    """
    flow = estimator or cfg.model.data_preprocessor.flow
    if flow['type'] in ('CachedFlow', 'poodle_mm.CachedFlow'):
        flow = flow.get('fallback')
    if flow is None:
        raise ValueError(
            'the config takes its flow from the cache that is to be written: name an estimator, '
            'e.g. --estimator type=RAFTFlow arch=large weights=C_T_SKHT_V2'
        )
    asked, built = flow.get('size'), MODELS.build(flow)
    if storage.size and built.size not in (None, storage.size):
        # a size of its own, such as UFlow's, that nobody has asked for gives way to a smaller one;
        # small networks are at their best where they were trained
        default = asked is None or isinstance(asked, str)
        if not default or min(np.subtract(built.size, storage.size)) < 0:
            raise ValueError(
                f'the estimator works at size {built.size}, the cache is to keep '
                f'{storage.size}: give one of the two'
            )
        flow = dict(flow, size=storage.size)
        built = MODELS.build(flow)
    options = cfg.train_dataloader.dataset.to_dict()
    claim_cache(root, _with_files(flow), storage, _folders(options))
    dataset = DATASETS.build(_with_full_frames(options))
    return cache_flow(dataset, built, root, epochs, num_workers, shard, storage)


def cache_flow(
    dataset: Dataset,
    estimator: FlowEstimator,
    root: str | Path,
    epochs: int,
    num_workers: int = 0,
    shard: Shard = WHOLE,
    storage: FlowStorage = AS_IT_WAS,
) -> Counter[str]:
    """Write the flow of each pair; what is there is skipped, so that it can be interrupted.

    Args:
        dataset: Results of :func:`full_frames`, or lists of them, for the keys (epoch, index).
        estimator: Estimator for the frames, both ways, on the GPU if there is one.
        root: Folder of the cache, for ``LoadCachedFlow``.
        epochs: Number of epochs, from the first.
        num_workers: Processes that decode.
        shard: Part of the items to do, the same ones in each epoch.
        storage: Format of the files, and size to which the frames are brought before.

    Returns:
        Numbers of pairs that were ``written`` and that were ``present``.
    """
    if epochs < 1:
        raise ValueError(f'epochs must be at least 1, got {epochs}')
    device = device_of_process()
    keys = _Keys(epochs, shard.run_of(range(len(dataset))))
    items = DataLoader(
        dataset, batch_size=None, sampler=keys, num_workers=num_workers, collate_fn=_as_list
    )
    done: Counter[str] = Counter()
    for pairs in (progress := Progress(items, desc='flow', unit='item')):
        for pair in pairs:
            path = flow_cache_path(root, pair['source_id'], pair['frame_ids'], storage.format)
            if is_cached(path):
                done['present'] += 1
            else:
                frames = torch.from_numpy(np.stack(pair['frames'])).to(device)
                frames = frames.permute(0, 3, 1, 2).float() / 255
                if storage.size:
                    frames = resize_images(frames, storage.size)
                flow = torch.cat(estimator(*frames[:, None]))
                write_flow(path, flow.cpu().numpy())
                done['written'] += 1
        progress.set_postfix(done, refresh=False)
    return done


def _with_files(estimator: Mapping) -> dict:
    """The config with the files of packaged weights, which change from version to version."""
    found = {}
    for key, value in estimator.items():
        if key == 'weights' and value in PACKAGED:
            value = str(PACKAGED[value])
        found[key] = _with_files(value) if isinstance(value, Mapping) else value
    return found


class _Keys(Sampler):
    """All (epoch, index): a million items in a hundred epochs are too many for a list."""

    def __init__(self, epochs: int, indices: range) -> None:
        self._epochs = epochs
        self._indices = indices

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return product(range(self._epochs), self._indices)

    def __len__(self) -> int:
        return self._epochs * len(self._indices)


def _with_full_frames(cfg: Any) -> Any:
    """Replace the pipeline of a data set's config, also of those inside of a wrapper."""
    if isinstance(cfg, (list, tuple)):
        return [_with_full_frames(value) for value in cfg]
    if not isinstance(cfg, dict):
        return cfg
    return {
        key: [full_frames] if key == 'pipeline' else _with_full_frames(value)
        for key, value in cfg.items()
    }


def _folders(cfg: Any) -> Iterator[str]:
    """Folders of a data set's config, also of those inside of a wrapper."""
    if isinstance(cfg, dict) and 'data_root' in cfg:
        root = '/'.join(
            filter(None, (cfg['data_root'], (cfg.get('data_prefix') or {}).get('path')))
        )
        yield root if is_url(root) else os.path.abspath(root)
    elif isinstance(cfg, (dict, list, tuple)):
        for value in cfg.values() if isinstance(cfg, dict) else cfg:
            yield from _folders(value)


def _as_list(item: dict | list[dict]) -> list[dict]:
    return item if isinstance(item, list) else [item]
