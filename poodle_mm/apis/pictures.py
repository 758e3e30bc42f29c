"""Pictures of what an encoder sees in images: computed here, drawn by the visualization room."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from poodle_mm.apis.encoder import DenseEncoder
from poodle_mm.apis.features import Image, cell_size, dense_features, load_image
from poodle_mm.apis.neighbours import nearest_neighbours

if TYPE_CHECKING:  # matplotlib takes a second to import
    from matplotlib.figure import Figure


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
        encoder: An encoder in eval mode.
        images, size, batch_size: As in :func:`dense_features`; frames of a video from
            ``VideoReader.read``.
        titles: One per image.

    Returns:
        A figure 14 inches wide; ``figure.savefig(path)`` writes it.
    """
    from poodle_mm.visualization.panels import draw_feature_maps

    images = [load_image(image, f'image {number}') for number, image in enumerate(images)]
    if not images:
        raise ValueError('draw_pca needs at least one image')
    maps = list(dense_features(encoder, images, size, batch_size))
    cells = [cell_size(encoder, image.shape[1:], size) for image in images]
    return draw_feature_maps(images, maps, cells, titles)


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
    from poodle_mm.visualization.panels import draw_points

    query = load_image(query_image, 'query_image')
    others = [load_image(image, f'image {n}') for n, image in enumerate(other_images)]
    points = torch.as_tensor(query_points, dtype=torch.float32).reshape(-1, 2)
    found, cosines = nearest_neighbours(encoder, query, points, others, size, batch_size)
    labels = [[str(k + 1) for k in range(len(points))]]
    labels += [[f'{k + 1} ({c:.2f})' for k, c in enumerate(row)] for row in cosines.tolist()]
    titles = titles or ['query', *[''] * len(others)]
    return draw_points([query, *others], [points, *found], labels, titles)
