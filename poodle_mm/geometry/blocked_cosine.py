"""Cosine of two bilinear look-ups, summed over many pixels, without a tensor of H x W x C.

A bilinear look-up is a weighted sum of four cells, ``sum_i w_i q_i``. The dot product of two such
sums is ``sum_ij w_i v_j <q_i, p_j>``: 16 scalars out of the dot products of the cells, one matrix
product per block of pixels. The squared norm needs only the products of a cell with itself and
with its neighbours, ten numbers for each 2 x 2 quad of cells.
"""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

# Corners of a quad: 0 top left, 1 top right, 2 bottom left, 3 bottom right; first the four squares.
PAIRS = ((0, 0), (1, 1), (2, 2), (3, 3), (0, 1), (2, 3), (0, 2), (1, 3), (0, 3), (1, 2))

# A look-up whose cells cancel to less than this share of their squares has no direction in float32.
CANCELLATION = 1e-6
SMALLEST_SQUARE = 1e-24


def cosine_distance(
    q: Tensor, p: Tensor, points_q: Tensor, points_p: Tensor, valid: Tensor, block: int
) -> Tensor:
    """Sum over the valid pixels of ``1 - cos(q at points_q, p at points_p)``.

    A look-up that is zero has cosine 0 and no gradient.

    Args:
        q: (B, C, h, w) float32 or float64.
        p: (B, C, h2, w2), same dtype.
        points_q: (B, H, W, 2) cell coordinates in ``q``; beyond the border they read the border.
        points_p: (B, H, W, 2) cell coordinates in ``p``.
        valid: (B, H, W) bool; points elsewhere may be anything, NaN too.
        block: Side in pixels of the blocks of H x W that are worked on one after the other.

    Returns:
        (B,) sums, with gradients for ``q`` and ``p``.
    """
    cells, quads, sizes = cells_and_quads(q, p)
    return BlockedCosineDistance.apply(
        *cells, *quads, points_q, points_p, valid, sizes, block, torch.is_grad_enabled()
    )


def cells_and_quads(
    *maps: Tensor,
) -> tuple[list[Tensor], list[Tensor], list[tuple[int, int]]]:
    """What the look-ups of (B, C, h, w) maps read: cells (B, h * w, C), quads, and sizes (h, w)."""
    maps = [_at_least_two(x).permute(0, 2, 3, 1).contiguous() for x in maps]
    sizes = [tuple(x.shape[1:3]) for x in maps]
    return [x.flatten(1, 2) for x in maps], [quad_products(x) for x in maps], sizes


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
    """What the squared norm of a look-up is made of.

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


class BlockedCosineDistance(torch.autograd.Function):
    """The sum of :func:`cosine_distance`, block by block.

    One number per sample comes back in ``backward``, so the gradient is known up to that factor in
    ``forward`` already and is taken there, while a block's products are at hand: nothing is
    computed twice, and what is kept has the size of the inputs.
    """

    @staticmethod
    def forward(ctx, q, p, quads_q, quads_p, points_q, points_p, valid, sizes, block, with_grad):
        """Arguments of :func:`cosine_distance`, but q, p (B, cells, C), quads_* (B, 10, quads)."""
        inputs = (q, p, quads_q, quads_p)
        grads = [
            torch.zeros_like(x) if with_grad and needed else None
            for x, needed in zip(inputs, ctx.needs_input_grad)
        ]
        total = q.new_zeros(len(q))
        height, width = valid.shape[1:]
        for sample in range(len(q)):
            maps = [x[sample] for x in inputs]
            map_grads = [None if x is None else x[sample] for x in grads]
            for top in range(0, height, block):
                for left in range(0, width, block):
                    window = (sample, slice(top, top + block), slice(left, left + block))
                    keep = valid[window].flatten().nonzero()[:, 0]
                    if len(keep):
                        at = [
                            corners(points[window].flatten(0, 1).index_select(0, keep), size)
                            for points, size in zip((points_q, points_p), sizes)
                        ]
                        total[sample] += _block_distance(maps, at, map_grads)
        ctx.save_for_backward(*grads)
        return total

    @staticmethod
    @once_differentiable
    def backward(ctx, grad_total):
        """Scale the gradients of ``forward``."""
        factor = grad_total[:, None, None]
        return *(None if x is None else x * factor for x in ctx.saved_tensors), *[None] * 6


def _block_distance(maps: list[Tensor], at: list[Corners], grads: list[Tensor | None]) -> Tensor:
    """Sum of 1 - cos over one block of one sample; adds its derivatives to ``grads`` in place."""
    (q, p, quads_q, quads_p), (at_q, at_p) = maps, at
    cells_q, local_q = _compress(at_q.cells, len(q))
    cells_p, local_p = _compress(at_p.cells, len(p))
    block_q, block_p = q[cells_q], p[cells_p]
    products = block_q @ block_p.T

    index = (local_q[:, None] * len(cells_p) + local_p).flatten()
    weights = at_q.weights[:, None] * at_p.weights
    dot = (products.flatten().index_select(0, index).view_as(weights) * weights).sum((0, 1))
    pairs_q, inverse_q = inverse_norm(quads_q, at_q)
    pairs_p, inverse_p = inverse_norm(quads_p, at_p)
    inverse = inverse_q * inverse_p
    cosine = dot * inverse

    grad_q, grad_p, grad_quads_q, grad_quads_p = grads
    if grad_q is not None or grad_p is not None:
        grad_products = torch.zeros_like(products)
        grad_products.view(-1).scatter_add_(0, index, (weights * -inverse).flatten())
        if grad_q is not None:
            grad_q[cells_q] += grad_products @ block_p
        if grad_p is not None:
            grad_p[cells_p] += grad_products.T @ block_q
    if grad_quads_q is not None:
        add_norm_grad(grad_quads_q, at_q.quad, pairs_q, cosine * inverse_q.square())
    if grad_quads_p is not None:
        add_norm_grad(grad_quads_p, at_p.quad, pairs_p, cosine * inverse_p.square())
    return (1 - cosine).sum()


def _compress(cells: Tensor, total: int) -> tuple[Tensor, Tensor]:
    """The distinct ones of ``cells``, ascending, and ``cells`` as positions in that list."""
    used = torch.zeros(total, dtype=torch.bool, device=cells.device)
    used[cells.flatten()] = True
    position = used.cumsum(0) - 1
    return used.nonzero()[:, 0], position.index_select(0, cells.flatten()).view_as(cells)


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


def _at_least_two(x: Tensor) -> Tensor:
    """Repeat the only row or column of a map: then every look-up has a quad."""
    if x.shape[2] == 1:
        x = x.expand(-1, -1, 2, -1)
    if x.shape[3] == 1:
        x = x.expand(-1, -1, -1, 2)
    return x
