"""What is left of a flow without the camera's motion: objects that move, and what stands out."""

import torch
import torch.nn.functional as F
from torch import Tensor

from poodle_mm.geometry.warp import constant, pixel_grid

_RIDGE = 1e-9  # of the normal equations, in units of the image's half sides


def fit_homography(
    points: Tensor, moved: Tensor, weights: Tensor | None = None, iterations: int = 10
) -> Tensor:
    """Homography that most of the pairs of points follow.

    Least squares of the linear equations of ``moved ~ H @ points``, reweighted: from the second
    round on a pair counts by ``1 / (1 + (r / s) ** 2)`` (Cauchy), with r its distance and s 1.5
    times the median distance.

    Args:
        points: (N, 2) or (B, N, 2), of the order of 1.
        moved: (B, N, 2).
        weights: (B, N), 0 for pairs that are left out; None: all count alike. A sample in which
            fewer than four count gives the identity.
        iterations: Rounds of least squares.

    Returns:
        (B, 3, 3) float64 with 1 in the last place.
    """
    points, moved = (x.double() for x in torch.broadcast_tensors(points, moved))
    given = torch.ones_like(points[..., 0]) if weights is None else weights.double()
    u, v = points.unbind(-1)
    zero, one = torch.zeros_like(u), torch.ones_like(u)
    rows = [
        [u, v, one, zero, zero, zero, -u * moved[..., 0], -v * moved[..., 0]],
        [zero, zero, zero, u, v, one, -u * moved[..., 1], -v * moved[..., 1]],
    ]
    system = torch.stack([torch.stack(row, dim=-1) for row in rows], dim=-2)  # (B, N, 2, 8)
    ridge = _RIDGE * torch.eye(8, dtype=system.dtype, device=system.device)
    start = constant([1, 0, 0, 0, 1, 0, 0, 0, 1], system).expand(len(system), 9)
    enough = ((given > 0).sum(-1) >= 4)[:, None]
    homography, counts = start, given
    for _ in range(iterations):
        weighted = (system * counts[..., None, None]).flatten(1, 2)
        normal = weighted.mT @ system.flatten(1, 2) + ridge
        right = weighted.mT @ moved.flatten(1, 2)[..., None] + ridge @ start[0, :8, None]
        solution = torch.linalg.solve_ex(normal, right)[0][..., 0]
        homography = torch.cat([solution, start[:, 8:]], dim=-1)
        homography = torch.where(enough, homography, start)
        distance = (apply_homography(homography.view(-1, 3, 3), points) - moved).norm(dim=-1)
        median = torch.where(given > 0, distance, torch.nan).nanmedian(dim=-1, keepdim=True)[0]
        scale = 1.5 * median.nan_to_num(1.0) + 1e-6
        counts = given / (1 + (distance / scale).square())
    return homography.view(-1, 3, 3)


def apply_homography(homography: Tensor, points: Tensor) -> Tensor:
    """Map points: (B, 3, 3) and (B, N, 2) to (B, N, 2).

    Points on the line that goes to infinity come out far away, but finite.
    """
    mapped = points @ homography[..., :2].mT + homography[:, None, :, 2]
    depth = mapped[..., 2:]
    return mapped[..., :2] / torch.where(depth.abs() < 1e-6, 1e-6, depth)


def homography_residual(
    flow: Tensor, valid: Tensor | None = None, samples: int = 1024, iterations: int = 10
) -> Tensor:
    """Distance of the flow from that of the one plane that most of the image follows.

    Far scenery under any rotation of the camera, and the ground under any motion, are such planes;
    what moves by itself departs from it, and so does what stands up near a camera that travels.

    Args:
        flow: (B, 2, H, W) pixels.
        valid: (B, H, W) bool, pixels whose flow is known; None: all. Others have residual 0.
        samples: About as many pixels, on a regular grid, are fitted.
        iterations: See :func:`fit_homography`.

    Returns:
        (B, H, W) float32 pixels, finite.
    """
    batch, _, height, width = flow.shape
    valid = _known(flow, valid)
    flow = torch.where(valid[:, None], flow, 0.0)
    # Half sides: coordinates from -1 to 1 make the equations well conditioned.
    half = constant([width / 2, height / 2], flow)
    points = (pixel_grid((height, width), flow.device) + 0.5) / half - 1
    moved = points + flow.movedim(1, -1) / half
    step = max(1, int((height * width / samples) ** 0.5))
    fitted = (slice(None), slice(step // 2, None, step), slice(step // 2, None, step))
    homography = fit_homography(
        points[fitted[1:]].flatten(0, 1),
        moved[fitted].flatten(1, 2),
        valid[fitted].flatten(1),
        iterations,
    ).float()
    camera = apply_homography(homography, points.flatten(0, 1).expand(batch, -1, -1))
    distance = ((camera - moved.flatten(1, 2)) * half).norm(dim=-1).view(batch, height, width)
    return torch.where(valid, distance.nan_to_num(0.0, posinf=0.0), 0.0)


def ring_residual(
    flow: Tensor, valid: Tensor | None = None, inner: int = 1, outer: int = 3
) -> Tensor:
    """Distance of each cell's flow from the median of the cells in the ring around it.

    Nothing is assumed of the camera; what is larger than the ring has a residual at its border
    only.

    Args:
        flow: (B, 2, h, w), a coarse map: the windows of all cells are held at once.
        valid: (B, h, w) bool, cells whose flow is known; None: all. Others have residual 0.
        inner, outer: The ring has the cells further than ``inner`` and not further than ``outer``
            in rows or columns; cells beyond the border are none of it.

    Returns:
        (B, h, w) float32, in the unit of ``flow``; 0 where the ring holds nothing. Of an even
        number of cells the median is the lower one in the middle.

    Raises:
        ValueError: If there is no ring.
    """
    if not 0 <= inner < outer:
        raise ValueError(f'a ring needs 0 <= inner < outer, got {inner} and {outer}')
    valid = _known(flow, valid)
    side = 2 * outer + 1
    known = torch.where(valid[:, None], flow, torch.nan)
    padded = F.pad(known, (outer,) * 4, value=torch.nan)
    windows = padded.unfold(2, side, 1).unfold(3, side, 1).flatten(4)  # (B, 2, h, w, side ** 2)
    away = (pixel_grid((side, side), flow.device) - outer).abs().amax(-1).flatten()
    median = torch.where(away > inner, windows, torch.nan).nanmedian(dim=-1)[0]
    distance = (flow - median).norm(dim=1)
    return torch.where(valid, distance.nan_to_num(0.0, posinf=0.0), 0.0)


def _known(flow: Tensor, valid: Tensor | None) -> Tensor:
    """(B, H, W) bool: valid, and finite."""
    finite = flow.isfinite().all(dim=1)
    return finite if valid is None else finite & valid
