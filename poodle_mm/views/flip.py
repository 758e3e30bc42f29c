"""Mirroring whole pairs, with everything that is known about their pixels."""

import torch
from torch import Tensor

from poodle_mm.geometry.warp import constant


def flip_pairs(
    which: Tensor, frames: Tensor, flow: Tensor, visible: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Mirror some pairs of a batch left to right.

    Args:
        which: (B,) bool, the pairs to mirror.
        frames: (2, B, 3, H, W).
        flow: (2, B, 2, H, W) pixels, channels (du, dv).
        visible: (2, B, H, W) bool.

    Returns:
        Frames, flow and mask as given, mirrored where asked.
    """
    sign = constant([-1, 1], flow)[:, None, None]
    which = which.to(frames.device, non_blocking=True)[:, None, None]
    return (
        torch.where(which[..., None], frames.flip(-1), frames),
        torch.where(which[..., None], flow.flip(-1) * sign, flow),
        torch.where(which, visible.flip(-1), visible),
    )
