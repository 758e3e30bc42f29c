"""Scores of several settings side by side, a dot a seed; no files, no pyplot state."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from poodle_mm.visualization.curves import BLUE, GREY, style


def draw_seeds(panels: Mapping[str, Mapping[str, Sequence[float]]]) -> Figure:
    """Draw a panel for each score, with the settings below one another in the order of the first.

    Dots are seeds, the upright bar is their mean, the line beside it one standard deviation (n - 1)
    either way. The first setting's mean runs through the panel as a dashed line.

    Args:
        panels: What is measured to name of a setting to the scores of its seeds; a setting without
            scores keeps its row.
    """
    names = list(dict.fromkeys(name for rows in panels.values() for name in rows))
    size = (2 + 3.6 * len(panels), 0.8 + 0.36 * len(names))
    figure = Figure(figsize=size, layout='constrained', facecolor='white')
    axes = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    for axis, (title, rows) in zip(axes, panels.items()):
        for place, name in enumerate(names):
            scores = np.asarray(rows.get(name, ()), float)
            if not scores.size:
                continue
            mean = scores.mean()
            if place == 0:
                axis.axvline(mean, color=GREY, linewidth=1, linestyle='--', zorder=1)
            if scores.size > 1:
                std = scores.std(ddof=1)
                axis.plot([mean - std, mean + std], [place, place], color=BLUE, alpha=0.4)
                axis.plot([mean, mean], [place - 0.25, place + 0.25], color=BLUE, linewidth=2)
            axis.plot(scores, np.full(scores.size, place), 'o', color=BLUE, alpha=0.75, ms=5)
        axis.set_yticks(range(len(names)), names)
        axis.set_ylim(len(names) - 0.5, -0.5)
        axis.tick_params(axis='y', length=0)
        axis.set_xlabel('%')
        style(axis, title)
    return figure
