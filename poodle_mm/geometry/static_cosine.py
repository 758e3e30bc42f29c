"""The path of :mod:`poodle_mm.geometry.blocked_cosine` for GPUs: no shape depends on data.

On a GPU a shape that depends on data (the valid pixels, the cells that a block reads) makes the
host wait for the device, in each block. Here every pixel of a sample takes part, with weights of
zero where it is not valid, and the dot products are those of whole bands of cells.
"""

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from poodle_mm.geometry.blocked_cosine import (
    Corners,
    add_norm_grad,
    cells_and_quads,
    corners,
    inverse_norm,
)

# Dot products of one band. 2^26 float32 take 256 MiB: a map of 64 x 128 cells is one band.
MAX_PRODUCTS = 2**26


def cosine_distance_static(
    q: Tensor,
    p: Tensor,
    points_q: Tensor,
    points_p: Tensor,
    valid: Tensor,
    max_products: int = MAX_PRODUCTS,
) -> Tensor:
    """Sum over the valid pixels of ``1 - cos(q at points_q, p at points_p)``.

    A look-up that is zero has cosine 0 and no gradient.

    Args:
        q: (B, C, h, w) float32 or float64.
        p: (B, C, h2, w2), same dtype.
        points_q: (B, H, W, 2) cell coordinates in ``q``; beyond the border they read the border.
        points_p: (B, H, W, 2) cell coordinates in ``p``.
        valid: (B, H, W) bool; points elsewhere may be anything, NaN too.
        max_products: Dot products of cells that are alive at once; at least one row of them is.

    Returns:
        (B,) sums, with gradients for ``q`` and ``p``.
    """
    cells, quads, sizes = cells_and_quads(q, p)
    return StaticCosineDistance.apply(
        *cells, *quads, points_q, points_p, valid, sizes, max_products, torch.is_grad_enabled()
    )


class StaticCosineDistance(torch.autograd.Function):
    """The sum of :func:`cosine_distance_static`, sample by sample.

    As in the blocked path the gradient is taken in ``forward``, and what is kept for backward has
    the size of the maps. Beyond that and copies of the maps, ``max_products`` numbers (at least one
    row of products) and at most 160 numbers for each pixel of ONE sample are alive at once,
    whatever the number of channels and samples: 0.6 GiB for 512 x 1024 pixels in float32.
    """

    @staticmethod
    def forward(
        ctx, q, p, quads_q, quads_p, points_q, points_p, valid, sizes, max_products, with_grad
    ):
        """As :meth:`BlockedCosineDistance.forward`, but with ``max_products`` for ``block``."""
        inputs = (q, p, quads_q, quads_p)
        grads = [
            torch.zeros_like(x) if with_grad and needed else None
            for x, needed in zip(inputs, ctx.needs_input_grad)
        ]
        rows = max(1, max_products // p.shape[1])
        totals = []
        for sample, keep in enumerate(valid.flatten(1)):
            at = [
                _masked_corners(points[sample].flatten(0, 1), keep, size)
                for points, size in zip((points_q, points_p), sizes)
            ]
            maps = [x[sample] for x in inputs]
            map_grads = [None if x is None else x[sample] for x in grads]
            totals.append((keep.to(q.dtype) - _cosines(maps, at, map_grads, rows)).sum())
        ctx.save_for_backward(*grads)
        return torch.stack(totals)

    @staticmethod
    @once_differentiable
    def backward(ctx, grad_total):
        """Scale the gradients of ``forward``."""
        factor = grad_total[:, None, None]
        return *(None if x is None else x * factor for x in ctx.saved_tensors), *[None] * 6


def _masked_corners(points: Tensor, keep: Tensor, size: tuple[int, int]) -> Corners:
    """Look-ups at (n, 2) points; those that are not kept read anything, with weights of zero."""
    at = corners(torch.where(keep[:, None], points, 0), size)
    return at._replace(weights=at.weights * keep)


def _cosines(
    maps: list[Tensor], at: list[Corners], grads: list[Tensor | None], rows: int
) -> Tensor:
    """Cosines (n,) of a sample, 0 where weights are; adds derivatives of -cos to ``grads``."""
    (q, p, quads_q, quads_p), (at_q, at_p) = maps, at
    pairs_q, inverse_q = inverse_norm(quads_q, at_q)
    pairs_p, inverse_p = inverse_norm(quads_p, at_p)
    inverse = inverse_q * inverse_p  # 0 where a pixel is not valid

    grad_q, grad_p, grad_quads_q, grad_quads_p = grads
    dot = torch.zeros_like(inverse)
    for start in range(0, len(q), rows):
        band = q[start : start + rows]
        products = band @ p.T
        row, weights_q = at_q.cells, at_q.weights
        if rows < len(q):
            row = row - start
            weights_q = weights_q * ((row >= 0) & (row < len(band)))
            row = row.clamp(0, len(band) - 1)
        index = (row[:, None] * len(p) + at_p.cells).flatten()
        weights = weights_q[:, None] * at_p.weights
        dot += (products.flatten().index_select(0, index).view_as(weights) * weights).sum((0, 1))

        if grad_q is not None or grad_p is not None:
            grad_products = products.zero_()  # in the same memory
            grad_products.view(-1).scatter_add_(0, index, (weights * -inverse).flatten())
            if grad_q is not None:
                grad_q[start : start + rows] = grad_products @ p
            if grad_p is not None:
                grad_p += grad_products.T @ band
    cosine = dot * inverse

    if grad_quads_q is not None:
        add_norm_grad(grad_quads_q, at_q.quad, pairs_q, cosine * inverse_q.square())
    if grad_quads_p is not None:
        add_norm_grad(grad_quads_p, at_p.quad, pairs_p, cosine * inverse_p.square())
    return cosine
