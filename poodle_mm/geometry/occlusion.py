"""Which pixels of one frame are seen in the other (DDFlow's forward-backward check)."""

import torch
import torch.nn.functional as F
from torch import Tensor

from poodle_mm.geometry.warp import constant, doubled_to_grid_, strips


def visible_mask(
    flow_ab: Tensor, flow_ba: Tensor, alpha1: float = 0.1, alpha2: float = 0.5
) -> Tensor:
    """Pixels of frame a that land inside frame b and are not occluded there.

    A pixel x is taken as occluded when the flow back from where it lands does not return:
    ``|F(x) + B(x + F(x))|^2 > alpha1 (|F(x)|^2 + |B(x + F(x))|^2) + alpha2``. The values of alpha
    are PooDLe's (§3); common code for DDFlow uses alpha1 = 0.01.

    Args:
        flow_ab: (B, 2, H, W) from a to b, pixels.
        flow_ba: (B, 2, H, W) from b to a, pixels.
        alpha1: Tolerance relative to the squared length of the motion.
        alpha2: Tolerance in squared pixels.

    Returns:
        (B, H, W) bool; False where the flow is not finite.
    """
    batch, _, height, width = flow_ab.shape
    visible = flow_ab.new_empty((batch, height, width), dtype=torch.bool)
    u, v = (torch.arange(n, device=flow_ab.device, dtype=flow_ab.dtype) for n in (width, height))
    v = v[:, None]
    limit = constant([width - 1, height - 1], flow_ab)[:, None, None]
    # Strip by strip, with planes of u and v.
    for samples, rows in strips(flow_ab.shape, flow_ab.device):
        there = flow_ab[samples, :, rows]
        points, spare = torch.empty_like(there), torch.empty_like(there)
        torch.add(there[:, 0], u, out=points[:, 0])
        torch.add(there[:, 1], v[rows], out=points[:, 1])
        # As inside(), with one comparison: these cost more than arithmetic.
        torch.sub(limit, points, out=spare)
        torch.minimum(points, spare, out=spare)
        inside = torch.minimum(spare[:, 0], spare[:, 1], out=spare[:, 0]) >= 0

        grid = doubled_to_grid_(points.mul_(2), (height, width)).movedim(1, -1)
        back = F.grid_sample(flow_ba[samples], grid, 'bilinear', 'border', align_corners=False)
        mismatch = _squared_length_(torch.add(there, back, out=spare))
        motion = _squared_length_(points.copy_(there)).add_(_squared_length_(back))
        occluded = mismatch > motion.mul_(alpha1).add_(alpha2)
        torch.logical_and(inside, occluded.logical_not_(), out=visible[samples, rows])
    return visible


def _squared_length_(flow: Tensor) -> Tensor:
    """(B, H, W) of (B, 2, H, W), which is overwritten."""
    flow.mul_(flow)
    return flow[:, 0].add_(flow[:, 1])
