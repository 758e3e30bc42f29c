"""Matching two feature maps: joint normalisation, and correlation at small displacements."""

import torch
import torch.nn.functional as F
from torch import Tensor

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
    height, width = a.shape[-2:]
    padded = F.pad(b, [max_displacement] * 4)
    shifts = range(2 * max_displacement + 1)
    # One product at a time: unfolding b would need a tensor 81 times the size of the features.
    shifted = [
        padded[..., row : row + height, column : column + width]
        for row in shifts
        for column in shifts
    ]
    if torch.is_grad_enabled() and (a.requires_grad or b.requires_grad):
        return torch.stack([(a * x).mean(1) for x in shifted], dim=1)
    costs = a.new_empty(len(a), len(shifted), height, width)
    product = torch.empty_like(a)
    for cost, x in zip(costs.unbind(1), shifted):
        torch.mean(torch.mul(a, x, out=product), 1, out=cost)
    return costs
