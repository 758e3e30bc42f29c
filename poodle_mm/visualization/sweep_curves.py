"""Scores over a swept setting, with the spread over seeds; no files, no pyplot state."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from poodle_mm.visualization.curves import COLOURS, style

_MARKERS = ('o', 's', '^', 'D')
_LEAST_SPAN = 4.0


@dataclass(frozen=True)
class SweepPanel:
    """A panel of :func:`draw_sweeps`.

    Attributes:
        title: What is swept.
        x_label: Label of the horizontal axis.
        y_label: What is measured.
        ticks: All values of the setting, in their order, also those that nothing was measured at.
        lines: Name to tick to the scores of the seeds.
    """

    title: str
    x_label: str
    y_label: str
    ticks: Sequence[str]
    lines: Mapping[str, Mapping[str, Sequence[float]]]


def draw_sweeps(rows: Sequence[Sequence[SweepPanel]]) -> Figure:
    """Draw panels, rows of equally many.

    Lines join means over seeds; bars are standard deviations (n - 1), dots the single seeds. A
    name has one colour in a row. Vertical axes span 4 points or more, so that what another seed
    could turn round does not look like a trend.
    """
    across = len(rows[0])
    figure = Figure(
        figsize=(4.6 * across, 3.5 * len(rows)), layout='constrained', facecolor='white'
    )
    for row, axes in zip(rows, figure.subplots(len(rows), across, squeeze=False)):
        names = list(dict.fromkeys(name for panel in row for name in panel.lines))
        for panel, axis in zip(row, axes):
            for name, points in panel.lines.items():
                number = names.index(name)
                # beside one another, so that bars of lines that meet can be told apart
                shift = 0.08 * (number - (len(names) - 1) / 2)
                x = np.array([panel.ticks.index(tick) for tick in points]) + shift
                colour = COLOURS[number % len(COLOURS)]
                means = [np.mean(found) for found in points.values()]
                stds = [np.std(found, ddof=1) if len(found) > 1 else 0 for found in points.values()]
                look = dict(marker=_MARKERS[number % len(_MARKERS)], linewidth=1.8, capsize=3)
                axis.errorbar(x, means, stds, color=colour, label=name, markersize=5, **look)
                for place, found in zip(x, points.values()):
                    if len(found) > 1:
                        axis.plot([place] * len(found), found, '.', color=colour, alpha=0.5)
            axis.set_xticks(range(len(panel.ticks)), panel.ticks)
            axis.set(xlim=(-0.4, len(panel.ticks) - 0.6), xlabel=panel.x_label)
            axis.set_ylabel(panel.y_label)
            style(axis, panel.title)
            low, high = axis.get_ylim()
            if panel.lines and high - low < _LEAST_SPAN:
                low = max((low + high - _LEAST_SPAN) / 2, min(low, 0))
                axis.set_ylim(low, low + _LEAST_SPAN)
            if not panel.lines:
                axis.text(0.5, 0.5, 'not measured', transform=axis.transAxes, ha='center')
    return figure
