"""What networks cost: a bar for what was published beside one for what was measured."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from poodle_mm.visualization.curves import BLUE, GREY, style


def draw_costs(costs: Mapping[str, tuple[float | None, float]], title: str, unit: str) -> Figure:
    """Draw two bars a network, published and measured, with their numbers.

    Args:
        costs: Name of a network, in lines, to its published number, if any, and ours.
        title: Title of the plot.
        unit: What the numbers are.
    """
    figure = Figure(
        figsize=(max(6, 1.5 + 1.35 * len(costs)), 4.4), layout='constrained', facecolor='white'
    )
    axis = figure.subplots()
    places = np.arange(len(costs))
    published = np.array([np.nan if cost[0] is None else cost[0] for cost in costs.values()])
    ours = np.array([cost[1] for cost in costs.values()])
    both = ((published, -0.2, GREY, 'published'), (ours, 0.2, BLUE, 'this package'))
    for values, shift, colour, name in both:
        if np.isfinite(values).any():
            bars = axis.bar(places + shift, values, width=0.38, color=colour, label=name)
            labels = [f'{value:.1f}' if np.isfinite(value) else '' for value in values]
            axis.bar_label(bars, labels, fontsize=8.5, padding=2)
    axis.set_xticks(places, [*costs], fontsize=9)
    axis.set_ylabel(unit)
    axis.margins(y=0.1)
    style(axis, title)
    axis.grid(visible=False, axis='x')
    return figure
