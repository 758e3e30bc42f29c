"""Contact sheets: many pairs, clips or images at a glance, a row each."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from poodle_mm.visualization.images import SUBCROP_COLOURS
from poodle_mm.visualization.legend import Line, add_legend
from poodle_mm.visualization.panels import show, stacked

WARNING = '#c0181c'
_LETTERS = 190  # of all titles of a row, at their size


@dataclass(frozen=True)
class Cell:
    """A panel of a sheet.

    Attributes:
        image: uint8 (h, w, 3).
        title: A few words above it.
        boxes: Edges (x0, y0, x1, y1) in pixels of ``image``.
        dashed: Whether each box is dashed; boxes beyond the last one are not.
        colours: Number of each box's colour; None: its place.
    """

    image: np.ndarray
    title: str = ''
    boxes: Sequence[tuple[float, float, float, float]] = ()
    dashed: Sequence[bool] = ()
    colours: Sequence[int] | None = None


@dataclass(frozen=True)
class SheetRow:
    """A row of a sheet.

    Attributes:
        cells: The panels, as many as in any other row.
        title: Line above the row.
        flags: What is wrong with it, in red behind the title.
    """

    cells: Sequence[Cell]
    title: str
    flags: Sequence[str] = ()


def draw_sheet(
    rows: Sequence[SheetRow],
    lines: Sequence[Line] = (),
    fastest: float | None = None,
    least: int = 7,
) -> Figure:
    """Draw rows below one another.

    Args:
        rows: The rows; all panels of a row have the height of the highest one.
        lines, fastest: Legend, see :func:`~poodle_mm.visualization.legend.add_legend`.
        least: Panels for which a row has place at least; fewer would be large.

    Raises:
        ValueError: If there is no row, or rows differ in the number of panels.
    """
    counts = {len(row.cells) for row in rows}
    if len(counts) != 1:
        raise ValueError(f'a sheet needs rows of equally many panels, got {sorted(counts)}')
    across = max(*counts, least)
    shapes = [max(c.image.shape[0] / c.image.shape[1] for c in row.cells) for row in rows]
    axes = stacked([place for shape in shapes for place in ((1, 1e-3), (across, shape))])
    for row, (head,), panels in zip(rows, axes[::2], axes[1::2]):
        head.set_axis_off()
        _write_title(head, row)
        for axis in panels:
            axis.set_axis_off()
        for cell, axis in zip(row.cells, panels):
            _draw(axis, cell, _LETTERS // across)
    add_legend(axes[0][0].figure, lines, fastest)
    return axes[0][0].figure


def side_by_side(
    images: np.ndarray, columns: int, colours: bool = False, first: int = 0
) -> np.ndarray:
    """One picture of (N, h, w, 3) images of one size, in rows of ``columns``.

    Args:
        images: uint8.
        columns: Images in a row; missing ones are white.
        colours: Give each column a rim of its colour.
        first: Number of the first column's colour.
    """
    images = images.copy()
    rim = max(2, images.shape[1] // 24)
    for number, image in enumerate(images):
        if colours:
            hue = SUBCROP_COLOURS[(first + number % columns) % len(SUBCROP_COLOURS)]
            rgb = [int(hue[i : i + 2], 16) for i in (1, 3, 5)]
            for edge in (image[:rim], image[-rim:], image[:, :rim], image[:, -rim:]):
                edge[:] = rgb
    missing = -len(images) % columns
    images = np.concatenate([images, np.full((missing, *images.shape[1:]), 255, np.uint8)])
    grid = images.reshape(-1, columns, *images.shape[1:])
    return np.concatenate([np.concatenate(list(row), axis=1) for row in grid], axis=0)


def _write_title(axis: Axes, row: SheetRow) -> None:
    """Write a row's title and its flags into axes without height."""
    style = dict(fontsize=9, fontweight='bold', va='bottom')
    place = dict(xycoords='axes fraction', textcoords='offset points')
    title = axis.annotate(row.title, (0, 0), (0, 0), color='#333333', **place, **style)
    if row.flags:
        beside = dict(xycoords=title, textcoords='offset points')
        axis.annotate(', '.join(row.flags), (1, 0), (10, 0), color=WARNING, **beside, **style)


def _draw(axis: Axes, cell: Cell, letters: int) -> None:
    """Show a panel at the top of its place, with its boxes and a title of at most some letters."""
    show(axis, cell.image, interpolation=None)
    axis.set_anchor('NW')
    title = cell.title if len(cell.title) <= letters else cell.title[: letters - 1] + '…'
    axis.set_title(title, loc='left', fontsize=8, pad=2, color='#333333')
    colours = range(len(cell.boxes)) if cell.colours is None else cell.colours
    for place, (number, (x0, y0, x1, y1)) in enumerate(zip(colours, cell.boxes, strict=True)):
        dashed = place < len(cell.dashed) and cell.dashed[place]
        style = dict(fill=False, linestyle='--' if dashed else '-')
        # a dark rim keeps bright boxes readable on a bright sky
        for line in (
            dict(color='black', linewidth=2.2, alpha=0.5),
            dict(color=SUBCROP_COLOURS[number % len(SUBCROP_COLOURS)], linewidth=1.2),
        ):
            axis.add_patch(Rectangle((x0, y0), x1 - x0, y1 - y0, **style, **line))
