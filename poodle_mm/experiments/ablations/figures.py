"""Plots of the sweeps, laid out like the paper's Figures 5, 7 and 9."""

import numpy as np
from matplotlib.figure import Figure

from poodle_mm.experiments.ablations.report import setting_text, values
from poodle_mm.experiments.ablations.study import Study

_COLOURS = ('#2563eb', '#ea7317', '#0f9488', '#8a8f98')
_GROUPS = dict(miou='All', large='Large', small='Small')


def draw_sweep(study: Study, report: dict, readout: str) -> Figure:
    """mIoU over the swept setting: mean over seeds, bars of one standard deviation.

    Args:
        study: A study with ``x``.
        report: What :func:`~poodle_mm.experiments.ablations.report.collect` returns for it.
        readout: Which readout's figures.
    """
    ticks = list(dict.fromkeys(setting_text(row['settings'][study.x]) for row in report['rows']))
    figure = Figure(figsize=(5.2, 3.6), layout='constrained')
    axis = figure.add_subplot()
    for (label, points), colour in zip(_lines(study, report, readout).items(), _COLOURS):
        x = [ticks.index(tick) for tick in points]
        means = [np.mean(found) for found in points.values()]
        stds = [np.std(found, ddof=1) if len(found) > 1 else 0 for found in points.values()]
        axis.errorbar(
            x, means, stds, color=colour, label=label, marker='o', linewidth=1.8, capsize=3
        )
    axis.set_xticks(range(len(ticks)), ticks)
    axis.set_xlim(-0.3, len(ticks) - 0.7)
    unit = f' ({report["delta_unit"]})' if study.x == 'delta' else ''
    axis.set_xlabel(study.x_label + unit)
    axis.set_ylabel(f'mIoU in %, {readout} readout')
    axis.set_title(study.title, fontsize=10, loc='left')
    axis.spines[['top', 'right']].set_visible(False)
    axis.grid(alpha=0.25)
    if axis.get_legend_handles_labels()[0]:
        axis.legend(frameon=False, fontsize=9)
    return figure


def _lines(study: Study, report: dict, readout: str) -> dict[str, dict[str, list[float]]]:
    """Line to tick to the figures of all seeds; what was not measured is left out."""
    lines = {}
    for metric, group in _GROUPS.items() if study.groups else [('miou', None)]:
        for row in report['rows']:
            if found := values(row, readout, metric):
                name = setting_text(row['settings'][study.line]) if study.line else row['label']
                line = lines.setdefault(group or name, {})
                line[setting_text(row['settings'][study.x])] = found
    return lines
