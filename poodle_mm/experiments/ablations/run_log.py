"""The log of all runs below some folders, the failed ones too: what results rest on."""

import json
import re
from collections.abc import Mapping, Sequence
from math import isfinite
from pathlib import Path
from typing import Any

from poodle_mm.engine.health.events import read_events
from poodle_mm.engine.hooks.run_stats_hook import RUN_STATS
from poodle_mm.engine.run_log import read_log
from poodle_mm.experiments.ablations.execute import LOG_FILE, attempts, failure
from poodle_mm.experiments.ablations.folders import RUN_FILE
from poodle_mm.experiments.ablations.report import table
from poodle_mm.utils.files import read_json, read_object, write_json
from poodle_mm.utils.tables import markdown_table

_FOLDERS = re.compile(r'(?<![\w./~])~?/(?:[^\s/:,\'"]+/)+')
_SEED = re.compile(r'_s(\d+)$')
_STATS = ('iter', 'pairs', 'seconds', 'pairs_per_second', 'memory_mib', 'device', 'processes')


def collect_runs(folders: Sequence[str | Path]) -> list[dict]:
    """Settings, state, cost and readouts of every run of ``tools/reproduce.py`` below folders.

    Args:
        folders: Work dirs of ``tools/reproduce.py``, or folders above or below them.

    Returns:
        One dict for each run, in the order of their names, with no path in it:

        - ``name``: the work dir's name, the data, the run, as ``out/scenes/poodle_..._s0``;
        - ``config``, ``seed``, ``options``: differences from the config file;
        - ``state``: ``'done'``, ``'trained'`` (no readout), ``'failed'`` or ``'stopped'``;
          ``reason`` of a failed one: the last line of its error;
        - ``attempts``: times that it was started or gone on with;
        - ``warnings``: kinds of the health log's warnings and errors;
        - ``stats``: length and cost, empty of random weights;
        - ``logged``: last value of each logged loss and statistic, four digits, as
          ``position_dense``;
        - ``readouts``: one dict for each, with ``suite``, ``split``, ``readout`` and ``metrics``.

    Raises:
        FileNotFoundError: If a folder has no run below it.
        ValueError: If two runs would have one name.
    """
    runs = {}
    for folder in map(Path, folders):
        files = sorted(folder.resolve().rglob(RUN_FILE))
        if not files:
            raise FileNotFoundError(f'{folder} has no run of tools/reproduce.py below it')
        runs |= {file.parent: _run(file.parent) for file in files}
    names: dict[str, Path] = {}
    for path, run in runs.items():
        if (other := names.setdefault(run['name'], path)) != path:
            raise ValueError(
                f'{other} and {path} would have one name in the log, {run["name"]}: rename the '
                'work dir of one'
            )
    return sorted(runs.values(), key=lambda run: run['name'])


def _run(folder: Path) -> dict:
    settings, stats = read_object(folder / RUN_FILE), read_object(folder / RUN_STATS)
    seed = _SEED.search(folder.name)
    readouts = [row for file in sorted(folder.glob('readout/*.json')) for row in _readouts(file)]
    run = dict(
        name='/'.join(folder.parts[-3:]),
        config=settings.pop('config', None),
        seed=int(seed[1]) if seed else None,
        options={key: _without_folder(value) for key, value in settings.items()},
        state=_state(folder, stats, readouts),
        attempts=attempts(folder / LOG_FILE),
        warnings=sorted({e['kind'] for e in read_events(folder) if e['level'] != 'recovered'}),
        stats={name: stats[name] for name in _STATS if name in stats},
        logged=_last_logged(folder),
        readouts=readouts,
    )
    if run['state'] == 'failed':
        run['reason'] = _FOLDERS.sub('', failure(folder / LOG_FILE).splitlines()[-1])
    return run


def _without_folder(value: Any) -> Any:
    absolute = isinstance(value, str) and Path(value).is_absolute()
    return Path(value).name if absolute else value


def _last_logged(folder: Path) -> dict[str, float]:
    try:
        curves = read_log(folder)
    except (FileNotFoundError, ValueError):  # random weights, or stopped before the first look
        return {}
    last = {name: float(values[-1]) for name, (_, values) in curves.items()}
    return {name: float(f'{value:.4g}') for name, value in last.items() if isfinite(value)}


def _readouts(file: Path) -> list[dict]:
    report = read_json(file)
    if not isinstance(report, dict) or 'results' not in report:
        return []
    try:
        split = report.get('settings', {}).get('split')
        return [
            dict(suite=report['suite'], split=split, readout=row['readout'], metrics=row['metrics'])
            for row in report['results']
        ]
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(f'{file} is no report of tools/evaluate.py ({error!r})') from error


