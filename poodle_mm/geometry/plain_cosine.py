"""The plain path of :mod:`poodle_mm.geometry.blocked_cosine`: look up, normalise, multiply."""

import torch
import torch.nn.functional as F
from torch import Tensor

from poodle_mm.geometry.warp import sample_bilinear


def cosine_distance_plain(
    q: Tensor, p: Tensor, points_q: Tensor, points_p: Tensor, valid: Tensor
) -> Tensor:
    """Sum over the valid pixels of ``1 - cos(q at points_q, p at points_p)``.

    What one would write: both maps are upsampled to (B, C, H, W) by ``grid_sample``. For 512 x 1024
    pixels and 256 channels that takes gigabytes; it is here to compare with.

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
