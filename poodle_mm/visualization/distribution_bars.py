"""Bars of classes, from the largest to the smallest."""

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure
from matplotlib.patches import Patch

from poodle_mm.visualization.curves import style

_MOST_NUMBERED = 40  # more bars are too narrow for numbers over them


def draw_bars(
    values: Mapping[str, float],
    looks: Sequence[Mapping],
    legend: Mapping[str, Mapping],
    titles: tuple[str, str],
    number: str,
    log: bool = False,
) -> Figure:
    """Draw a bar a class, in the order given.

    Args:
        values: Name of a class to its value.
        looks: What matplotlib needs for each bar: ``color``, ``hatch`` and the like.
        legend: Meaning to look.
        titles: Title of the plot, and what the values are.
        number: Format of the numbers at the bars, e.g. ``'{:.2g}'``.
        log: Whether the axis is logarithmic; a bar of 0 is then absent.
    """
    count = len(values)
    width = min(max(6.0, 1.5 + 0.48 * count), 24)
    figure = Figure(figsize=(width, 4.4), layout='constrained', facecolor='white')
    axis = figure.subplots()
    for place, (value, look) in enumerate(zip(values.values(), looks)):
        axis.bar(place, value, width=0.78, linewidth=0, **look)
        if count <= _MOST_NUMBERED:
            below = value < 0
            axis.annotate(
                number.format(value), (place, value), (0, -3 if below else 3), fontsize=7.5,
                textcoords='offset points', ha='center', va='top' if below else 'bottom',
            )  # fmt: skip
    if count > _MOST_NUMBERED:
        axis.set_xticks(range(count), [*values], rotation=90, fontsize=6)
    else:
        turned = dict(rotation=40, rotation_mode='anchor', ha='right', fontsize=9)
        axis.set_xticks(range(count), [*values], **turned)
    axis.set(xlim=(-0.7, count - 0.3), ylabel=titles[1])
    if log:
        axis.set_yscale('log')
        axis.yaxis.set_major_formatter('{x:g}')
    if min(values.values()) < 0:
        axis.axhline(0, color='black', linewidth=0.8)
    axis.margins(y=0.12)
    style(axis, titles[0])
    axis.grid(visible=False, axis='x')
    axis.legend(
        [Patch(linewidth=0, **look) for look in legend.values()],
        [*legend], frameon=False, fontsize=9, loc='upper right',
    )  # fmt: skip
    return figure
