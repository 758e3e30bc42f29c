"""Products with band matrices: separable filters and resizing as small matrix products (CPU).

A filter along one axis is a matrix with few columns used in each row. Taken tile by tile, a block
of output pixels with the input pixels that they read, it is a matrix product a tenth of the size,
at the speed of matrix products, which no chain of elementwise operations reaches.
"""

from typing import NamedTuple

import torch
from torch import Tensor


class Block(NamedTuple):
    """Some rows of a band matrix: output pixels [start, start + m) from pixels [low, low + n)."""

    start: int
    low: int
    weights: Tensor  # (m, n)


def filter_rows(image: Tensor, blocks: list[Block], result: Tensor) -> Tensor:
    """Filter along the width.

    Args:
        image: (C, H, W) float; rows without gaps between their pixels.
        blocks: They cover the width of the result.
        result: (C, H, W'), written and returned.
    """
    if image.is_contiguous() and result.is_contiguous():  # all channels in one product
        image, result_ = (x.flatten(0, 1)[None] for x in (image, result))
    else:
        result_ = result
    for source, target in zip(image, result_):
        for start, low, weights in blocks:
            m, n = weights.shape
            torch.mm(source[:, low : low + n], weights.T, out=target[:, start : start + m])
    return result


def filter_columns(image: Tensor, blocks: list[Block], result: Tensor) -> Tensor:
    """Filter along the height: (C, H, W) to (C, H', W); as :func:`filter_rows`."""
    for source, target in zip(image, result):
        for start, low, weights in blocks:
            m, n = weights.shape
            torch.mm(weights, source[low : low + n], out=target[start : start + m])
    return result
