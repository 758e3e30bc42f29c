"""Draws of cells, and of points in them, by a density: the uniform ones bent to its shape."""

import torch
import torch.nn.functional as F
from torch import Tensor


def cell_density(weights: Tensor, grid: tuple[int, int], bins: int, share: float) -> Tensor:
    """A density over all cells: ``share`` of it follows the weights, the rest is uniform.

    Args:
        weights: (B, H, W), not negative.
        grid: (rows, columns) of the cells.
        bins: Bins of a cell in each direction, in which the density is constant.
        share: 0 to 1. Where all weights are 0 the density is uniform.

    Returns:
        (B, N, bins, bins) float32 for the N cells in row-major order; sums to 1 over a sample.
    """
    rows, columns = grid
    weights = F.adaptive_avg_pool2d(weights, (rows * bins, columns * bins))
    total = weights.sum(dim=(1, 2), keepdim=True)
    uniform = 1 / (rows * columns * bins**2)
    followed = torch.where(total > 0, weights / total.clamp(min=1e-12), uniform)
    density = share * followed + (1 - share) * uniform
    cells = density.unflatten(1, (rows, bins)).unflatten(3, (columns, bins))
    return cells.transpose(2, 3).flatten(1, 2)


def weighted_order(keys: Tensor, density: Tensor) -> Tensor:
    """An order of the cells in which each next one is drawn by its mass among those left.

    A race of exponential times, of the rates of the masses (Efraimidis and Spirakis, 2006). With
    equal masses it is the order of the keys.

    Args:
        keys: (B, R, N) uniform in [0, 1), a round of all cells each.
        density: (B, N, bins, bins), see :func:`cell_density`.

    Returns:
        (B, R, N) int64, cells in order of use.
    """
    mass = density.sum(dim=(2, 3))[:, None]
    return (-torch.log1p(-keys) / mass.clamp(min=1e-12)).argsort(dim=-1)


def weighted_positions(position: Tensor, density: Tensor) -> Tensor:
    """Places in the cells by their density: the inverse of its distribution function.

    First across, by the columns of bins, then down, within the column. Where the density is
    constant the place is ``position`` itself.

    Args:
        position: (..., T, 2) uniform in [0, 1), (across, down): T draws in each cell.
        density: (..., bins, bins) of each cell; its sum does not matter.

    Returns:
        (..., T, 2) in [0, 1], from the cell's upper left corner.
    """
    across, column = _invert(position[..., 0], density.sum(dim=-2)[..., None, :])
    columns = density.mT.unsqueeze(-3).expand(*position.shape[:-1], -1, -1)
    index = column[..., None, None].expand(*column.shape, 1, density.shape[-1])
    down, _ = _invert(position[..., 1], columns.gather(-2, index)[..., 0, :])
    return torch.stack([across, down], dim=-1)


def _invert(uniform: Tensor, density: Tensor) -> tuple[Tensor, Tensor]:
    """Places (...) in [0, 1] and their bins (...) for (...) uniform and (..., bins) densities."""
    density = density.clamp(min=1e-12)
    density = density / density.sum(dim=-1, keepdim=True)
    ends = density.cumsum(dim=-1)
    index = (uniform[..., None] >= ends[..., :-1]).sum(dim=-1, keepdim=True)
    density, ends = (x.expand(*index.shape[:-1], -1) for x in (density, ends))
    mass = density.gather(-1, index)[..., 0]
    before = ends.gather(-1, index)[..., 0] - mass
    within = ((uniform - before) / mass).clamp(0, 1)
    return (index[..., 0] + within) / density.shape[-1], index[..., 0]
