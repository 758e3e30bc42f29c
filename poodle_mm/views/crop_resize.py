"""Cutting boxes out of images and resizing them: ``roi_align`` as two matrix products a box."""

from collections.abc import Iterator

import torch
from torch import Tensor

from poodle_mm.views.bands import Block, filter_columns, filter_rows

# Pixels of the result in a tile: wide enough for a fast product, narrow enough to skip zeros.
_TILE = 48


def crop_resize(images: Tensor, boxes: Tensor, index: Tensor, size: int) -> Tensor:
    """``roi_align`` with adaptive sampling and aligned edges, of all boxes on the CPU.

    A pixel of the result is the mean of bilinear samples on a regular grid over its area. Samples,
    their weights and what the border does to them are products of one factor for the row and one
    for the column: the result is a band matrix times the box times a band matrix. Positions are
    rounded as torchvision rounds them; the sums differ by rounding.

    Args:
        images: (N, C, H, W) float32.
        boxes: (..., 4) edges (x0, y0, x1, y1) in pixels.
        index: (...) int64, the image of each box.
        size: Side of the result.

    Returns:
        (..., C, size, size) float32.
    """
    blocks = _blocks(boxes.flatten(0, -2), images.shape[-2:], size)
    results = images.new_empty(index.numel(), images.shape[1], size, size)
    for number, crop, (columns, rows) in zip(index.flatten().tolist(), results, blocks):
        image = images[number]
        top, bottom = rows[0].low, rows[-1].low + rows[-1].weights.shape[1]
        between = image.new_empty(len(image), bottom - top, size)
        filter_rows(image[:, top:bottom], columns, between)
        rows = [Block(start, low - top, weights) for start, low, weights in rows]
        filter_columns(between, rows, crop)
    return results.view(*boxes.shape[:-1], *results.shape[1:])


def _blocks(
    boxes: Tensor, image_size: tuple[int, int], size: int
) -> Iterator[tuple[list[Block], list[Block]]]:
    """For each of (M, 4) boxes the blocks of its columns and of its rows."""
    index, weight = _samples(boxes, image_size, size)
    starts = range(0, size, _TILE)
    low = index[:, :, ::_TILE, 0]  # (M, 2, tiles): positions do not decrease
    high = torch.stack([index[:, :, min(s + _TILE, size) - 1].amax(-1) for s in starts], dim=-1)
    spans = high - low + 1
    offset = low.repeat_interleave(_TILE, dim=-1)[..., :size, None]
    matrices = weight.new_zeros(*index.shape[:3], int(spans.max()) if len(boxes) else 0)
    matrices.scatter_add_(-1, index - offset, weight)
    for matrix, lows, widths in zip(matrices, low.tolist(), spans.tolist()):
        yield tuple(
            [
                Block(start, first, axis[start : start + _TILE, :width])
                for start, first, width in zip(starts, *bounds)
            ]
            for axis, *bounds in zip(matrix, lows, widths)
        )


def _samples(boxes: Tensor, image_size: tuple[int, int], size: int) -> tuple[Tensor, Tensor]:
    """Pixels that each pixel of the result reads along x and along y.

    Returns:
        Indices (M, 2, size, 2 G), int64, and weights, float32, of the pixels of the image; G is
        the greatest number of samples, and what a box has less is repeated with weight 0.
    """
    edges = boxes.view(-1, 2, 2) - 0.5  # of (x, y), the image's pixel centres at integers
    start, extent = edges[:, 0], edges[:, 1] - edges[:, 0]
    step = extent / size
    number = step.ceil()
    sample = torch.arange(int(number.max()) if len(boxes) else 1, device=boxes.device)
    counted = sample < number[..., None]
    sample = torch.minimum(sample, number[..., None] - 1)
    within = (sample + 0.5) * step[..., None] / number[..., None]
    pixel = start[..., None] + torch.arange(size, device=boxes.device) * step[..., None]
    position = pixel[..., None] + within[:, :, None]

    last = boxes.new_tensor([image_size[1] - 1, image_size[0] - 1])[:, None, None]
    weight = counted[:, :, None] & (position >= -1) & (position <= last + 1)
    weight = weight / number[..., None, None]
    position = position.clamp_(min=0).minimum(last)
    low = position.floor()
    high = (low + 1).minimum(last)
    right = position.sub_(low)
    index = torch.cat([low, high], dim=-1).long()
    return index, torch.cat([(1 - right) * weight, right * weight], dim=-1)
