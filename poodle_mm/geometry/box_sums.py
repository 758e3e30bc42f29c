"""How much of a mask boxes hold, by summed-area tables: each box costs four look-ups."""

import torch
from torch import Tensor


def summed_area(masks: Tensor) -> Tensor:
    """Table of the sums above and to the left of each corner between pixels.

    Args:
        masks: (..., H, W) bool or integer.

    Returns:
        (..., H + 1, W + 1) int32; the first row and column are 0.
    """
    table = masks.new_zeros(
        *masks.shape[:-2], *(n + 1 for n in masks.shape[-2:]), dtype=torch.int32
    )
    sums = masks.cumsum(-1, dtype=torch.int32)
    torch.cumsum(sums, -2, dtype=torch.int32, out=table[..., 1:, 1:])
    return table


def box_sums(table: Tensor, boxes: Tensor) -> Tensor:
    """Sum of each mask in each box.

    Args:
        table: (C, H + 1, W + 1) result of :func:`summed_area`.
        boxes: (K, 4) int64 edges (x0, y0, x1, y1) in whole pixels.

    Returns:
        (K, C), dtype of the table.
    """
    x0, y0, x1, y1 = boxes.unbind(-1)
    width = table.shape[-1]
    flat = table.flatten(1)
    upper, lower = y0 * width, y1 * width
    inside = flat[:, lower + x1] - flat[:, upper + x1] - flat[:, lower + x0] + flat[:, upper + x0]
    return inside.T


def box_shares(labels: Tensor, boxes: Tensor, num_classes: int) -> Tensor:
    """Share of each class in boxes, whose edges are rounded to whole pixels.

    Args:
        labels: (N, H, W) uint8 classes, 255 for none.
        boxes: (N, K, 4) edges in pixels.
        num_classes: C.

    Returns:
        (N, K, C) float64; what has no class counts as part of the box.
    """
    x0, y0, x1, y1 = boxes.round().long().unbind(-1)
    whole = torch.stack([x0, y0, torch.maximum(x1, x0 + 1), torch.maximum(y1, y0 + 1)], dim=-1)
    classes = torch.arange(num_classes)[:, None, None]
    # image by image: the table of one image is small beside those of all
    sums = [box_sums(summed_area(own == classes), each) for own, each in zip(labels, whole)]
    return torch.stack(sums).double() / box_areas(whole)[..., None]


def box_areas(boxes: Tensor) -> Tensor:
    """Pixels of (..., 4) boxes."""
    return (boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1])
