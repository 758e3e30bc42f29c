"""How far flow there and back misses its start."""

import math

import torch
from torch import Tensor

from poodle_mm.geometry.warp import inside, pixel_grid, sample_bilinear


def warp_image(image: Tensor, flow: Tensor) -> tuple[Tensor, Tensor]:
    """What frame b shows where the flow from a leads; the border outside.

    Args:
        image: (B, C, H, W) of frame b.
        flow: (B, 2, H, W) from a to b, pixels.

    Returns:
        ``(warped, landed)``: (B, C, H, W) on the grid of a, and bool (B, H, W): within frame b.
    """
    size = flow.shape[-2:]
    points = pixel_grid(size, flow.device, flow.dtype) + flow.movedim(1, -1)
    return sample_bilinear(image, points), inside(points.detach(), size)


def flow_mismatch(flow_ab: Tensor, flow_ba: Tensor) -> tuple[Tensor, Tensor]:
    """``|F(x) + B(x + F(x))| ** 2`` in squared pixels, and whether x + F(x) lies within b.

    See ``visible_mask``. Both are (B, H, W).
    """
    back, landed = warp_image(flow_ba, flow_ab)
    return (flow_ab + back).square().sum(1), landed


def consistency(flow_ab: Tensor, flow_ba: Tensor, sigma: float) -> Tensor:
    """``exp(-mismatch / s ** 2)``, s being ``sigma`` times the diagonal: 1 where flow returns.

    Args:
        flow_ab: (B, 2, H, W) from a to b, pixels.
        flow_ba: (B, 2, H, W) from b to a.
        sigma: Tolerance as a share of the diagonal.

    Returns:
        (B, H, W) in [0, 1], without gradient; 0 where the flow leaves the frame or is not finite.
    """
    scale = sigma * math.hypot(*flow_ab.shape[-2:])
    with torch.no_grad():
        mismatch, landed = flow_mismatch(flow_ab, flow_ba)
        return torch.where(landed, (-mismatch / scale**2).exp(), 0).nan_to_num(0, 0, 0)
