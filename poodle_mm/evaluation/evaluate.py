"""Checkpoints through a suite of readouts, and one table of what came out."""

import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mmengine.registry import init_default_scope
from tqdm import tqdm

from poodle_mm.checkpoints import (
    EncoderCheckpoint,
    encoder_of_config,
    random_encoder,
    read_checkpoint,
)
from poodle_mm.engine.config import load_config
from poodle_mm.evaluation.class_groups import class_groups, class_shares
from poodle_mm.evaluation.readout import cached_readout, readout_key
from poodle_mm.evaluation.suites import SUITES, is_detection, readout_config
from poodle_mm.evaluation.table import markdown_tables
from poodle_mm.utils.files import write_text

SCRATCH = 'none'


@dataclass(frozen=True)
class Entry:
    """A checkpoint of a table.

    Attributes:
        name: Row of the table; entries of one name are its seeds.
        encoder: What the file holds.
        seed: Of the readout, and of a random encoder: the n-th entry of a name has seed + n.
    """

    name: str
    encoder: EncoderCheckpoint
    seed: int


def read_entries(
    arguments: Sequence[str],
    weights: str = 'online',
    like: str | None = None,
    use_decoder: bool = True,
    seed: int = 0,
) -> list[Entry]:
    """Checkpoints from the command line.

    Args:
        arguments: ``FILE``, ``NAME=FILE``, or ``none`` for random weights (``NAME=none``).
        weights: ``'online'`` or ``'ema'``, for our checkpoints.
        like: For ``none``: a checkpoint or a config file (``.py``) of the wanted architecture.
            Default the first checkpoint, else a ResNet-50.
        use_decoder: False drops the spatial decoders.
        seed: Of the first entry of each name.

    Raises:
        FileNotFoundError, ValueError: As :func:`~poodle_mm.checkpoints.read_checkpoint`.
    """
    named = [_split_name(argument) for argument in arguments]
    model_file = like or next((path for _, path in named if path != SCRATCH), None)
    scratch = None
    if any(path == SCRATCH for _, path in named):
        found = _architecture(model_file) if model_file else random_encoder()
        scratch = replace(found, path=None, neck=None)
    seen = Counter()
    entries = []
    for name, path in named:
        if path == SCRATCH:
            encoder = scratch
        else:
            encoder = read_checkpoint(path, weights)
        if not use_decoder:
            encoder = replace(encoder, neck=None, neck_prefix=None)
        entries.append(Entry(name, encoder, seed + seen[name]))
        seen[name] += 1
    return entries


def _architecture(file: str) -> EncoderCheckpoint:
    if file.endswith('.py'):
        return encoder_of_config(load_config(file))
    return read_checkpoint(file)


def _split_name(argument: str) -> tuple[str, str]:
    name, equals, path = argument.partition('=')
    if equals and name and os.sep not in name:
        return name, path
    if argument == SCRATCH:
        return 'scratch', SCRATCH
    return f'{Path(argument).parent.name}/{Path(argument).stem}'.lstrip('/'), argument


def evaluate(
    entries: Sequence[Entry],
    suite: str,
    config_dir: Path,
    work_dir: Path,
    readouts: Sequence[str] | None = None,
    edition: str = 'all',
    **settings,
) -> dict:
    """Run what has not been run, and write ``<suite>.json`` and ``<suite>.md`` into ``work_dir``.

    Args:
        entries: What :func:`read_entries` returns.
        suite: Name in ``SUITES``.
        config_dir: ``configs/downstream``.
        work_dir: Folder of the readouts' runs and of the tables.
        readouts: Names in ``READOUTS``; default the suite's.
        edition: Which of the paper's rows stand beside ours, see
            :func:`~poodle_mm.evaluation.published.select`.
        settings: ``data_root``, ``split``, ``size``, ``iters``, ``options``: see
            :func:`~poodle_mm.evaluation.suites.readout_config`.

    Returns:
        What the JSON file holds: suite, split, settings and a list of results with name, seed,
        checkpoint, readout, metrics and seconds.
    """
    if suite not in SUITES:
        raise ValueError(f'unknown suite {suite!r}: take one of {list(SUITES)}')
    readouts = list(readouts or SUITES[suite].readouts)
    settings['split'] = settings.get('split') or SUITES[suite].split
    prepared = []
    groups = None
    for entry in entries:  # all configs are built before the first hour is spent
        for readout in readouts:
            folder = work_dir / suite / entry.name.replace('/', '_') / f'{readout}_s{entry.seed}'
            cfg = readout_config(
                config_dir, suite, readout, entry.encoder, folder, seed=entry.seed, **settings
            )
            if not is_detection(readout) and not cfg.test_evaluator.get('groups'):
                groups = groups or groups_of(cfg)
                cfg.test_evaluator.groups = groups
            if SUITES[suite].whole_images:  # minutes: the bar says enough
                cfg.log_level = 'ERROR'
            prepared.append((entry, readout, cfg))

    results = []
    done = {}  # without a decoder both linear readouts are the same
    for entry, readout, cfg in (bar := tqdm(prepared, desc=suite, unit='readout')):
        bar.set_postfix_str(f'{entry.name} (seed {entry.seed}), {readout}')
        key = readout_key(cfg, entry.encoder.path)
        result = done[key] = done.get(key) or cached_readout(cfg, key)
        results.append(
            dict(
                name=entry.name,
                seed=entry.seed,
                checkpoint=entry.encoder.path,
                readout=readout,
                config=cfg.filename,
                metrics=result['metrics'],
                seconds=result['seconds'],
            )
        )
    report = dict(
        suite=suite,
        settings={
            k: str(v) if isinstance(v, Path) else v for k, v in settings.items() if v is not None
        },
        results=results,
    )
    write_text(work_dir / f'{suite}.json', json.dumps(report, indent=2) + '\n')
    write_text(work_dir / f'{suite}.md', markdown_tables(report, edition))
    return report


def groups_of(cfg) -> Mapping[str, list[str]]:
    """Class groups of a readout's training labels, by the paper's rules (Table 7)."""
    from mmseg.registry import DATASETS

    init_default_scope('mmseg')
    dataset = cfg.train_dataloader.dataset
    dataset = dataset.get('datasets', [dataset])[0]
    annotations = next(t for t in dataset['pipeline'] if t['type'] == 'LoadAnnotations')
    labels = DATASETS.build(
        dict(dataset, pipeline=[dict(annotations, type='mmseg.LoadAnnotations')])
    )
    classes = labels.metainfo['classes']
    maps = (item['gt_seg_map'] for item in tqdm(labels, desc='class groups', leave=False))
    groups = class_groups(*class_shares(maps, len(classes)))
    return {name: [classes[i] for i in ids] for name, ids in groups.items()}
