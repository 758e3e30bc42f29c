"""Penalties that forgive outliers, and means over some pixels."""

import torch
from torch import Tensor


def charbonnier(x: Tensor, epsilon: float = 1e-3) -> Tensor:
    """``sqrt(x ** 2 + epsilon ** 2)``: ``|x|`` with a round bottom.

    Args:
        x: Float of any shape.
        epsilon: Value at zero, in the unit of x.
    """
    return (x.square() + epsilon**2).sqrt()


def robust_power(x: Tensor, epsilon: float = 0.01, power: float = 0.4) -> Tensor:
    """``(|x| + epsilon) ** power``: steep near zero, flat where nothing fits (DDFlow, UFlow).

    Args:
        x: Float of any shape.
        epsilon: Keeps the slope finite.
        power: Below 1.
    """
    return (x.abs() + epsilon) ** power


def masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    """Mean of the values weighted with a mask; 0 where the mask is empty.

    Args:
        values: (B, H, W).
        mask: (B, H, W) weights or bool; no gradient passes into it.

    Returns:
        Scalar: the mean over the batch of each sample's mean.
    """
    mask = mask.detach().to(values.dtype)
    total = mask.sum((-2, -1))
    # where(), because a value that is not finite would survive a factor of zero
    means = torch.where(mask > 0, values * mask, 0).sum((-2, -1)) / total.clamp(min=1e-6)
    return means.mean()
