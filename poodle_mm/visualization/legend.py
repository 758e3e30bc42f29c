"""What the colours of a figure mean: a strip below its pictures."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.legend_handler import HandlerTuple
from matplotlib.patches import Patch
from matplotlib.typing import ColorType

from poodle_mm.visualization.images import flow_wheel

Line = tuple[Sequence[ColorType], str]
"""Colours side by side, and what they mean."""

_LINE, _MARGIN, _WHEEL = 0.21, 0.14, 0.95  # inches
_ACROSS = 10  # names side by side
_FONT = dict(fontsize=9, frameon=False, borderaxespad=0, borderpad=0, handleheight=0.9)


def add_legend(
    figure: Figure,
    lines: Sequence[Line] = (),
    fastest: float | None = None,
    names: Mapping[str, Sequence[int]] | None = None,
) -> None:
    """Make a figure higher and fill the new strip at its bottom; the pictures keep their size.

    Args:
        figure: Figure whose axes are placed by hand or by the constrained layout.
        lines: Meanings, one below the other.
        fastest: Length of flow in pixels at the rim of a colour wheel, which is drawn then.
        names: Names of colours (RGB, 0 to 255), side by side below the lines.
    """
    rows = math.ceil(len(names or ()) / _ACROSS)
    body = max(_LINE * (len(lines) + rows), _WHEEL if fastest is not None else 0)
    inches = body + 2 * _MARGIN
    width, share = figure.get_figwidth(), _grow(figure, inches)
    top, left = share * (1 - _MARGIN / inches), _MARGIN
    if fastest is not None:
        size = _WHEEL / width, share * _WHEEL / inches
        _draw_wheel(figure.add_axes((left / width, top - size[1], *size)), fastest)
        left += _WHEEL + 0.75
    if lines:
        _legend(
            figure,
            [tuple(Patch(color=colour, linewidth=0) for colour in colours) for colours, _ in lines],
            [text for _, text in lines],
            (left / width, top),
            handlelength=2.6,
        )
        top -= share * _LINE * len(lines) / inches
    if names:
        _legend(
            figure,
            [Patch(color=np.divide(rgb, 255)) for rgb in names.values()],
            list(names),
            (left / width, top),
            ncols=_ACROSS,
        )


def components_line(whose: str) -> Line:
    """Meaning of the colours of :func:`~poodle_mm.visualization.pca.feature_pca`.

    Args:
        whose: The maps that share their components, in words.
    """
    text = f'features: first three principal components of {whose}'
    return ('#ff0000', '#00ff00', '#0000ff'), text


def _grow(figure: Figure, inches: float) -> float:
    """Add a strip at the bottom; returns its share of the new height."""
    height = figure.get_figheight()
    share = inches / (height + inches)
    places = [(axis, axis.get_position(original=True)) for axis in figure.axes]
    figure.set_figheight(height + inches)
    if figure.get_layout_engine() is not None:
        figure.get_layout_engine().set(rect=(0, share, 1, 1 - share))
        return share
    for axis, place in places:
        bottom = share + place.y0 * (1 - share)
        axis.set_position((place.x0, bottom, place.width, place.height * (1 - share)))
    return share


def _draw_wheel(axis: Axes, fastest: float) -> None:
    """Draw the colours of flow by direction and length, up to ``fastest`` pixels at the rim."""
    axis.imshow(flow_wheel(), extent=(-1, 1, 1, -1))
    axis.set(xlim=(-1, 1), ylim=(1, -1), label='colour wheel')
    axis.set_axis_off()
    axis.plot((0, 1), (0, 0), color='black', linewidth=0.8)
    axis.text(1.06, 0, f'{fastest:.3g} px', fontsize=9, va='center')


def _legend(
    figure: Figure, handles: list, labels: list[str], corner: tuple[float, float], **options
) -> None:
    """Draw a legend whose upper left corner is given in shares of the figure."""
    tuples = {tuple: HandlerTuple(ndivide=None, pad=0)}
    place = dict(loc='upper left', bbox_to_anchor=corner, handler_map=tuples)
    figure.legend(handles, labels, labelcolor='#333333', **_FONT, **place, **options)
