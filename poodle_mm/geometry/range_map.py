"""Which pixels of a frame nothing moves onto (Wang et al., 2018)."""

import torch
from torch import Tensor

from poodle_mm.geometry.warp import pixel_grid


def range_map(flow: Tensor) -> Tensor:
    """How many pixels land on each pixel, with bilinear weights.

    ``range_map(flow_ba).clamp(max=1)`` is the visibility of frame a's pixels in frame b: 0 where no
    pixel of b comes from.

    Args:
        flow: (B, 2, H, W) from one frame to the other, pixels; not finite: lands nowhere.

    Returns:
        (B, H, W) on the grid of the other frame; what leaves it is lost. No gradient.
    """
    flow = flow.detach()
    batch, _, height, width = flow.shape
    points = pixel_grid((height, width), flow.device, flow.dtype) + flow.movedim(1, -1)
    # far outside is as good as anywhere outside, and fits into an integer
    points = torch.where(points.isfinite(), points, -2).clamp(-2, max(height, width) + 1)
    first = points.floor()
    share = points - first
    counts = flow.new_zeros(batch, height * width)
    for down in (0, 1):
        for right in (0, 1):
            u, v = first[..., 0] + right, first[..., 1] + down
            weight = (share[..., 0] if right else 1 - share[..., 0]) * (
                share[..., 1] if down else 1 - share[..., 1]
            )
            inside = (u >= 0) & (u < width) & (v >= 0) & (v < height)
            cell = torch.where(inside, v * width + u, 0).long()
            counts.scatter_add_(1, cell.flatten(1), torch.where(inside, weight, 0).flatten(1))
    return counts.view(batch, height, width)
