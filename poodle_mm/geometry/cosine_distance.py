"""Cosine of two bilinear look-ups, summed over many pixels: three ways to one result.

The plain one looks up, normalises and multiplies. The others need no tensor of H x W x C: the dot
product of two look-ups is ``sum_ij w_i v_j <q_i, p_j>``, 16 scalars out of the dot products of the
cells, which come from matrix products. On a CPU these are taken block by block of the pixels, of
the cells that a block reads. On a GPU such shapes, which depend on data, would make the host wait
for the device in each block: there every pixel of a sample takes part, with weights of zero where
it is not valid, and the products are those of whole bands of cells.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from poodle_mm.geometry.look_up import (
    Corners,
    add_norm_grad,
    cells_and_quads,
    corners,
    inverse_norm,
)
from poodle_mm.geometry.warp import sample_bilinear

# Dot products of one band. 2^26 float32 take 256 MiB: a map of 64 x 128 cells is one band.
MAX_PRODUCTS = 2**26

_Maps = list[Tensor]  # of a sample: cells of q and of p (cells, C), their quads (10, quads)
_Grads = list[Tensor | None]  # of these; None where none is wanted


def cosine_distance_plain(
    q: Tensor, p: Tensor, points_q: Tensor, points_p: Tensor, valid: Tensor
) -> Tensor:
    """Sum over the valid pixels of ``1 - cos(q at points_q, p at points_p)``.

    Both maps are upsampled to (B, C, H, W) by ``grid_sample``. For 512 x 1024 pixels and 256
    channels that takes gigabytes; it is here to compare with. A look-up that is zero has cosine 0
    and no gradient.

    Args:
        q: (B, C, h, w) float32 or float64.
        p: (B, C, h2, w2), same dtype.
        points_q: (B, H, W, 2) cell coordinates in ``q``; beyond the border they read the border.
        points_p: (B, H, W, 2) cell coordinates in ``p``.
        valid: (B, H, W) bool; points elsewhere may be anything, NaN too.

    Returns:
        (B,) sums, with gradients for ``q`` and ``p``.
    """
    looked_up = [
        F.normalize(sample_bilinear(x, torch.where(valid[..., None], points, 0)), dim=1)
        for x, points in ((q, points_q), (p, points_p))
    ]
    cosine = (looked_up[0] * looked_up[1]).sum(1)
    return torch.where(valid, 1 - cosine, 0).sum((1, 2))


def cosine_distance_blocked(
    q: Tensor, p: Tensor, points_q: Tensor, points_p: Tensor, valid: Tensor, block: int
) -> Tensor:
    """:func:`cosine_distance_plain` without upsampled maps.

    Args:
        q, p, points_q, points_p, valid: See there.
        block: Side in pixels of the blocks of H x W that are worked on one after the other.
    """
    height, width = valid.shape[1:]

    def of_sample(sample: int, maps: _Maps, grads: _Grads) -> Tensor:
        total = q.new_zeros(())
        for top in range(0, height, block):
            for left in range(0, width, block):
                window = (sample, slice(top, top + block), slice(left, left + block))
                keep = valid[window].flatten().nonzero()[:, 0]
                if len(keep):
                    at = [
                        corners(points[window].flatten(0, 1).index_select(0, keep), size)
                        for points, size in zip((points_q, points_p), sizes)
                    ]
                    total += (1 - _cosines(maps, at, _cells_read(maps, at), grads)).sum()
        return total

    cells, quads, sizes = zip(cells_and_quads(q), cells_and_quads(p))
    return _CosineDistance.apply(*cells, *quads, of_sample, torch.is_grad_enabled())


def cosine_distance_static(
    q: Tensor,
    p: Tensor,
    points_q: Tensor,
    points_p: Tensor,
    valid: Tensor,
    max_products: int = MAX_PRODUCTS,
) -> Tensor:
    """:func:`cosine_distance_blocked` without shapes that depend on data.

    Beyond copies of the maps and their gradients, ``max_products`` numbers (at least one row of
    products) and at most 160 numbers for each pixel of ONE sample are alive at once, whatever the
    number of channels and samples: 0.6 GiB for 512 x 1024 pixels in float32.

    Args:
        q, p, points_q, points_p, valid: See there.
        max_products: Dot products of cells that are alive at once; at least one row of them is.
    """

    def of_sample(sample: int, maps: _Maps, grads: _Grads) -> Tensor:
        keep = valid[sample].flatten()
        at = [
            _masked_corners(points[sample].flatten(0, 1), keep, size)
            for points, size in zip((points_q, points_p), sizes)
        ]
        return (keep.to(q.dtype) - _cosines(maps, at, _bands(maps, at, max_products), grads)).sum()

    cells, quads, sizes = zip(cells_and_quads(q), cells_and_quads(p))
    return _CosineDistance.apply(*cells, *quads, of_sample, torch.is_grad_enabled())


class _CosineDistance(torch.autograd.Function):
    """Sums of a batch, one sample after the other.

    One number per sample comes back in ``backward``, so the gradient is known up to that factor in
    ``forward`` already and is taken there, while the products are at hand: nothing is computed
    twice, and what is kept has the size of the maps.
    """

    @staticmethod
    def forward(
        ctx,
        q: Tensor,
        p: Tensor,
        quads_q: Tensor,
        quads_p: Tensor,
        of_sample: Callable[[int, _Maps, _Grads], Tensor],
        with_grad: bool,
    ) -> Tensor:
        """(B,) results of ``of_sample``, which adds derivatives to the gradients it is given."""
        inputs = (q, p, quads_q, quads_p)
        grads = [
            torch.zeros_like(x) if with_grad and needed else None
            for x, needed in zip(inputs, ctx.needs_input_grad)
        ]
        totals = [
            of_sample(
                sample,
                [x[sample] for x in inputs],
                [None if x is None else x[sample] for x in grads],
            )
            for sample in range(len(q))
        ]
        ctx.save_for_backward(*grads)
        return torch.stack(totals)

    @staticmethod
    @once_differentiable
    def backward(ctx, grad_total: Tensor) -> tuple[Tensor | None, ...]:
        """Scale the gradients of ``forward``."""
        factor = grad_total[:, None, None]
        return *(None if x is None else x * factor for x in ctx.saved_tensors), None, None


class _Products(NamedTuple):
    """Dot products of some cells, and the look-ups' share in them."""

    rows: Tensor | slice  # cells of q
    columns: Tensor | slice  # cells of p
    index: Tensor  # (16 n,) into the flattened products, for each pair of corners
    weights: Tensor  # (4, 4, n)


