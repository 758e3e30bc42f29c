"""Slow, obvious versions of what ``poodle_mm.geometry`` does."""

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor


def bilinear(image: np.ndarray, u: float, v: float, border: bool = True) -> np.ndarray:
    """Look-up in (C, H, W) at one point; border values outside, or zero."""
    _, height, width = image.shape
    if border:
        u, v = min(max(u, 0.0), width - 1.0), min(max(v, 0.0), height - 1.0)
    left, top = math.floor(u), math.floor(v)
    value = np.zeros(image.shape[0])
    for row, wv in ((top, top + 1 - v), (top + 1, v - top)):
        for column, wu in ((left, left + 1 - u), (left + 1, u - left)):
            if 0 <= row < height and 0 <= column < width:
                value += wv * wu * image[:, row, column]
    return value


def looped_loss(
    online,
    target,
    affine_online,
    affine_target,
    flow,
    visible,
    stride,
    unwarped=False,
    mean_over='valid',
):
    """The dense loss pixel by pixel in float64: (loss, share of valid pixels per sample)."""
    args = (online, target, affine_online, affine_target, flow, visible)
    online, target, affine_online, affine_target, flow, visible = (x.detach().numpy() for x in args)
    batch, _, height, width = flow.shape
    means, shares = [], []
    for b in range(batch):
        distances = []
        for v in range(height):
            for u in range(width):
                du, dv = flow[b, :, v, u]
                at_online = affine_online[b] @ (u, v, 1)
                at_target = affine_target[b] @ (u + du, v + dv, 1)
                looked_up = []
                for features, (x, y), at_rest in (
                    (online[b], at_online, (u, v)),
                    (target[b], at_target, (u + du, v + dv)),
                ):
                    rows, columns = (n * stride for n in features.shape[1:])
                    if visible[b, v, u] and 0 <= x <= columns - 1 and 0 <= y <= rows - 1:
                        x, y = at_rest if unwarped else (x, y)
                        q = bilinear(features, (x + 0.5) / stride - 0.5, (y + 0.5) / stride - 0.5)
                        looked_up.append(q / np.linalg.norm(q))
                if len(looked_up) == 2:
                    distances.append(((looked_up[0] - looked_up[1]) ** 2).sum())
        number = len(distances) if mean_over == 'valid' else height * width
        means.append(np.sum(distances) / max(number, 1))
        shares.append(len(distances) / (height * width))
    return np.mean(means), np.array(shares)


def straightforward_loss(
    online: Tensor,
    target: Tensor,
    affine_online: Tensor,
    affine_target: Tensor,
    flow: Tensor,
    visible: Tensor,
    stride: int,
) -> Tensor:
    """The dense loss with both maps upsampled to (B, C, H, W), normalised and multiplied."""
    height, width = flow.shape[-2:]
    v, u = torch.meshgrid(torch.arange(height), torch.arange(width), indexing='ij')
    x = torch.stack([u, v]).to(flow).expand_as(flow)
    maps = []
    for features, affine, pixels in (
        (online, affine_online, x),
        (target, affine_target, x + flow),
    ):
        matrix, offset = affine[:, :, :2], affine[:, :, 2, None, None]
        points = torch.einsum('bij,bjhw->bihw', matrix, pixels) + offset
        size = torch.tensor([features.shape[-1], features.shape[-2]]).to(flow)[:, None, None]
        visible = visible & ((points >= 0) & (points <= size * stride - 1)).all(1)
        # A cell coordinate c is -1 + (2 c + 1) / cells for grid_sample with align_corners=False.
        grid = (2 * (points + 0.5) / (stride * size) - 1).movedim(1, -1).to(features.dtype)
        dense = F.grid_sample(features, grid, 'bilinear', 'border', align_corners=False)
        maps.append(F.normalize(dense, dim=1))
    distance = torch.where(visible, 2 - 2 * (maps[0] * maps[1]).sum(1), 0)
    return (distance.sum((1, 2)) / visible.sum((1, 2)).clamp(min=1)).mean()