def _state(folder: Path, stats: Mapping, readouts: Sequence) -> str:
    if readouts:
        return 'done'
    if 'iter' in stats and stats['iter'] == stats.get('max_iters'):
        return 'trained'
    log = folder / LOG_FILE
    return 'failed' if attempts(log) and 'rror' in failure(log) else 'stopped'


def read_runs(file: str | Path) -> list[dict]:
    """Content of a file of :func:`write_runs`.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: Naming the file, if it is damaged or something else.
    """
    file = Path(file)
    if not file.is_file():
        raise FileNotFoundError(f'{file} does not exist: tools/analysis/runs.py writes it')
    try:
        runs = json.loads(file.read_text(encoding='utf-8'))
    except ValueError as error:  # also: no UTF-8
        raise ValueError(f'{file} is damaged: {error}') from error
    keys = {'name', 'seed', 'state', 'stats', 'readouts'}
    if not isinstance(runs, list) or not all(
        isinstance(run, dict) and keys <= run.keys() and isinstance(run['readouts'], list)
        for run in runs
    ):
        raise ValueError(f'{file} is no log of tools/analysis/runs.py: {sorted(keys)} are missing')
    return runs


def run_table(runs: Sequence[dict]) -> str:
    """A line of Markdown for each run: state, length, hours, and mIoU and Small of each readout."""
    rows = []
    for run in runs:
        scores = [
            f'{row["readout"]} ({row["suite"]} {row["split"] or ""}'.rstrip()
            + f') {row["metrics"].get("miou")} / {row["metrics"].get("small")}'
            for row in run['readouts']
        ]
        stats = run['stats']
        hours = f'{stats["seconds"] / 3600:.2f}' if 'seconds' in stats else '–'
        pairs = str(stats.get('pairs', '–'))
        rows.append([run['name'], run['state'], pairs, hours, '; '.join(scores) or '–'])
    return markdown_table(['run', 'state', 'pairs', 'hours', 'mIoU / Small'], rows)


def by_setting(runs: Sequence[dict], readout: str, split: str | None) -> dict[str, dict]:
    """Metrics of a readout by name of the run without its seed, and then by seed.

    Args:
        runs: Result of :func:`collect_runs`.
        readout: Name of the readout; runs without it are left out.
        split: Split that it was scored on, as the runs say it.
    """
    found: dict[str, dict] = {}
    for run in runs:
        for row in run['readouts']:
            if (row['readout'], row['split']) == (readout, split):
                seeds = found.setdefault(_SEED.sub('', run['name']), {})
                seeds.setdefault(run['seed'], row['metrics'])
    return found


def seeds_table(runs: Sequence[dict], readout: str, split: str | None) -> str:
    """Mean and standard deviation over the seeds of runs that differ in nothing else.

    Args:
        runs: Result of :func:`collect_runs`.
        readout: Name of the readout; runs without it are left out.
        split: Split that it was scored on, as the runs say it.

    Raises:
        ValueError: If no run has it.
    """
    found = by_setting(runs, readout, split)
    if not found:
        raise ValueError(f'no run has a readout {readout} of the {split} split')
    stats = {(_SEED.sub('', run['name']), run['seed']): run['stats'] for run in runs}
    rows = [
        dict(
            label=name,
            settings={},
            paper={},
            seeds={
                seed: dict(metrics={readout: metrics}, stats=stats[name, seed])
                for seed, metrics in seeds.items()
            },
        )
        for name, seeds in found.items()
    ]
    return table(dict(rows=rows), readout, measured_only=True)


def _readout(row: Mapping) -> tuple:
    return row['suite'], row['split'], row['readout']


def write_runs(out: str | Path, folders: Sequence[str | Path], add: bool = False) -> list[dict]:
    """Write :func:`collect_runs` as JSON.

    Args:
        out: File to write.
        folders: See there; none, with ``add``, changes nothing.
        add: Keep the runs that the file has and the folders have not, such as those of another
            machine. Of runs that both have, the folders' count, but what is done stays until they
            have done it, too, and so do readouts that they lack.

    Returns:
        The runs that the file has now.

    Raises:
        FileNotFoundError: If a folder has no run below it; with ``add``, if there is no file.
        ValueError: If two runs would have one name, or the file is no such log.
    """
    out, runs = Path(out), collect_runs(folders)
    if add:
        if not out.is_file():
            raise FileNotFoundError(f'{out} does not exist: there is nothing to add to')
        merged = {run['name']: run for run in read_runs(out)}
        for run in runs:
            known = merged.get(run['name'])
            if run['state'] == 'done' or not known or known['state'] != 'done':
                merged[run['name']] = run
                mine = {_readout(row) for row in run['readouts']}
                before = known['readouts'] if known else []
                run['readouts'] += [row for row in before if _readout(row) not in mine]
        runs = sorted(merged.values(), key=lambda run: run['name'])
    write_json(out, runs, indent=1)
    return runs
