"""Checkpoints through a suite of readouts, and one table of the results."""

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from poodle_mm.checkpoints import (
    EncoderCheckpoint,
    encoder_of_config,
    random_encoder,
    read_checkpoint,
)
from poodle_mm.checkpoints.released_files import is_released_name, released_encoder, similar_name
from poodle_mm.engine.config import load_config
from poodle_mm.evaluation.class_groups import groups_of
from poodle_mm.evaluation.feature_cache import drop_features, hand_on_features
from poodle_mm.evaluation.readout import cached_readout, readout_config, readout_key
from poodle_mm.evaluation.suites import find_suite, is_detection
from poodle_mm.evaluation.table import markdown_tables
from poodle_mm.utils.files import write_json, write_text
from poodle_mm.utils.progress import Progress

SCRATCH = 'none'


@dataclass(frozen=True)
class Entry:
    """A checkpoint of a table.

    Attributes:
        name: Row of the table; entries of one name are its seeds.
        encoder: Content of the file.
        seed: Seed of the readout and of a random encoder: the n-th entry of a name has seed + n.
    """

    name: str
    encoder: EncoderCheckpoint
    seed: int


def read_entries(
    arguments: Sequence[str],
    weights: str = 'online',
    like: str | None = None,
    use_decoder: bool | str = True,
    seed: int = 0,
    weights_dir: str | Path | None = None,
) -> list[Entry]:
    """Checkpoints from the command line.

    Args:
        arguments: ``FILE``, the name of published weights
            (:mod:`~poodle_mm.checkpoints.released_weights`), ``none`` for random weights; each as
            ``NAME=...``, too.
        weights: ``'online'`` or ``'ema'``, for our checkpoints.
        like: For ``none``: a checkpoint or a config file (``.py``) of the wanted architecture.
            Default the first checkpoint, else a ResNet-50.
        use_decoder: False drops the spatial decoders; ``'random'`` gives every encoder, also a
            random one, a decoder of random weights: that of ``like``, else of the first checkpoint.
        seed: Seed of the first entry of each name.
        weights_dir: Folder of published weights; default torch.hub's.

    Raises:
        FileNotFoundError, ValueError: As
            :func:`~poodle_mm.checkpoints.encoder_checkpoint.read_checkpoint`.
    """
    named = [_split_name(argument) for argument in arguments]
    model_file = like or next((path for _, path in named if path != SCRATCH), None)
    is_random = use_decoder == 'random'
    scratch, decoder = None, None
    if is_random or any(path == SCRATCH for _, path in named):
        if model_file is None:
            scratch = random_encoder()
        elif model_file.endswith('.py'):
            scratch = encoder_of_config(load_config(model_file))
        else:
            scratch = _read(model_file, 'online', weights_dir)
        decoder = scratch.neck if is_random else None
        scratch = replace(scratch, path=None, neck=decoder, neck_prefix=None)
    if is_random and decoder is None:
        raise ValueError(
            f'{model_file or "a ResNet-50"} has no spatial decoder: name a config or a checkpoint '
            'that has one with --like'
        )
    seen = Counter()
    entries = []
    for name, path in named:
        encoder = scratch if path == SCRATCH else _read(path, weights, weights_dir)
        if is_random or not use_decoder:
            encoder = replace(encoder, neck=decoder, neck_prefix=None)
        entries.append(Entry(name, encoder, seed + seen[name]))
        seen[name] += 1
    return entries


def _read(path: str, weights: str, weights_dir: str | Path | None) -> EncoderCheckpoint:
    if is_released_name(path):
        return released_encoder(path, weights_dir, weights)
    try:
        return read_checkpoint(path, weights)
    except FileNotFoundError as error:
        raise FileNotFoundError(f'{error}{similar_name(path)}') from error


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
        entries: Result of :func:`read_entries`.
        suite: Name in ``SUITES``.
        config_dir: ``configs/downstream``.
        work_dir: Folder of the readouts' runs and of the tables.
        readouts: Names in ``READOUTS``; default the suite's.
        edition: Argument of :func:`~poodle_mm.evaluation.published.select`.
        settings: Further arguments of :func:`~poodle_mm.evaluation.readout.readout_config`.

    Returns:
        Content of the JSON file: suite, settings and a list of results with name, seed,
        checkpoint, readout, metrics and seconds.
    """
    defaults = find_suite(suite)
    settings['split'] = settings.get('split') or defaults.split
    prepared = []
    groups = None
    for entry in entries:  # all configs are built before the first hour is spent
        for readout in readouts or defaults.readouts:
            folder = work_dir / suite / entry.name.replace('/', '_') / f'{readout}_s{entry.seed}'
            cfg = readout_config(
                config_dir, suite, readout, entry.encoder, folder, seed=entry.seed, **settings
            )
            if not is_detection(readout) and not cfg.test_evaluator.get('groups'):
                groups = groups or groups_of(cfg)
                cfg.test_evaluator.groups = groups
            if defaults.whole_images:  # minutes: the bar says enough
                cfg.log_level = 'ERROR'
            prepared.append((entry, readout, cfg))

    results = []
    encoder = None
    done = {}  # without a decoder both linear readouts are the same
    with hand_on_features():
        for entry, readout, cfg in (bar := Progress(prepared, desc=suite, unit='readout')):
            bar.set_postfix_str(f'{entry.name} (seed {entry.seed}), {readout}')
            if entry.encoder is not encoder or not cfg.model.get('cache_gb'):
                drop_features()  # gigabytes that nobody is going to look up
            encoder = entry.encoder
            key = readout_key(cfg, encoder.path)
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
    given = {k: str(v) if isinstance(v, Path) else v for k, v in settings.items() if v is not None}
    report = dict(suite=suite, settings=given, results=results)
    write_json(work_dir / f'{suite}.json', report, indent=2)
    write_text(work_dir / f'{suite}.md', markdown_tables(report, edition))
    return report
