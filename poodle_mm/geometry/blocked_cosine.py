"""Cosine of two bilinear look-ups, summed over many pixels, without a tensor of H x W x C.

A bilinear look-up is a weighted sum of four cells, ``sum_i w_i q_i``. The dot product of two of them
is ``sum_ij w_i v_j <q_i, p_j>``: 16 scalars from the matrix of dot products of the cells, one matrix
product per block of pixels. The squared norm needs only products of a cell with itself and with its
neighbours, ten numbers for each 2 x 2 quad of cells.
"""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

# Corners of a quad: 0 top left, 1 top right, 2 bottom left, 3 bottom right; first the four squares.
PAIRS = ((0, 0), (1, 1), (2, 2), (3, 3), (0, 1), (2, 3), (0, 2), (1, 3), (0, 3), (1, 2))
FIRST, SECOND = zip(*PAIRS)

# Side of a block in pixels and in cells. On a CPU the products of a block should stay in the cache.
BLOCK_PIXELS, BLOCK_CELLS = 128, 16

# A look-up whose cells cancel to less than this share of their squares has no direction in float32.
CANCELLATION = 1e-6
SMALLEST_SQUARE = 1e-24


class Corners(NamedTuple):
    """The four cells that each bilinear look-up reads."""

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
    right = 2 * (cells[:, :, :-1] * cells[:, :, 1:]).sum(-1)
    down = 2 * (cells[:, :-1] * cells[:, 1:]).sum(-1)
    diagonal = 2 * (cells[:, :-1, :-1] * cells[:, 1:, 1:]).sum(-1)
    antidiagonal = 2 * (cells[:, :-1, 1:] * cells[:, 1:, :-1]).sum(-1)
    top, bottom, start, end = slice(None, -1), slice(1, None), slice(None, -1), slice(1, None)
    products = [square[:, v, u] for v in (top, bottom) for u in (start, end)]
    products += [right[:, top], right[:, bottom], down[:, :, start], down[:, :, end]]
    return torch.stack([*products, diagonal, antidiagonal], dim=1).flatten(2)


class BlockedCosineDistance(torch.autograd.Function):
    """Sum over pixels of 1 - cos, block by block.

    The sums are linear in what comes back in ``backward`` (one number per sample), so the gradient
    is taken in ``forward``, while a block's products are at hand; only tensors of the inputs' size
    are kept, and nothing is computed twice.
    """

    @staticmethod
    def forward(ctx, q, p, quads_q, quads_p, points_q, points_p, valid, sizes, block, with_grad):
        """See :func:`cosine_distance`; q and p are (B, cells, C), quads_* (B, 10, quads)."""
        inputs = (q, p, quads_q, quads_p)
        grads = [
            torch.zeros_like(x) if need and with_grad else None
            for x, need in zip(inputs, ctx.needs_input_grad)
        ]
        total = q.new_zeros(len(q))
        height, width = valid.shape[1:]
        for sample in range(len(q)):
            maps = [x[sample] for x in inputs]
            sample_grads = [None if g is None else g[sample] for g in grads]
            for top in range(0, height, block):
                for left in range(0, width, block):
                    window = (sample, slice(top, top + block), slice(left, left + block))
                    keep = valid[window]
                    at_q = corners(points_q[window][keep], sizes[0])
                    at_p = corners(points_p[window][keep], sizes[1])
                    if at_q.quad.numel():
                        total[sample] += _block(maps, at_q, at_p, sample_grads)
        ctx.grads = grads
        return total

    @staticmethod
    @once_differentiable
    def backward(ctx, grad_total):
        """Scale the gradients of ``forward``."""
        factor = grad_total[:, None, None]
        return *(None if g is None else g * factor for g in ctx.grads), *[None] * 6


def _block(maps: list[Tensor], at_q: Corners, at_p: Corners, grads: list[Tensor | None]) -> Tensor:
    """Sum of 1 - cos over one block's pixels of one sample; adds its derivatives to ``grads``."""
    q, p, quads_q, quads_p = maps
    cells_q, local_q = _compress(at_q.cells, len(q))
    cells_p, local_p = _compress(at_p.cells, len(p))
    block_q, block_p = q[cells_q], p[cells_p]
    products = block_q @ block_p.T

    index = (local_q[:, None] * len(cells_p) + local_p[None]).flatten()
    weights = at_q.weights[:, None] * at_p.weights[None]
    n = at_q.quad.numel()
    dot = (products.flatten()[index].view(4, 4, n) * weights).sum((0, 1))

    pairs_q, inverse_q = _inverse_norm(quads_q, at_q)
    pairs_p, inverse_p = _inverse_norm(quads_p, at_p)
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
    for grad, at, pairs, inv in (
        (grad_quads_q, at_q, pairs_q, inverse_q),
        (grad_quads_p, at_p, pairs_p, inverse_p),
    ):
        if grad is not None:
            grad.scatter_add_(1, at.quad.expand(10, n), pairs * (cosine * inv.square() / 2))
    return (1 - cosine).sum()


def _compress(cells: Tensor, total: int) -> tuple[Tensor, Tensor]:
    """The distinct ones of ``cells``, ascending, and ``cells`` as positions in that list."""
    used = torch.zeros(total, dtype=torch.bool, device=cells.device)
    used[cells.flatten()] = True
    return used.nonzero()[:, 0], (used.cumsum(0) - 1)[cells]


def _inverse_norm(quads: Tensor, at: Corners) -> tuple[Tensor, Tensor]:
    """Weights (10, n) of the quad's products, and 1 / norm (n,) of each look-up, 0 if it is zero."""
    pairs = at.weights[list(FIRST)] * at.weights[list(SECOND)]
    terms = quads[:, at.quad] * pairs
    square = terms.sum(0)
    usable = square > CANCELLATION * terms[:4].sum(0) + SMALLEST_SQUARE
    return pairs, torch.where(usable, square, 1).rsqrt() * usable


def cosine_distance(
    q: Tensor, p: Tensor, points_q: Tensor, points_p: Tensor, valid: Tensor, block: int
) -> Tensor:
    """Sum over the valid pixels of 1 - cos(q at points_q, p at points_p).

    A look-up that is zero has cosine 0 and no gradient.

    Args:
        q: (B, C, h, w) float32 or float64.
        p: (B, C, h2, w2), same dtype.
        points_q: (B, H, W, 2) cell coordinates in ``q``; beyond the border they read the border.
        points_p: (B, H, W, 2) cell coordinates in ``p``.
        valid: (B, H, W) bool; points elsewhere may be anything, NaN too.
        block: Side of a block of pixels.

    Returns:
        (B,) sums.
    """
    maps = [_at_least_two(x).permute(0, 2, 3, 1).contiguous() for x in (q, p)]
    sizes = [x.shape[1:3] for x in maps]
    quads = [quad_products(x) for x in maps]
    cells = [x.flatten(1, 2) for x in maps]
    return BlockedCosineDistance.apply(
        *cells, *quads, points_q, points_p, valid, sizes, block, torch.is_grad_enabled()
    )


def _at_least_two(x: Tensor) -> Tensor:
    """Repeat the only row or column of a map: every look-up then has a quad."""
    if x.shape[2] == 1:
        x = x.expand(-1, -1, 2, -1)
    if x.shape[3] == 1:
        x = x.expand(-1, -1, -1, 2)
    return x
