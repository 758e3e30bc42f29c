"""Probability that a subcrop shows an object, against the object's share of the pixels."""

from collections.abc import Mapping, Sequence
from itertools import cycle

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle

from poodle_mm.visualization.curves import BLUE, GREY, ORANGE, TEAL, style

MOST_CLASSES = 22
HIT, MISS = dict(color='#15803d'), dict(color='#dc2626', linestyle='--')
_COLOURS = *(f'C{number}' for number in range(10)), 'black'
_MARKERS = 'os^'
OBJECT, GROUND = (203, 213, 225), (244, 245, 247)


def draw_hits(
    shares: Sequence[float],
    hits: Mapping[str, Sequence[float]],
    example: tuple[np.ndarray, np.ndarray, np.ndarray],
    titles: tuple[str, str],
) -> Figure:
    """Draw a frame with subcrops, and beside it a curve for each rule of what a hit is.

    Args:
        shares: Percent of the pixels.
        hits: Name of a rule to its percent of subcrops.
        example: Object, bool (H, W); boxes (K, 4), edges in pixels; whether each hits, bool (K).
        titles: Titles of frame and plot.
    """
    figure = Figure(figsize=(11.5, 4.4), layout='constrained', facecolor='white')
    frame, axis = figure.subplots(1, 2, width_ratios=(1.3, 1))
    _draw_frame(frame, *example)
    style(frame, titles[0])
    for (name, values), colour in zip(hits.items(), cycle((BLUE, ORANGE, TEAL))):
        axis.plot(shares, values, color=colour, label=name, linewidth=2)
    axis.set(xlim=(0, 100), ylim=(0, 101))
    _finish(axis, titles[1])
    return figure


def draw_binned_hits(
    every: tuple[Sequence[float], Sequence[float]],
    classes: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    toy: tuple[Sequence[float], Sequence[float]],
    titles: tuple[str, str],
) -> Figure:
    """Draw measured hits by object size: of all foreground classes together, and of each.

    Args:
        every: Percent of pixels and of subcrops in each bin of size.
        classes: The same by class, at most ``MOST_CLASSES``.
        toy: Percent of pixels and of subcrops of the toy simulation.
        titles: Titles of the two plots.
    """
    figure = Figure(figsize=(12, 4.8), layout='constrained', facecolor='white')
    together, apart = figure.subplots(1, 2, sharex=True, sharey=True)
    together.plot(*every, color=BLUE, marker='o', linewidth=2, label='all objects, tenths by size')
    together.plot(
        *toy,
        color=ORANGE,
        linewidth=2,
        linestyle='--',
        label='toy: a centred disc, subcrops of 2–8 %',
    )
    for number, (name, points) in enumerate(classes.items()):
        row, place = divmod(number, len(_COLOURS))
        look = dict(color=_COLOURS[place], marker=_MARKERS[row], markersize=4)
        apart.plot(*points, **look, label=name)
    left, bottom = (
        min((x for each in (every, *classes.values()) for x in each[side] if x > 0), default=0.01)
        for side in (0, 1)
    )
    for axis, name in zip((together, apart), titles):
        axis.set_xscale('log')
        axis.set_yscale('log', nonpositive='mask')  # a bin without hits has no point
        axis.set(xlim=(left / 1.5, 100), ylim=(bottom / 1.5, 150))
        _finish(axis, name)
    apart.legend(frameon=False, fontsize=8, loc='center left', bbox_to_anchor=(1.0, 0.5))
    return figure


def _draw_frame(axis: Axes, mask: np.ndarray, boxes: np.ndarray, hit: np.ndarray) -> None:
    height, width = mask.shape
    picture = np.where(mask[..., None], OBJECT, GROUND).astype(np.uint8)
    axis.imshow(picture, extent=(0, width, height, 0))
    for (x0, y0, x1, y1), good in zip(boxes.tolist(), hit.tolist()):
        look = HIT if good else MISS
        axis.add_patch(Rectangle((x0, y0), x1 - x0, y1 - y0, fill=False, linewidth=1.8, **look))
    axis.set(xticks=[], yticks=[])
    axis.spines[:].set_visible(False)
    axis.legend(
        [Patch(color=np.divide(OBJECT, 255)), *(Line2D([], [], **look) for look in (HIT, MISS))],
        ['object', 'subcrop that hits', 'subcrop that does not'],
        loc='upper center', bbox_to_anchor=(0.5, -0.02), ncols=3, frameon=False, fontsize=9,
    )  # fmt: skip


def _finish(axis: Axes, title: str) -> None:
    axis.plot((1e-6, 100), (1e-6, 100), color=GREY, linestyle=':', label='pixel probability')
    axis.set_xlabel("pixel probability: object's share of the pixels")
    axis.set_ylabel('subcrop probability: share of subcrops that hit')
    for side in (axis.xaxis, axis.yaxis):
        side.set_major_formatter('{x:g}%')
    style(axis, title)
