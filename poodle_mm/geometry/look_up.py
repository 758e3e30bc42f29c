"""Bilinear look-ups as weights of the cells that they read, and norms of what they read.

A bilinear look-up is a weighted sum of four cells, ``sum_i w_i q_i``. Its squared norm needs only
the products of a cell with itself and with its neighbours: ten numbers for each 2 x 2 quad of
cells.
"""

from typing import NamedTuple

import torch
from torch import Tensor

# Corners of a quad: 0 top left, 1 top right, 2 bottom left, 3 bottom right; first the four squares.
PAIRS = ((0, 0), (1, 1), (2, 2), (3, 3), (0, 1), (2, 3), (0, 2), (1, 3), (0, 3), (1, 2))

# A look-up whose cells cancel to less than this share of their squares has no direction in float32.
CANCELLATION = 1e-6
SMALLEST_SQUARE = 1e-24


class Corners(NamedTuple):
    """The four cells that each of n bilinear look-ups reads."""

    cells: Tensor  # (4, n) int64, index into the h * w cells
    quad: Tensor  # (n,) int64, index into the (h - 1) * (w - 1) quads
    weights: Tensor  # (4, n), they sum to 1


def corners(points: Tensor, size: tuple[int, int]) -> Corners:
    """Cells and weights of bilinear look-ups; a point outside of the map reads its border.

    Args:
        points: (n, 2) finite cell coordinates (column, row).
        size: (h, w) of the map, both at least 2.
    """
    height, width = size
    u, v = points[:, 0].clamp(0, width - 1), points[:, 1].clamp(0, height - 1)
    column, row = u.long().clamp_(max=width - 2), v.long().clamp_(max=height - 2)
    right, down = u - column, v - row
    left, up = 1 - right, 1 - down
    first = row * width + column
    cells = torch.stack([first, first + 1, first + width, first + width + 1])
    weights = torch.stack([up * left, up * right, down * left, down * right])
    return Corners(cells, first - row, weights)


def quad_products(cells: Tensor) -> Tensor:
    """Products of which the squared norms of look-ups are made.

    Args:
        cells: (B, h, w, C), h and w at least 2.

    Returns:
        (B, 10, (h - 1) * (w - 1)): dot products of the corners of each quad in the order of
        ``PAIRS``, those of two different corners doubled because they occur twice in the square.
    """
    square = cells.square().sum(-1)
    across = 2 * (cells[:, :, :-1] * cells[:, :, 1:]).sum(-1)
    downward = 2 * (cells[:, :-1] * cells[:, 1:]).sum(-1)
    diagonal = 2 * (cells[:, :-1, :-1] * cells[:, 1:, 1:]).sum(-1)
    antidiagonal = 2 * (cells[:, :-1, 1:] * cells[:, 1:, :-1]).sum(-1)
    head, tail = slice(None, -1), slice(1, None)
    products = [square[:, v, u] for v in (head, tail) for u in (head, tail)]
    products += [across[:, head], across[:, tail], downward[..., head], downward[..., tail]]
    return torch.stack([*products, diagonal, antidiagonal], dim=1).flatten(2)


def cells_and_quads(x: Tensor) -> tuple[Tensor, Tensor, tuple[int, int]]:
    """A (B, C, h, w) map as look-ups read it: cells (B, h * w, C), quads, and size (h, w).

    The only row or column of a map is repeated: then every look-up has a quad.
    """
    x = x.expand(-1, -1, *(2 if n == 1 else -1 for n in x.shape[2:]))
    cells = x.permute(0, 2, 3, 1).contiguous()
    return cells.flatten(1, 2), quad_products(cells), tuple(cells.shape[1:3])


def inverse_norm(quads: Tensor, at: Corners) -> tuple[Tensor, Tensor]:
    """Weights (10, n) of the quads' products and 1 / norm (n,) of each look-up, 0 where it is 0."""
    # In the order of PAIRS; by slices, as an index tensor would be copied to the device each time.
    w, (upper, lower) = at.weights, at.weights.split(2)
    parts = w * w, w[::2] * w[1::2], upper * lower, upper * lower.flip(0)
    pairs = torch.cat(parts)
    terms = quads.index_select(1, at.quad) * pairs
    square = terms.sum(0)
    usable = square > CANCELLATION * terms[:4].sum(0) + SMALLEST_SQUARE
    return pairs, torch.where(usable, square, 1).rsqrt() * usable


def add_norm_grad(grad: Tensor, quad: Tensor, pairs: Tensor, slope: Tensor) -> None:
    """d(-cos) / d(norm^2) = cos / (2 norm^2), spread over the products that make up norm^2."""
    grad.scatter_add_(1, quad.expand_as(pairs), pairs * (slope / 2))
