"""What the folders of runs hold: other settings than those wanted, and results."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace

from poodle_mm.engine.hooks.run_stats_hook import RUN_STATS
from poodle_mm.evaluation.suites import find_suite
from poodle_mm.experiments.ablations.runs import Run
from poodle_mm.utils.files import read_json

RUN_FILE = 'run.json'


def check_folders(runs: Sequence[Run]) -> None:
    """Refuse folders that hold a run with other options, or readouts of another split or size.

    Raises:
        ValueError: Naming the folder and what differs.
    """
    for run in runs:
        if changed := _other_training(run) + _other_readouts(run):
            raise ValueError(
                f'{run.work_dir} holds another run ({", ".join(changed)}): choose another '
                '--work-dir, or delete it'
            )


def _other_training(run: Run) -> list[str]:
    before, now = read_json(run.work_dir / RUN_FILE), identity(run)
    if isinstance(before, dict):
        return _changes(before, now)
    # without run.json, as the lines for a cluster leave it, the length at least is known
    stats = read_json(run.work_dir / RUN_STATS)
    if not (run.trains and isinstance(stats, dict) and 'max_iters' in stats):
        return []
    length = run.load().train_cfg.get('max_iters', stats['max_iters'])
    return _changes(dict(max_iters=stats['max_iters']), dict(max_iters=length))


def _other_readouts(run: Run) -> list[str]:
    changed = []
    for readout in run.readouts:
        (suite,) = readout['suite']
        settings = _report(run, suite).get('settings')
        if settings is None:
            continue
        (split,) = readout.get('split', [find_suite(suite).split])
        now = dict(split=split, size=readout.get('size'), iters=readout.get('iters', [None])[0])
        now = {key: value for key, value in now.items() if value is not None}
        before = {key: settings[key] for key in ('split', 'size', 'iters') if key in settings}
        changed += _changes(before, json.loads(json.dumps(now)))
    return changed


def _changes(before: Mapping, now: Mapping) -> list[str]:
    # an option that says None is not one that says nothing
    pairs = {
        key: (before.get(key, 'not set'), now.get(key, 'not set'))
        for key in sorted(before.keys() | now.keys())
    }
    return [f'{key}: {old} → {new}' for key, (old, new) in pairs.items() if old != new]


def keep_readouts(run: Run) -> Run:
    """The run with the readouts that its folder has beside those that are wanted.

    ``tools/evaluate.py`` writes one file for a suite with the readouts of its call; what it has
    done before it reads back.
    """

    def kept(readout: Mapping[str, Sequence]) -> Mapping[str, Sequence]:
        (suite,) = readout['suite']
        before = [row['readout'] for row in _report(run, suite)['results']]
        return {**readout, 'readouts': list(dict.fromkeys([*before, *readout['readouts']]))}

    if not run.readout:
        return run
    return replace(run, readout=kept(run.readout), more=tuple(map(kept, run.more)))


def measured_readouts(run: Run) -> Run:
    """The run with no more of its readouts than its folder has; as it is, if that has none."""

    def measured(readout: Mapping[str, Sequence]) -> Mapping[str, Sequence]:
        (suite,) = readout['suite']
        there = {row['readout'] for row in _report(run, suite)['results']}
        names = [name for name in readout['readouts'] if name in there]
        return {**readout, 'readouts': names or readout['readouts']}

    if not run.readout:
        return run
    return replace(run, readout=measured(run.readout), more=tuple(map(measured, run.more)))


def is_done(run: Run) -> bool:
    """Whether a run was trained and read out, here or by the lines that a cluster was given."""
    return read_result(run) is not None


def read_result(run: Run) -> dict | None:
    """Results of a run: ``dict(metrics by readout, stats)``, or None while there are none.

    With several suites ``metrics`` are those of the first, and ``suites`` has those of each.

    A training of flow has no metrics: its result is its last checkpoint.
    """
    stats = read_json(run.work_dir / RUN_STATS)
    stats = stats if isinstance(stats, dict) else {}
    if not run.readout:
        return dict(metrics={}, stats=stats) if run.checkpoint.is_file() else None
    if _other_readouts(run):
        return None
    suites = {}
    for readout in run.readouts:
        (suite,) = readout['suite']
        results = _report(run, suite)['results']
        suites[suite] = {result['readout']: result['metrics'] for result in results}
        if not set(readout['readouts']) <= suites[suite].keys():
            return None
    (first,) = run.readout['suite']
    result = dict(metrics=suites[first], stats=stats)
    return result | (dict(suites=suites) if run.more else {})


def _report(run: Run, suite: str) -> dict:
    """What ``tools/evaluate.py`` wrote; without results if it is not there or of another shape."""
    report = read_json(run.readout_dir / f'{suite}.json')
    results = report.get('results') if isinstance(report, dict) else None
    if not isinstance(results, list) or not all(
        isinstance(row, dict) and 'readout' in row and isinstance(row.get('metrics'), dict)
        for row in results
    ):
        return dict(results=[])
    settings = report.get('settings')
    return dict(settings=settings if isinstance(settings, dict) else None, results=results)


def identity(run: Run) -> dict:
    """The settings that tell runs apart; the places of their data and of all runs do not."""
    folder = f'{run.work_dir.parent}{os.sep}'
    options = {
        key: value.removeprefix(folder) if isinstance(value, str) else value
        for key, value in run.options.items()
        if not key.endswith('data_root')
    }
    identity = dict(config=run.config.stem, processes=run.processes) | options
    return json.loads(json.dumps(identity))  # tuples as they are read back
