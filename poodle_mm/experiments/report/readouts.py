"""Readouts of runs: scores by group of classes and a bar for each class."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from poodle_mm.experiments.report.runs import LoggedRun
from poodle_mm.utils.files import read_json
from poodle_mm.utils.tables import spread

GROUPS = dict(
    miou='mIoU', acc='accuracy', small='Small', large='Large', rare='Rare', common='Common'
)


@dataclass(frozen=True)
class ClassBars:
    """Scores of classes, in percent.

    Attributes:
        series: Names of what is compared.
        rows: Class and its score in each series; None where there is none.
        colours: Number of each series' colour.
    """

    series: Sequence[str]
    rows: Sequence[tuple[str, Sequence[float | None]]]
    colours: Sequence[int]


@dataclass(frozen=True)
class ReadoutTable:
    """A readout on a suite, of all runs.

    Attributes:
        title: Suite and readout.
        head: Titles of the columns.
        rows: Cells, a row for each run.
        bars: Scores of the classes; None if no run has any.
    """

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    bars: ClassBars | None


def readouts_of(runs: Sequence[LoggedRun]) -> list[ReadoutTable]:
    """Results in ``readout/*.json``, as ``reproduce`` and ``evaluate`` write them."""
    found: dict[tuple[str, str], dict[tuple[int, str], list[Mapping]]] = {}
    for number, run in enumerate(runs):
        for suite, result in _results(run):
            title = suite, str(result.get('readout', 'readout'))
            rows = found.setdefault(title, defaultdict(list))
            rows[number, str(result.get('name', ''))].append(result['metrics'])
    tables = []
    for (suite, readout), results in found.items():
        several = {
            number for number, _ in results
            if sum(other == number for other, _ in results) > 1
        }  # fmt: skip
        labels = {
            key: runs[key[0]].label + (f': {key[1]}' if key[0] in several else '')
            for key in results
        }
        shown = [name for name in GROUPS if any(name in m for ms in results.values() for m in ms)]
        rows = [
            [labels[key], *(spread(_values(metrics, name)) for name in shown), str(len(metrics))]
            for key, metrics in results.items()
        ]
        bars = class_bars(
            {labels[key]: _classes(metrics) for key, metrics in results.items()},
            [key[0] for key in results],
        )
        head = ['run', *(GROUPS[name] for name in shown), 'seeds']
        tables.append(ReadoutTable(f'{suite}, {readout}', head, rows, bars))
    return tables


def class_bars(
    scores: Mapping[str, Mapping[str, float | None]], colours: Sequence[int] | None = None
) -> ClassBars | None:
    """Bars of the classes that any series has a score of, the best first.

    Args:
        scores: Name of a series to its classes' scores in percent.
        colours: Number of each series' colour; default: one after the other.
    """
    series = list(scores)
    names = dict.fromkeys(name for of_one in scores.values() for name in of_one)
    rows = [(name, [scores[s].get(name) for s in series]) for name in names]
    rows = [(name, values) for name, values in rows if any(v is not None for v in values)]
    rows.sort(key=lambda row: -max(v for v in row[1] if v is not None))
    return ClassBars(series, rows, colours or range(len(series))) if rows else None


def _results(run: LoggedRun) -> Iterable[tuple[str, Mapping]]:
    for file in sorted(run.folder.glob('readout/*.json')):
        content = read_json(file)
        results = content.get('results') if isinstance(content, Mapping) else None
        for result in results if isinstance(results, list) else ():
            if isinstance(result, Mapping) and isinstance(result.get('metrics'), Mapping):
                yield str(content.get('suite', file.stem)), result


def _values(metrics: Sequence[Mapping], name: str) -> list[float | None]:
    return [v if isinstance(v := m.get(name), (int, float)) else None for m in metrics]


def _classes(metrics: Sequence[Mapping]) -> dict[str, float | None]:
    of_all = [c for m in metrics if isinstance(c := m.get('per_class'), Mapping)]
    means = {}
    for name in dict.fromkeys(str(name) for classes in of_all for name in classes):
        values = [v for classes in of_all if isinstance(v := classes.get(name), (int, float))]
        means[name] = float(np.mean(values)) if values else None
    return means
