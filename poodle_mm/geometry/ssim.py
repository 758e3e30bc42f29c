"""Structural similarity of two images where some pixels do not count."""

import math

import torch.nn.functional as F
from torch import Tensor


def weighted_ssim(
    a: Tensor, b: Tensor, weight: Tensor, c1: float = math.inf, c2: float = 9e-6
) -> tuple[Tensor, Tensor]:
    """Dissimilarity ``(1 - SSIM) / 2`` of 3 x 3 windows, with moments weighted by pixel.

    Args:
        a: (B, C, H, W) in [0, 1].
        b: Same shape.
        weight: (B, H, W) in [0, 1] or bool: how much a pixel counts; 0.01 is added.
        c1: Stabilises the means' term; infinite leaves it out, so that an offset costs nothing.
        c2: Stabilises the variances' term.

    Returns:
        ``(error, weight)``: (B, C, H - 2, W - 2) in [0, 1] and the mean weight of each window,
        (B, H - 2, W - 2).
    """
    weight = weight[:, None].to(a.dtype)
    pooled = F.avg_pool2d(weight, 3, 1)
    weight = weight + 0.01

    def mean(x: Tensor) -> Tensor:
        return F.avg_pool2d(x * weight, 3, 1) / (pooled + 0.01)

    mean_a, mean_b = mean(a), mean(b)
    var_a, var_b = mean(a.square()) - mean_a.square(), mean(b.square()) - mean_b.square()
    covariance = mean(a * b) - mean_a * mean_b
    ssim = (2 * covariance + c2) / (var_a + var_b + c2)
    if not math.isinf(c1):
        ssim = ssim * (2 * mean_a * mean_b + c1) / (mean_a.square() + mean_b.square() + c1)
    return ((1 - ssim) / 2).clamp(0, 1), pooled[:, 0]
