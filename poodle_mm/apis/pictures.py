"""Pictures of what an encoder sees in images; no files, no pyplot state."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from poodle_mm.apis.encoder import DenseEncoder
from poodle_mm.apis.features import Image, cell_size, dense_features, load_image
from poodle_mm.apis.neighbours import nearest_neighbours

if TYPE_CHECKING:  # matplotlib takes a second to import
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_WIDTH, _COLUMNS, _TITLE = 14.0, 4, 0.3  # inches, panels side by side, inches


def draw_pca(
    encoder: DenseEncoder,
    images: Sequence[Image],
    size: tuple[int, int] | None = None,
    batch_size: int = 8,
    titles: Sequence[str] | None = None,
) -> Figure:
    """Images and, below each, the first three principal components of its features as colours.

    The components are those of all images together: equal colours are equal features, also in
    different images. All maps are in memory at once.

    Args:
        encoder: What :func:`load_encoder` returns.
        images, size, batch_size: As in :func:`dense_features`; frames of a video from
            ``VideoReader.read``.
        titles: One per image.

    Returns:
        A figure 14 inches wide; ``figure.savefig(path)`` writes it.
    """
    from poodle_mm.visualization.pair import feature_pca

    images = [load_image(image, f'image {number}') for number, image in enumerate(images)]
    if not images:
        raise ValueError('draw_pca needs at least one image')
    maps = list(dense_features(encoder, images, size, batch_size))
    joined = torch.cat([features.flatten(1) for features in maps], dim=1)
    colours = feature_pca(joined[None, :, None])[0, 0]
    ends = torch.tensor([features[0].numel() for features in maps]).cumsum(0).tolist()

    axes = _panels(images, rows=2)
    for number, (image, features, end) in enumerate(zip(images, maps, ends)):
        rows, columns = features.shape[1:]
        picture = colours[end - rows * columns : end].reshape(rows, columns, 3)
        _show(axes[number][0], image, titles[number] if titles else '')
        width, height = cell_size(encoder, image.shape[1:], size)
        axes[number][1].imshow(
            picture, extent=(0, columns * width, rows * height, 0), interpolation='nearest'
        )
        _frame(axes[number][1], image)
    return axes[0][0].figure


def draw_nearest_neighbours(
    encoder: DenseEncoder,
    query_image: Image,
    query_points: Tensor | Sequence[tuple[float, float]],
    other_images: Sequence[Image],
    size: tuple[int, int] | None = None,
    batch_size: int = 8,
    titles: Sequence[str] | None = None,
) -> Figure:
    """Points of an image, and in each of the others the cell most similar to each point.

    Marks of one colour and number belong together; numbers in brackets are cosines.

    Args:
        encoder, query_image, query_points, other_images, size, batch_size: As in
            :func:`nearest_neighbours`.
        titles: One for the query image and one per other image.

    Returns:
        A figure 14 inches wide; ``figure.savefig(path)`` writes it.
    """
    query = load_image(query_image, 'query_image')
    images = [query] + [load_image(image, f'image {n}') for n, image in enumerate(other_images)]
    points = torch.as_tensor(query_points, dtype=torch.float32).reshape(-1, 2)
    found, cosines = nearest_neighbours(encoder, query, points, images[1:], size, batch_size)

    titles = titles or ['query', *[''] * len(found)]
    axes = _panels(images, rows=1)
    _show(axes[0][0], query, titles[0])
    _mark(axes[0][0], points, [str(k + 1) for k in range(len(points))])
    for n, (matches, similarity) in enumerate(zip(found, cosines), start=1):
        _show(axes[n][0], images[n], titles[n])
        _mark(axes[n][0], matches, [f'{k + 1} ({c:.2f})' for k, c in enumerate(similarity)])
    return axes[0][0].figure


def _panels(images: Sequence[Tensor], rows: int) -> list[list[Axes]]:
    """``rows`` axes, one below the other, for each image; up to four images side by side."""
    from matplotlib.figure import Figure

    columns = min(_COLUMNS, len(images))
    bands = math.ceil(len(images) / columns)
    aspect = max(image.shape[1] / image.shape[2] for image in images)
    height = bands * (rows * (_WIDTH / columns * aspect + 0.05) + _TITLE)
    figure = Figure(figsize=(_WIDTH, height), layout='constrained', facecolor='white')
    grid = figure.subplots(bands * rows, columns, squeeze=False)
    for axis in grid.flat:
        axis.set_axis_off()
    return [
        [grid[n // columns * rows + row, n % columns] for row in range(rows)]
        for n in range(len(images))
    ]


def _show(axis: Axes, image: Tensor, title: str) -> None:
    height, width = image.shape[1:]
    axis.imshow(image.movedim(0, -1).cpu().numpy(), extent=(0, width, height, 0))
    axis.set_title(title, loc='left', fontsize=9, pad=3, color='#333333')
    _frame(axis, image)


def _frame(axis: Axes, image: Tensor) -> None:
    axis.set(xlim=(0, image.shape[2]), ylim=(image.shape[1], 0))


def _mark(axis: Axes, points: Tensor, labels: Sequence[str]) -> None:
    from matplotlib import colormaps
    from matplotlib.patheffects import withStroke

    rim = [withStroke(linewidth=2.5, foreground='black')]
    for k, ((u, v), label) in enumerate(zip((points + 0.5).tolist(), labels)):
        at_right = u > 0.8 * axis.get_xlim()[1]
        colour = colormaps['tab10'](k % 10)
        axis.plot(u, v, 'o', color=colour, markersize=7, mec='white', mew=1.2)
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
