"""Principal components and nearest neighbours of an encoder's features, and pictures of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

from poodle_mm.apis.encoder import DenseEncoder
from poodle_mm.apis.features import (
    Image,
    cell_size,
    cells_to_pixels,
    dense_features,
    load_image,
    pixels_to_cells,
)
from poodle_mm.geometry.warp import sample_bilinear

if TYPE_CHECKING:  # matplotlib takes a second to import
    from matplotlib.figure import Figure


def draw_pca(
    encoder: DenseEncoder,
    images: Sequence[Image],
    size: tuple[int, int] | None = None,
    batch_size: int = 8,
    titles: Sequence[str] | None = None,
) -> Figure:
    """Draw images and, below each, the first three principal components of its features as colours.

    The components are those of all images together, whose maps are in memory at once.

    Args:
        encoder, images, size, batch_size: Arguments of :func:`dense_features`; frames of a video
            from ``VideoReader.read``.
        titles: One per image.
    """
    from poodle_mm.visualization.panels import draw_feature_maps

    images = [load_image(image, f'image {number}') for number, image in enumerate(images)]
    if not images:
        raise ValueError('draw_pca needs at least one image')
    maps = list(dense_features(encoder, images, size, batch_size))
    cells = [cell_size(encoder, image.shape[1:], size) for image in images]
    network = f'{encoder.origin or "encoder"}: {encoder.channels} channels, stride {encoder.stride}'
    return draw_feature_maps(images, maps, cells, titles, network)


def nearest_neighbours(
    encoder: DenseEncoder,
    query_image: Image,
    query_points: Tensor | Sequence[tuple[float, float]],
    other_images: Sequence[Image],
    size: tuple[int, int] | None = None,
    batch_size: int = 8,
) -> tuple[Tensor, Tensor]:
    """Find in each of some images the cell most similar to points of another image.

    Similarity is the cosine of the feature at the point (bilinear look-up) and the cell's feature.

    Args:
        query_image: Image of the points.
        query_points: (N, 2), (u, v) in pixels of ``query_image`` as it was given.
        other_images: M images.
        encoder, size, batch_size: Arguments of :func:`dense_features`.

    Returns:
        ``points`` float32 (M, N, 2), centres of the cells found, in pixels of the other images as
        they were given; ``similarity`` float32 (M, N), cosines.

    Raises:
        ValueError: If a point lies outside of the query image.
    """
    query_image = load_image(query_image, 'query_image')
    points = torch.as_tensor(query_points, dtype=torch.float32).reshape(-1, 2)
    height, width = query_image.shape[1:]
    limits = points.new_tensor([width, height]) - 0.5
    outside = ((points < -0.5) | (points > limits)).any(dim=1)
    if outside.any():
        raise ValueError(
            f'point {points[outside][0].tolist()} (u, v) lies outside of the query image, which is '
            f'{width} pixels wide and {height} high'
        )
    (query,) = dense_features(encoder, [query_image], size)
    cells = pixels_to_cells(points, cell_size(encoder, (height, width), size))
    wanted = F.normalize(sample_bilinear(query[None], cells[None])[0], dim=0)

    found, similarity = [], []
    images = [load_image(image, f'other image {n}') for n, image in enumerate(other_images)]
    for image, features in zip(images, dense_features(encoder, images, size, batch_size)):
        cosine = wanted.T @ F.normalize(features.flatten(1), dim=0)
        best, index = cosine.max(dim=1)
        columns = features.shape[2]
        cell = torch.stack([index % columns, index // columns], dim=1).float()
        found.append(cells_to_pixels(cell, cell_size(encoder, image.shape[1:], size)))
        similarity.append(best)
    return torch.stack(found), torch.stack(similarity)


def draw_nearest_neighbours(
    encoder: DenseEncoder,
    query_image: Image,
    query_points: Tensor | Sequence[tuple[float, float]],
    other_images: Sequence[Image],
    size: tuple[int, int] | None = None,
    batch_size: int = 8,
    titles: Sequence[str] | None = None,
) -> Figure:
    """Draw points of an image and, in each of the others, the cell most similar to each point.

    Marks of one colour and number belong together; numbers in brackets are cosines. The arguments
    are those of :func:`nearest_neighbours`.

    Args:
        titles: One for the query image and one per other image.
    """
    from poodle_mm.visualization.panels import draw_points

    query = load_image(query_image, 'query_image')
    others = [load_image(image, f'image {n}') for n, image in enumerate(other_images)]
    points = torch.as_tensor(query_points, dtype=torch.float32).reshape(-1, 2)
    found, cosines = nearest_neighbours(encoder, query, points, others, size, batch_size)
    labels = [[str(k + 1) for k in range(len(points))]]
    labels += [[f'{k + 1} ({c:.2f})' for k, c in enumerate(row)] for row in cosines.tolist()]
    titles = titles or ['query', *[''] * len(others)]
    meaning = (
        'a point of the query image, and in each other image the cell with the most similar '
        f'features; in brackets: cosine of both; {encoder.origin or "encoder"}'
    )
    return draw_points([query, *others], [points, *found], labels, meaning, titles)
