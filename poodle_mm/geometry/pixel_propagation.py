"""Cells of two views that show the same place, and propagation between the cells of one (PixPro).

Propagate Yourself: Exploring Pixel-Level Consistency for Unsupervised Visual Representation
Learning (https://arxiv.org/abs/2011.10043). Boxes are edges in the frame, as everywhere; that of a
mirrored view runs from its left edge to its right one, so that ``x0 > x1``.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from poodle_mm.geometry.warp import constant, pixel_grid

_MIRRORS = {
    None: (0, 1, 2, 3),
    'horizontal': (2, 1, 0, 3),
    'vertical': (0, 3, 2, 1),
    'diagonal': (2, 3, 0, 1),
}


def mirrored_box(
    box: tuple[float, float, float, float], direction: str | None
) -> tuple[float, float, float, float]:
    """Box of a view that was flipped after it had been cut.

    Args:
        box: (x0, y0, x1, y1), edges in the frame.
        direction: mmcv's ``flip_direction``: ``'horizontal'``, ``'vertical'``, ``'diagonal'`` or
            None.

    Returns:
        The frame's coordinates of the view's left, upper, right and lower edge.
    """
    x0, y0, x1, y1 = (box[i] for i in _MIRRORS[direction])
    return x0, y0, x1, y1


def cell_centres(boxes: Tensor, grid: tuple[int, int]) -> Tensor:
    """Centres of the cells of views, in pixels of their frames.

    Args:
        boxes: (B, 4) float edges in the frame, of :func:`mirrored_box`.
        grid: (h, w) of the feature map.

    Returns:
        (B, h * w, 2) pixels (u, v), rows first.
    """
    cells = pixel_grid(grid, boxes.device, boxes.dtype).flatten(0, 1)
    position = (cells + 0.5) / constant(grid[::-1], boxes)
    start, end = boxes[:, None].chunk(2, dim=2)
    return start + position * (end - start) - 0.5


def bin_diagonals(boxes: Tensor, grid: tuple[int, int]) -> Tensor:
    """Diagonal of a cell of each view, (B,), in pixels of its frame.

    Args:
        boxes, grid: See :func:`cell_centres`.
    """
    height, width = grid
    return torch.hypot((boxes[:, 2] - boxes[:, 0]) / width, (boxes[:, 3] - boxes[:, 1]) / height)


def positive_pairs(
    boxes: Tensor, others: Tensor, grid: tuple[int, int], ratio: float = 0.7
) -> Tensor:
    """Cells of two views that are closer than a share of a cell's diagonal (Eq. 2).

    "Normalized to the diagonal length of a feature map bin": of the view with the larger bins, as
    in the released code, so that the relation is symmetric.

    Args:
        boxes, others: (B, 4) float edges in the frame, of :func:`mirrored_box`.
        grid: (h, w) of both feature maps.
        ratio: Share of the diagonal.

    Returns:
        (B, N, N) bool with N = h * w; ``[b, i, j]``: cell i of the first view and j of the second.
    """
    centres = cell_centres(boxes, grid), cell_centres(others, grid)
    # by differences: the default, a product of matrices, is off by tenths of a pixel
    distance = torch.cdist(*centres, compute_mode='donot_use_mm_for_euclid_dist')
    diagonal = torch.maximum(bin_diagonals(boxes, grid), bin_diagonals(others, grid))
    return distance < ratio * diagonal[:, None, None]


def propagate(maps: Tensor, values: Tensor, sharpness: float = 2.0) -> Tensor:
    """Smooth a map over the cells that are similar to each: ``y_i = sum_j s(x_i, x_j) v_j``.

    ``s(x_i, x_j) = max(cos(x_i, x_j), 0) ** sharpness`` (Eqs. 4 and 5). The sum is not divided by
    the weights, because only the direction of y matters.

    Args:
        maps: (B, C, h, w) x.
        values: (B, D, h, w) v, the paper's g(x).
        sharpness: Exponent, the paper's gamma.

    Returns:
        (B, D, h, w).
    """
    cells = F.normalize(maps.flatten(2), dim=1)
    weights = (cells.transpose(1, 2) @ cells).clamp(min=0) ** sharpness
    return (values.flatten(2) @ weights).unflatten(2, maps.shape[-2:])


def mean_positive_cosine(maps: Tensor, others: Tensor, positive: Tensor) -> Tensor:
    """Mean cosine of the positive pairs of each image; 0 for an image that has none.

    Args:
        maps, others: (B, C, h, w).
        positive: (B, N, N) bool, of :func:`positive_pairs`.

    Returns:
        (B,) float.
    """
    first, second = (F.normalize(x.flatten(2).float(), dim=1) for x in (maps, others))
    weights = positive.to(first.dtype)
    with torch.autocast(first.device.type, enabled=False):  # a product would lose the float32
        cosines = first.transpose(1, 2) @ second
    total = (cosines * weights).sum(dim=(1, 2))
    return total / weights.sum(dim=(1, 2)).clamp(min=1)
