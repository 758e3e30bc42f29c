"""Figures of images side by side; no files, no pyplot state."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from torch import Tensor

from poodle_mm.visualization.legend import Line, add_legend, components_line
from poodle_mm.visualization.pca import feature_pca

WIDTH = 14.0  # inches, of every figure
_TITLE = 0.3  # inches
_GAP, _LOW_TITLE = 0.14, 0.26  # inches


def show(
    axis: Axes,
    image: np.ndarray | Tensor,
    title: str = '',
    size: tuple[float, float] | None = None,
    interpolation: str | None = 'nearest',
) -> None:
    """Show an image in axes whose coordinates are edges of pixels.

    Args:
        axis: Axes that hold nothing else yet.
        image: uint8, or float in [0, 1], (H, W, 3).
        title: Title, on the left.
        size: Height and width in coordinates; default the image's own.
        interpolation: See matplotlib's ``imshow``; None suits photos that are shown smaller.
    """
    height, width = size or image.shape[:2]
    axis.imshow(image, extent=(0, width, height, 0), interpolation=interpolation)
    axis.set(xticks=[], yticks=[], xlim=(0, width), ylim=(height, 0))
    axis.spines[:].set_visible(False)
    axis.set_title(title, loc='left', fontsize=10, pad=3, color='#333333')


def panels(count: int, rows: int, aspect: float, across: int = 4) -> list[list[Axes]]:
    """Axes of a new figure: for each of ``count`` images ``rows`` of them, from top to bottom.

    Args:
        aspect: Height of a panel over its width.
        across: Largest number of images side by side.
    """
    columns = min(across, count)
    bands = math.ceil(count / columns)
    height = bands * (rows * (WIDTH / columns * aspect + 0.05) + _TITLE)
    figure = Figure(figsize=(WIDTH, height), layout='constrained', facecolor='white')
    grid = figure.subplots(bands * rows, columns, squeeze=False)
    for axis in grid.flat:
        axis.set_axis_off()
    return [
        [grid[n // columns * rows + row, n % columns] for row in range(rows)] for n in range(count)
    ]


def stacked(rows: Sequence[tuple[int, float]], halves: bool = False) -> list[list[Axes]]:
    """Axes of a new figure, row by row, each with space for its title.

    Args:
        rows: Number of panels and height over width of each row.
        halves: Leave a wider gap in the middle of the rows.
    """
    widths = [(WIDTH - _GAP * (count + 1 + halves)) / count for count, _ in rows]
    heights = [_LOW_TITLE + width * aspect for width, (_, aspect) in zip(widths, rows)]
    total = top = sum(heights) + _GAP
    figure = Figure(figsize=(WIDTH, total), facecolor='white')
    axes = []
    for (count, _), width, height in zip(rows, widths, heights):
        top -= height
        lefts = [
            _GAP * (1 + (halves and k >= count // 2)) + k * (width + _GAP) for k in range(count)
        ]
        shape = (top / total, width / WIDTH, (height - _LOW_TITLE) / total)
        axes.append([figure.add_axes((left / WIDTH, *shape)) for left in lefts])
    return axes


def draw_columns(
    columns: Mapping[str, Sequence[np.ndarray]],
    names: Mapping[str, Sequence[int]] | None = None,
    lines: Sequence[Line] = (),
    fastest: float | None = None,
) -> Figure:
    """Draw pictures of the same images, a row an image.

    Args:
        columns: Title to pictures (h, w, 3), uint8, all shown at the size of the very first.
        names, lines, fastest: Legend, see :func:`~poodle_mm.visualization.legend.add_legend`.
    """
    first = next(iter(columns.values()))
    height, width = first[0].shape[:2]
    axes = panels(len(columns), len(first), height / width, across=len(columns))
    for (title, images), column in zip(columns.items(), axes):
        for row, (axis, image) in enumerate(zip(column, images)):
            show(axis, image, '' if row else title, (height, width))
    figure = axes[0][0].figure
    add_legend(figure, lines, fastest, names)
    return figure


def draw_feature_maps(
    images: Sequence[Tensor],
    maps: Sequence[Tensor],
    cells: Sequence[tuple[float, float]],
    titles: Sequence[str] | None = None,
    network: str = 'the network',
) -> Figure:
    """Draw images and, below each, its features as colours that compare across the images.

    Args:
        images: (3, H, W) each, float in [0, 1].
        maps: Features (C, h, w) of each.
        cells: Width and height of a map's cell in pixels of its image.
        titles: Titles of the images.
        network: Which network has made the features, in words.
    """
    axes = _photos(images, 2, titles)
    for (photo, below), picture, (width, height) in zip(axes, feature_pca(maps), cells):
        show(below, picture, size=(picture.shape[0] * height, picture.shape[1] * width))
        below.set(xlim=photo.get_xlim(), ylim=photo.get_ylim())  # cells may reach into padding
    whose = f'all images together as red, green, blue; {network}'
    add_legend(axes[0][0].figure, [components_line(whose)])
    return axes[0][0].figure


def draw_points(
    images: Sequence[Tensor],
    points: Sequence[Tensor],
    labels: Sequence[Sequence[str]],
    meaning: str,
    titles: Sequence[str] | None = None,
) -> Figure:
    """Draw images with marked points; the k-th points of all images have one colour.

    Args:
        images: (3, H, W) each, float in [0, 1].
        points: (N, 2) of each, (u, v) in pixels.
        labels: Text beside each point.
        meaning: What points of one colour have in common, for the legend.
        titles: Titles of the images.
    """
    axes = _photos(images, 1, titles)
    rim = [withStroke(linewidth=2.5, foreground='black')]
    for n, (axis,) in enumerate(axes):
        for k, ((u, v), label) in enumerate(zip((points[n] + 0.5).tolist(), labels[n])):
            colour = colormaps['tab10'](k % 10)
            axis.plot(u, v, 'o', color=colour, markersize=7, mec='white', mew=1.2)
            at_right = u > 0.8 * images[n].shape[2]
            axis.annotate(
                label,
                (u, v),
                xytext=(-5 if at_right else 5, 4),
                textcoords='offset points',
                horizontalalignment='right' if at_right else 'left',
                color='white',
                fontsize=8,
                path_effects=rim,
            )
    colours = [colormaps['tab10'](k % 10) for k in range(min(10, len(points[0])))]
    add_legend(axes[0][0].figure, [(colours, meaning)])
    return axes[0][0].figure


def _photos(images: Sequence[Tensor], rows: int, titles: Sequence[str] | None) -> list[list[Axes]]:
    """Axes of :func:`panels` with the images in the first row of each."""
    axes = panels(len(images), rows, max(image.shape[1] / image.shape[2] for image in images))
    for (axis, *_), image, title in zip(axes, images, titles or [''] * len(images)):
        show(axis, image.movedim(0, -1), title, interpolation=None)
    return axes