def _cells_read(maps: _Maps, at: list[Corners]) -> Iterator[_Products]:
    """The products of the cells that are read, all at once."""
    rows, row = _compress(at[0].cells, len(maps[0]))
    columns, column = _compress(at[1].cells, len(maps[1]))
    index = (row[:, None] * len(columns) + column).flatten()
    yield _Products(rows, columns, index, at[0].weights[:, None] * at[1].weights)


def _compress(cells: Tensor, total: int) -> tuple[Tensor, Tensor]:
    """The distinct ones of ``cells``, ascending, and ``cells`` as positions in that list."""
    used = torch.zeros(total, dtype=torch.bool, device=cells.device)
    used[cells.flatten()] = True
    position = used.cumsum(0) - 1
    return used.nonzero()[:, 0], position.index_select(0, cells.flatten()).view_as(cells)


def _masked_corners(points: Tensor, keep: Tensor, size: tuple[int, int]) -> Corners:
    """Look-ups at (n, 2) points; those that are not kept read anything, with weights of zero."""
    at = corners(torch.where(keep[:, None], points, 0), size)
    return at._replace(weights=at.weights * keep)


def _bands(maps: _Maps, at: list[Corners], max_products: int) -> Iterator[_Products]:
    """The products of all cells, a band of rows after the other."""
    total, width = len(maps[0]), len(maps[1])
    rows = max(1, max_products // width)
    for start in range(0, total, rows):
        row, weights = at[0].cells, at[0].weights
        if rows < total:
            row, last = row - start, min(rows, total - start) - 1
            weights = weights * ((row >= 0) & (row <= last))
            row = row.clamp(0, last)
        index = (row[:, None] * width + at[1].cells).flatten()
        band = slice(start, start + rows)
        yield _Products(band, slice(None), index, weights[:, None] * at[1].weights)


def _cosines(maps: _Maps, at: list[Corners], parts: Iterator[_Products], grads: _Grads) -> Tensor:
    """Cosines (n,), 0 where weights are; adds derivatives of -cos to ``grads`` in place."""
    (q, p, quads_q, quads_p), (at_q, at_p) = maps, at
    grad_q, grad_p, grad_quads_q, grad_quads_p = grads
    pairs_q, inverse_q = inverse_norm(quads_q, at_q)
    pairs_p, inverse_p = inverse_norm(quads_p, at_p)
    inverse = inverse_q * inverse_p
    dot = torch.zeros_like(inverse)
    for rows, columns, index, weights in parts:
        cells_q, cells_p = q[rows], p[columns]
        products = cells_q @ cells_p.T
        dot += (products.flatten().index_select(0, index).view_as(weights) * weights).sum((0, 1))
        if grad_q is not None or grad_p is not None:
            grad_products = products.zero_()  # in the same memory
            grad_products.view(-1).scatter_add_(0, index, (weights * -inverse).flatten())
            if grad_q is not None:
                grad_q[rows] += grad_products @ cells_p
            if grad_p is not None:
                grad_p[columns] += grad_products.T @ cells_q
    cosine = dot * inverse
    if grad_quads_q is not None:
        add_norm_grad(grad_quads_q, at_q.quad, pairs_q, cosine * inverse_q.square())
    if grad_quads_p is not None:
        add_norm_grad(grad_quads_p, at_p.quad, pairs_p, cosine * inverse_p.square())
    return cosine
