"""Estimate the flow of all pairs that a training run will draw, once, and keep it in files."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from torch.utils.data import DataLoader, Dataset, Sampler
from tqdm import tqdm

from poodle_mm.datasets.flow_cache import flow_cache_path, write_flow
from poodle_mm.flow.base import FlowEstimator
from poodle_mm.registry import DATASETS, MODELS
from poodle_mm.utils.distributed import device_of_process
from poodle_mm.utils.files import read_json, write_json
from poodle_mm.utils.shards import WHOLE, Shard

ESTIMATOR_FILE = 'estimator.json'


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
) -> Counter[str]:
    """Write the flow of the pairs that a config draws for training.

    Which frames an item shows does not depend on the pipeline, so that another one serves here.

    Args:
        cfg: Config with ``train_dataloader.dataset``.
        estimator: Config of the estimator; None takes ``model.data_preprocessor.flow``, or its
            ``fallback`` where that is ``CachedFlow``.
        root, epochs, num_workers, shard: See :func:`cache_flow`, whose result is returned.

    Raises:
        ValueError: If there is no estimator, a wrong number of epochs, or if the folder holds the
            flow of another estimator.
    """
    flow = estimator or cfg.model.data_preprocessor.flow
    if flow['type'] in ('CachedFlow', 'poodle_mm.CachedFlow'):
        flow = flow.get('fallback')
    if flow is None:
        raise ValueError(
            'the config takes its flow from the cache that is to be written: name an estimator, '
            'e.g. --estimator type=RAFTFlow arch=large weights=C_T_SKHT_V2'
        )
    claim_cache(root, flow)
    dataset = DATASETS.build(_with_full_frames(cfg.train_dataloader.dataset.to_dict()))
    return cache_flow(dataset, MODELS.build(flow), root, epochs, num_workers, shard)


def claim_cache(root: str | Path, estimator: dict) -> None:
    """Note in a cache's ``estimator.json`` whose flow it holds; refuse another estimator's.

    Args:
        root: Folder of the cache.
        estimator: Config of the estimator. A file that it names counts with its content.

    Raises:
        ValueError: If the note is of another estimator, or there is flow and no note.
    """
    note = Path(root, ESTIMATOR_FILE)
    now = _identity(estimator)
    before = read_json(note)
    if before is not None:
        if before != now:
            raise ValueError(
                f'{root} holds the flow of another estimator: {before} (in {note}) and not {now}. '
                'Take another folder, or delete this one'
            )
    elif any(Path(root).rglob('*.npz')) and read_json(note) != now:  # of another process by now
        raise ValueError(
            f'{root} holds flow, but no {ESTIMATOR_FILE} that says whose. If it is that of '
            f'{now}, write just this into {note}: {json.dumps(now)}. Otherwise take another folder'
        )
    else:
        write_json(note, now)


def _identity(estimator: dict) -> dict:
    """The config with plain type names, and fingerprints of the files in it."""
    found = {}
    for key, value in sorted(estimator.items()):
        found[key] = value.split('.')[-1] if key == 'type' else value
        if isinstance(value, str) and Path(value).is_file():
            found[key] = f'sha256:{hashlib.sha256(Path(value).read_bytes()).hexdigest()}'
    return json.loads(json.dumps(found))  # tuples as they are read back


def cache_flow(
    dataset: Dataset,
    estimator: FlowEstimator,
    root: str | Path,
    epochs: int,
    num_workers: int = 0,
    shard: Shard = WHOLE,
) -> Counter[str]:
    """Write one file per pair; pairs that have one are skipped, so that it can be interrupted.

    Args:
        dataset: Results of :func:`full_frames`, or lists of them, for the keys (epoch, index).
        estimator: Estimator for the full frames, both ways, on the GPU if there is one.
        root: Folder of the cache, for ``LoadCachedFlow``.
        epochs: Number of epochs, from the first.
        num_workers: Processes that decode.
        shard: Part of the items to do, the same ones in each epoch.

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
    for pairs in (progress := tqdm(items, desc='flow', unit='item')):
        for pair in pairs:
            path = flow_cache_path(root, pair['source_id'], pair['frame_ids'])
            if path.exists():
                done['present'] += 1
            else:
                frames = torch.from_numpy(np.stack(pair['frames'])).to(device)
                flow = torch.cat(estimator(*frames.permute(0, 3, 1, 2)[:, None].float() / 255))
                write_flow(path, flow.cpu().numpy())
                done['written'] += 1
        progress.set_postfix(done)
    return done


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


def _as_list(item: dict | list[dict]) -> list[dict]:
    return item if isinstance(item, list) else [item]
