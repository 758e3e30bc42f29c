"""Matching two feature maps: joint normalisation, and correlation at small displacements."""

from collections.abc import Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

# Keeps the standard deviation of constant maps above zero; far below that of any real features.
MIN_VARIANCE = 1e-16


def normalise_features(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Centre two feature maps and divide them by their standard deviation.

    Mean and (population) variance are taken over channels, rows and columns of each map and then
    averaged over the two maps, so that both get the same shift and scale and an offset between
    them stays visible ("cost volume normalization" of UFlow, Jonschkowski et al., 2020). Each
    pair has its own moments: the result does not depend on the rest of the batch.

    Args:
        a: (B, C, H, W) float.
        b: Same shape.

    Returns:
        Both maps, normalised; constant maps of one value become zero.
    """
    (var_a, mean_a), (var_b, mean_b) = (
        torch.var_mean(x, dim=(1, 2, 3), correction=0, keepdim=True) for x in (a, b)
    )
    mean = (mean_a + mean_b) / 2
    std = ((var_a + var_b) / 2 + MIN_VARIANCE).sqrt()
    return (a - mean) / std, (b - mean) / std


def cost_volume(a: Tensor, b: Tensor, max_displacement: int = 4) -> Tensor:
    """Mean product over the channels of ``a`` and displaced ``b``, at all small displacements.

    High values are good matches. Outside of its frame ``b`` is zero.

    Args:
        a: (B, C, H, W) float.
        b: Same shape.
        max_displacement: D, the largest displacement in cells along either axis.

    Returns:
        (B, (2 D + 1) ** 2, H, W), row by row: channel ``(dv + D) * (2 D + 1) + du + D`` holds at
        (u, v) the match of cell (u, v) of ``a`` with cell (u + du, v + dv) of ``b``.

    Raises:
        ValueError: If the maps differ in shape or ``max_displacement`` is negative.
    """
    if a.shape != b.shape or a.dim() != 4:
        raise ValueError(
            'a cost volume needs two feature maps (B, C, H, W) of one shape, '
            f'got {tuple(a.shape)} and {tuple(b.shape)}'
        )
    if max_displacement < 0:
        raise ValueError(f'max_displacement must not be negative, got {max_displacement}')
    return _CostVolume.apply(a, b, max_displacement)


class _CostVolume(torch.autograd.Function):
    """One product at a time, there and back.

    Unfolding b would need a tensor 81 times the size of the features; left to autograd, each of
    the 81 products would cost several passes over them on the way back.
    """

    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor, reach: int) -> Tensor:
        ctx.save_for_backward(a, b)
        ctx.reach = reach
        costs = a.new_empty(len(a), (2 * reach + 1) ** 2, *a.shape[-2:])
        product = torch.empty_like(a)
        for cost, shifted in zip(costs.unbind(1), _shifted(F.pad(b, [reach] * 4), reach)):
            torch.mean(torch.mul(a, shifted, out=product), 1, out=cost)
        return costs

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        a, b = ctx.saved_tensors
        reach, height, width = ctx.reach, *a.shape[-2:]
        padded = F.pad(b, [reach] * 4)
        grad_a, grad_padded = torch.zeros_like(a), torch.zeros_like(padded)
        grad = grad / a.shape[1]
        for slope, shifted, into in zip(
            grad.split(1, dim=1), _shifted(padded, reach), _shifted(grad_padded, reach)
        ):
            grad_a.addcmul_(slope, shifted)
            into.addcmul_(slope, a)
        return grad_a, grad_padded[..., reach : reach + height, reach : reach + width], None


def _shifted(padded: Tensor, reach: int) -> Iterator[Tensor]:
    """Views of a padded map at all displacements, row by row."""
    height, width = (side - 2 * reach for side in padded.shape[-2:])
    for row in range(2 * reach + 1):
        for column in range(2 * reach + 1):
            yield padded[..., row : row + height, column : column + width]
