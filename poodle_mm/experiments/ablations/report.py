"""Results of a study: tables and plots beside the paper's, and JSON."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from poodle_mm.experiments import report as reports
from poodle_mm.experiments.ablations.costs import cost_table, costs_of
from poodle_mm.experiments.ablations.flow_runs import flow_text, flow_trainings
from poodle_mm.experiments.ablations.folders import read_result
from poodle_mm.experiments.ablations.runs import Run
from poodle_mm.experiments.ablations.settings import DataSetting, scaled, setting_text
from poodle_mm.experiments.ablations.study import Study
from poodle_mm.utils.files import write_json
from poodle_mm.utils.tables import markdown_table, spread

if TYPE_CHECKING:  # matplotlib takes a second to import
    from matplotlib.figure import Figure

_METRICS = dict(miou='All', acc='Acc', small='Small', large='Large', rare='Rare', common='Common')
_PRECISION = dict(all='AP', small='AP Small')  # average precision of pixels, where measured
_PAPER = ('miou', 'small', 'large', 'rare')
_LINES = dict(miou='All', large='Large', small='Small')


def collect(study: Study, runs: Sequence[Run], data: DataSetting) -> dict:
    """Metrics of all finished runs of a study.

    Returns:
        ``dict(study, title, delta_unit, rows)``; a row has ``key``, ``label``, ``settings`` (at
        the scale of the data), ``paper``, ``seeds``: seed to ``dict(metrics by readout, stats)``
        (and :func:`~poodle_mm.experiments.ablations.costs.costs_of` it, if the study has them),
        and, where it has learned it, ``flow``:
        :func:`~poodle_mm.experiments.ablations.flow_runs.flow_trainings`.
    """
    rows = []
    for variant in study.variants:
        own = [run for run in runs if run.variant is variant]
        results = {run.seed: read_result(run) for run in own}
        if study.costs:
            results = {
                run.seed: result | dict(costs=costs_of(run, result['stats']))
                for run in own
                if (result := results[run.seed])
            }
        if results:
            row = dict(
                key=variant.key,
                label=variant.label,
                settings=scaled(variant.settings, data),
                paper=dict(variant.paper),
                seeds={str(seed): result for seed, result in results.items() if result},
            )
            flow = flow_trainings(own)
            rows.append(row | (dict(flow=flow) if flow else {}))
    return dict(study=study.name, title=study.title, delta_unit=data.delta_unit, rows=rows)


def values(row: dict, readout: str, metric: str) -> list[float]:
    """A metric of all seeds of a row, percent; what was not measured is left out."""
    found = (seed['metrics'].get(readout, {}).get(metric) for seed in row['seeds'].values())
    return [value for value in found if value is not None]


def table(report: dict, readout: str, measured_only: bool = False) -> str:
    """The table of a readout: mean ± standard deviation over seeds, the paper's beside it.

    Args:
        report: Result of :func:`collect`.
        readout: Name of the readout.
        measured_only: Leave out columns that no row has.
    """
    paper = [('paper: ' if n == 0 else '') + _METRICS[metric] for n, metric in enumerate(_PAPER)]
    precision = {
        group: title
        for group, title in _PRECISION.items()
        if any(_precision(row, readout, group) for row in report['rows'])
    }
    rows = []
    for row in report['rows']:
        settings = ', '.join(f'{k} {setting_text(v)}' for k, v in row['settings'].items())
        stats = [seed['stats'] for seed in row['seeds'].values() if seed['stats']]
        rows.append(
            [
                row['label'] + (f' ({settings})' if settings else ''),
                *(spread(values(row, readout, metric)) for metric in _METRICS),
                *(spread(_precision(row, readout, group)) for group in precision),
                _mean([s.get('pairs_per_second') for s in stats], 1),
                _mean([s.get('memory_mib') for s in stats], 0),
                str(len(row['seeds']) or '–'),
                *(spread([row['paper'].get(metric)]) for metric in _PAPER),
            ]
        )
    head = ['', *_METRICS.values(), *precision.values(), 'pairs/s', 'MiB', 'seeds', *paper]
    if measured_only:
        columns = zip(head, *rows)
        head, *rows = zip(*(c for c in columns if any(cell != '–' for cell in c[1:])))
    return markdown_table(head, rows)


def draw_sweep(study: Study, report: dict, readout: str) -> Figure:
    """Mean and standard deviation of mIoU over the swept setting, like the paper's figures.

    Args:
        study: A study with ``x``.
        report: Result of :func:`collect`.
        readout: Name of the readout.
    """
    from matplotlib.figure import Figure

    from poodle_mm.visualization.curves import COLOURS, style

    ticks = list(dict.fromkeys(setting_text(row['settings'][study.x]) for row in report['rows']))
    figure = Figure(figsize=(5.2, 3.6), layout='constrained')
    axis = figure.add_subplot()
    for (label, points), colour in zip(_lines(study, report, readout).items(), COLOURS):
        x = [ticks.index(tick) for tick in points]
        means = [np.mean(found) for found in points.values()]
        stds = [np.std(found, ddof=1) if len(found) > 1 else 0 for found in points.values()]
        line = dict(marker='o', linewidth=1.8, capsize=3)
        axis.errorbar(x, means, stds, color=colour, label=label, **line)
    unit = f' ({report["delta_unit"]})' if study.x == 'delta' else ''
    axis.set_xticks(range(len(ticks)), ticks)
    axis.set(xlim=(-0.3, len(ticks) - 0.7), xlabel=study.x_label + unit)
    axis.set_ylabel(f'mIoU in %, {readout} readout')
    style(axis, study.title)
    return figure


def write_report(
    study: Study,
    runs: Sequence[Run],
    data: DataSetting,
    readouts: Sequence[str],
    folder: Path,
    settings: str,
) -> list[Path]:
    """Write ``<study>.json``, and ``<study>[_<readout>]`` as ``.md`` and ``.html``, into a folder.

    Args:
        study, runs, data: Arguments of :func:`collect`.
        readouts: Names of readouts; the first one's report has no suffix, and the plot of a sweep.
        folder: Folder of the files.
        settings: A sentence above the tables.

    Returns:
        The files but for the JSON, Markdown first.
    """
    report = collect(study, runs, data)
    write_json(folder / f'{study.name}.json', report, indent=2)
    files = []
    for row in report['rows']:
        if 'flow' in row:
            settings += f' Flow of row {row["key"]}: {flow_text(row["flow"])}.'
    for readout in readouts:
        if study.costs:
            text = cost_table(
                report, lambda row, metric, readout=readout: values(row, readout, metric)
            )
        else:
            text = table(report, readout)
        parts = [f'# {study.title}: {readout}', settings, text]
        if study.x and readout == readouts[0]:
            figure = draw_sweep(study, report, readout)
            parts.append(reports.Picture(f'{study.name}.png', study.title, figure))
        suffix = '' if readout == readouts[0] else f'_{readout}'
        files += reports.write_report(folder, study.name + suffix, parts)
    return files


def _precision(row: dict, readout: str, group: str) -> list[float]:
    """Average precision of a group's pixels in all seeds of a row, percent."""
    seeds = row['seeds'].values()
    found = [s['metrics'].get(readout, {}).get('pixel_precision', {}).get(group) for s in seeds]
    return [value for value in found if value is not None]


def _mean(numbers: list[float | None], digits: int) -> str:
    numbers = [n for n in numbers if n is not None]
    return f'{np.mean(numbers):.{digits}f}' if numbers else '–'


def _lines(study: Study, report: dict, readout: str) -> dict[str, dict[str, list[float]]]:
    """Line to tick to the metrics of all seeds; what was not measured is left out."""
    lines = {}
    for metric, group in _LINES.items() if study.groups else [('miou', None)]:
        for row in report['rows']:
            if found := values(row, readout, metric):
                name = setting_text(row['settings'][study.line]) if study.line else row['label']
                line = lines.setdefault(group or name, {})
                line[setting_text(row['settings'][study.x])] = found
    return lines
