"""Which surface is nearest at a pixel: exact ray–plane intersection, no colours.

The inverse depth of a plane is affine in the pixel, and ``0 <= s <= 1`` is ``0 <= s/z <= 1/z``, so
the z-buffer needs no division; only cut-out textures (trees, people) need s and t themselves.
"""

from collections.abc import Callable

import numpy as np

from poodle_scenes.geometry import View

Alpha = Callable[[int], np.ndarray | None]
"""Surface index → (h, w) bool mask of its texture, None when it fills the parallelogram."""


def _hits(
    view: View, index: int, u: np.ndarray, v: np.ndarray, nearest: np.ndarray, alpha: Alpha
) -> tuple[np.ndarray, np.ndarray]:
    """Mask of one surface before ``nearest``, and its inverse depth; u and v broadcast."""
    m = view.from_pixel[index]
    inverse = (m[2, 0] * u + m[2, 2]) + m[2, 1] * v
    hit = inverse > nearest
    if not hit.any():
        return hit, inverse
    s = (m[0, 0] * u + m[0, 2]) + m[0, 1] * v
    t = (m[1, 0] * u + m[1, 2]) + m[1, 1] * v
    hit &= (s >= 0) & (s <= inverse) & (t >= 0) & (t <= inverse)
    where = hit.nonzero()
    cut_out = alpha(index) if len(where[0]) else None
    if cut_out is not None:
        height, width = cut_out.shape
        depth = 1 / inverse[where]
        column = np.minimum((s[where] * depth * width).astype(np.intp), width - 1)
        row = np.minimum((t[where] * depth * height).astype(np.intp), height - 1)
        hit[where] = cut_out[row, column]
    return hit, inverse


def rasterize(view: View, alpha: Alpha, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Nearest surface at every pixel centre of an image of size (H, W).

    Returns:
        ids: (H, W) int32 index into the view's surfaces.
        inverse_depth: (H, W) float64, 1 / metres, 0 for the sky.
    """
    height, width = size
    u = np.arange(width, dtype=np.float64)
    v = np.arange(height, dtype=np.float64)[:, None]
    m = view.from_pixel[view.ground]
    inverse_depth = np.maximum((m[2, 0] * u + m[2, 2]) + m[2, 1] * v, 0)
    ids = np.where(inverse_depth > 0, view.ground, view.sky).astype(np.int32)
    for index in view.drawn:
        u0, v0, u1, v1 = view.boxes[index]
        rows = slice(max(int(np.ceil(v0)), 0), min(int(v1), height - 1) + 1)
        columns = slice(max(int(np.ceil(u0)), 0), min(int(u1), width - 1) + 1)
        nearest = inverse_depth[rows, columns]
        if not nearest.size:
            continue
        hit, inverse = _hits(view, index, u[columns], v[rows], nearest, alpha)
        np.copyto(nearest, inverse, where=hit)
        np.copyto(ids[rows, columns], index, where=hit)
    return ids, inverse_depth


def cast(view: View, alpha: Alpha, points: np.ndarray) -> np.ndarray:
    """Inverse depth (N,) of the nearest surface at points (N, 2) (u, v) >= 0, not only centres."""
    row = points[:, 1].astype(np.uint16)
    order = np.argsort(row, kind='stable')  # a radix sort
    first = np.concatenate([[0], np.cumsum(np.bincount(row))])
    u, v = points[order].T
    last_row = len(first) - 1
    m = view.from_pixel[view.ground]
    inverse_depth = np.maximum((m[2, 0] * u + m[2, 2]) + m[2, 1] * v, 0)
    for index in view.drawn:
        u0, v0, u1, v1 = view.boxes[index]
        low, high = max(int(v0), 0), max(int(v1), -1) + 1
        rows = slice(first[min(low, last_row)], first[min(high, last_row)])
        inside = np.flatnonzero((u[rows] >= u0) & (u[rows] <= u1)) + rows.start
        if not inside.size:
            continue
        hit, inverse = _hits(view, index, u[inside], v[inside], inverse_depth[inside], alpha)
        inverse_depth[inside[hit]] = inverse[hit]
    result = np.empty_like(inverse_depth)
    result[order] = inverse_depth
    return result
