"""Boxes of subcrops: the grid of cells for their centres, and boxes that stay in the image.

A box is ``(x0, y0, x1, y1)`` in edges, the full image is ``(0, 0, W, H)``; a point (u, v) is in
pixels with integer centres, so its edge coordinates are ``(u + 0.5, v + 0.5)``. Areas are fractions
of H x W and an aspect is width / height in pixels.
"""

import math

import torch
from torch import Tensor

from poodle_mm.geometry.warp import constant


def cell_grid(
    size: tuple[int, int], area: tuple[float, float], extra: bool = False
) -> tuple[int, int]:
    """Number of equal cells that tile the image, about one subcrop of mean area each.

    ``d = min(H, W) * sqrt((s_min + s_max) / 2)`` pixels gives ``floor(H / d) x floor(W / d)`` cells
    (PooDLe §3), at least 1 x 1.

    Args:
        size: (H, W).
        area: (s_min, s_max) of the boxes.
        extra: One row and one column more, as the released code has it: 3 x 5 instead of 2 x 4
            cells at 512 x 1024 with areas of 0.05 to 0.3.

    Returns:
        (rows, columns).
    """
    d = min(size) * math.sqrt(sum(area) / 2)
    # The small addend keeps exact ratios, e.g. area 0.04 and 5 cells, from falling to the next.
    rows, columns = (math.floor(n / d + 1e-9) for n in size)
    if extra:
        return rows + 1, columns + 1
    return max(1, rows), max(1, columns)


def points_in_cells(
    cells: Tensor, position: Tensor, grid: tuple[int, int], size: tuple[int, int]
) -> Tensor:
    """Points by cell and by position in the cell.

    Args:
        cells: (...) integer, row-major index into ``grid``.
        position: (..., 2) in [0, 1], (across, down) from the cell's upper left corner.
        grid: (rows, columns); the cells tile the image to its edges.
        size: (H, W).

    Returns:
        (..., 2) pixels (u, v), -0.5 <= u <= W - 0.5.
    """
    rows, columns = grid
    corner = torch.stack([cells % columns, cells // columns], dim=-1)
    extent = constant([size[1] / columns, size[0] / rows], position)
    return (corner + position) * extent - 0.5


def clamp_to_image(points: Tensor, size: tuple[int, int]) -> Tensor:
    """Nearest point between the image's edges, half a pixel beyond the outermost centres."""
    upper = constant([size[1] - 0.5, size[0] - 0.5], points)
    return points.clamp(min=-0.5).minimum(upper)


def fitting_aspects(
    area: Tensor, aspect: tuple[float, float], size: tuple[int, int]
) -> tuple[Tensor, Tensor]:
    """The part of a range of aspects with which boxes fit into the image.

    A box of area s fits for ``s W / H <= aspect <= W / (s H)``. Where the whole range lies outside
    (frames longer than about 1 : 2.7 with boxes of half their area) the nearest aspect that fits
    remains.

    Args:
        area: (...) fractions in (0, 1].
        aspect: (lowest, highest) width / height wanted.
        size: (H, W).

    Returns:
        Lowest and highest, each (...), lowest <= highest.
    """
    ratio = size[1] / size[0]
    narrowest, widest = area * ratio, ratio / area
    low, high = (torch.full_like(area, value) for value in aspect)
    return (
        torch.minimum(torch.maximum(low, narrowest), widest),
        torch.maximum(torch.minimum(high, widest), narrowest),
    )


def boxes_around(centres: Tensor, area: Tensor, aspect: Tensor, size: tuple[int, int]) -> Tensor:
    """Boxes about points; one that would stick out of the image is shifted inside.

    Args:
        centres: (..., 2) pixels.
        area: (...) fraction of H x W.
        aspect: (...) width / height, one that fits (:func:`fitting_aspects`).
        size: (H, W).

    Returns:
        (..., 4) edges, 0 <= x0 < x1 <= W and 0 <= y0 < y1 <= H.
    """
    height, width = size
    pixels = area * (height * width)
    limit = constant([width, height], centres)
    extent = torch.stack([(pixels * aspect).sqrt(), (pixels / aspect).sqrt()], dim=-1)
    extent = extent.minimum(limit)  # only takes rounding off
    upper_left = (centres + 0.5 - extent / 2).clamp(min=0).minimum(limit - extent)
    return torch.cat([upper_left, (upper_left + extent).minimum(limit)], dim=-1)
