"""The reversible affine map of a dense view (PooDLe §3; BYOL-style views of FlowE)."""

import torch
import torch.nn.functional as F
from torch import Tensor

from poodle_mm.geometry.warp import doubled_to_grid_, strips


def affine_matrix(angle: Tensor, scale: Tensor, size: tuple[int, int]) -> Tensor:
    """Rotation and scaling about the centre of an image.

    Args:
        angle: (N,) radians. Positive turns the picture clockwise on the screen (u right, v down).
        scale: (N,) magnification, > 0. Above 1 the content grows.
        size: (H, W) of the image; the fixed point is ((W - 1) / 2, (H - 1) / 2).

    Returns:
        (N, 2, 3) in the dtype of ``angle``: maps a pixel of the crop to a pixel of the view.
    """
    height, width = size
    cu, cv = (width - 1) / 2, (height - 1) / 2
    cos, sin = scale * torch.cos(angle), scale * torch.sin(angle)
    row_u = torch.stack([cos, -sin, cu - cos * cu + sin * cv], dim=-1)
    row_v = torch.stack([sin, cos, cv - sin * cu - cos * cv], dim=-1)
    return torch.stack([row_u, row_v], dim=-2)


def mirror_affine(m: Tensor, size: tuple[int, int]) -> Tensor:
    """The same maps followed by a mirror, left to right: ``u' -> W - 1 - u'``.

    Args:
        m: (B, 2, 3) crop pixel to view pixel.
        size: (H, W) of the view.

    Returns:
        (B, 2, 3), same dtype.
    """
    row_u = -m[..., 0, :]
    row_u[..., 2] += size[1] - 1
    return torch.stack([row_u, m[..., 1, :]], dim=-2)


def scale_affine(m: Tensor, stride: int) -> Tensor:
    """The same maps between the cells of feature grids: cell = (pixel + 1/2) / stride - 1/2.

    Args:
        m: (B, 2, 3) pixel to pixel.
        stride: Pixels per cell.

    Returns:
        (B, 2, 3) cell to cell, same dtype.
    """
    first = (stride - 1) / 2  # pixel of the first cell's centre
    moved = first * (m[..., :2].sum(-1) - 1) + m[..., 2]
    return torch.cat([m[..., :2], (moved / stride)[..., None]], dim=-1)


def invert_affine(m: Tensor) -> Tensor:
    """Inverse maps: ``apply_affine(invert_affine(m), apply_affine(m, x)) == x``.

    Written out by elements, because a matrix product would run in half precision under autocast.

    Args:
        m: (B, 2, 3), each with a non-zero determinant.

    Returns:
        (B, 2, 3), same dtype.
    """
    a, b, tu = m[..., 0, 0], m[..., 0, 1], m[..., 0, 2]
    c, d, tv = m[..., 1, 0], m[..., 1, 1], m[..., 1, 2]
    det = a * d - b * c
    row_u = torch.stack([d, -b, b * tv - d * tu], dim=-1)
    row_v = torch.stack([-c, a, c * tu - a * tv], dim=-1)
    return torch.stack([row_u, row_v], dim=-2) / det[..., None, None]


def apply_affine(m: Tensor, points: Tensor) -> Tensor:
    """Map points, ``(u', v') = M @ (u, v, 1)``, in full precision also under autocast.

    Args:
        m: (B, 2, 3).
        points: (B, ..., 2) pixels; a leading 1 broadcasts over the batch.

    Returns:
        (B, ..., 2) pixels.
    """
    m = m.reshape(m.shape[0], *[1] * (points.dim() - 2), 2, 3)
    u, v = points[..., 0, None], points[..., 1, None]
    return u * m[..., 0] + v * m[..., 1] + m[..., 2]


def warp_affine(image: Tensor, m: Tensor, size: tuple[int, int] | None = None) -> Tensor:
    """Draw the view of a crop: ``view(M x) = crop(x)``, bilinear, zero outside of the crop.

    An affine map of a grid is a row plus a column, so no point is multiplied; the rounding is that
    of :func:`apply_affine` and :func:`~poodle_mm.geometry.warp.normalise_points`.

    Args:
        image: (B, C, H, W) float.
        m: (B, 2, 3) crop pixel to view pixel; it gets no gradient.
        size: (H', W') of the view; the crop's own size by default.

    Returns:
        (B, C, H', W').
    """
    height, width = size or image.shape[-2:]
    with torch.no_grad():
        # Twice the point: doubling is exact, and the [-1, 1] of grid_sample begins with it.
        inverse = (2 * invert_affine(m))[..., None, None]
        u, v = (torch.arange(n, device=image.device, dtype=m.dtype) for n in (width, height))
        row, column, offset = inverse[:, :, 0] * u, inverse[:, :, 1] * v[:, None], inverse[:, :, 2]
        grid = m.new_empty(len(m), 2, height, width)
        for samples, rows in strips(grid.shape, image.device):
            part = grid[samples, :, rows]
            torch.add(row[samples], column[samples, :, rows], out=part)
            doubled_to_grid_(part.add_(offset[samples]), image.shape[-2:])
        grid = grid.movedim(1, -1).to(image.dtype)
    return F.grid_sample(image, grid, 'bilinear', 'zeros', align_corners=False)
