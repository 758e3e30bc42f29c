"""Objects of a clip by a ViT's attention: prototypes from one frame, found again in the others."""

import torch
import torch.nn.functional as F
from torch import Tensor

from poodle_mm.geometry.sinkhorn import sinkhorn


def object_prototypes(attention: Tensor, queries: Tensor) -> Tensor:
    """Pool the patches' queries with the class token's attention of some heads (DoRA, Eq. 2).

    Args:
        attention: (B, K, N) of K heads on N patches, not negative.
        queries: (B, N, C).

    Returns:
        (B, K, C), weighted means.
    """
    return attention / attention.sum(dim=-1, keepdim=True).clamp(min=1e-12) @ queries


def refine_prototypes(
    prototypes: Tensor, patches: Tensor, epsilon: float = 0.05, iterations: int = 3
) -> tuple[Tensor, Tensor]:
    """Make prototypes distinct: share the patches out among them by optimal transport (Eq. 4, 5).

    Heads attend to much the same regions; of the plan every prototype gets equally much, and what
    is much like several goes to the one that it is most like. Likeness is the cosine.

    Args:
        prototypes: (B, K, C).
        patches: (B, N, C) embeddings of the patches of the frame that they are of.
        epsilon, iterations: Arguments of :func:`sinkhorn`.

    Returns:
        (B, K, C) means of the patches by the plan, and the plan (B, K, N), whose rows sum to 1.
    """
    cosines = F.normalize(prototypes, dim=-1) @ F.normalize(patches, dim=-1).mT
    plan = sinkhorn(cosines, epsilon, iterations).to(patches.dtype)
    return plan @ patches, plan


def track_objects(prototypes: Tensor, keys: Tensor) -> Tensor:
    """Cross-attention of the prototypes with the patches of every frame (DoRA, Eq. 6).

    Args:
        prototypes: (B, K, C).
        keys: (B, T, N, C) of the patches of T frames.

    Returns:
        (B, T, K, N); each sums to 1 over the patches.
    """
    scores = torch.einsum('bkc,btnc->btkn', prototypes, keys) * prototypes.shape[-1] ** -0.5
    return scores.softmax(dim=-1)


def object_masks(tracks: Tensor, grid: tuple[int, int], size: tuple[int, int]) -> Tensor:
    """Soft masks of a size, from attention maps that are each stretched to [0, 1] and enlarged.

    The paper does not say how attention becomes a mask. Stretched, it dims something also while
    the network is young and its attention nearly even, and whatever the scale of its keys.

    Args:
        tracks: (..., N).
        grid: (h, w) of the N patches.
        size: (H, W).

    Returns:
        (..., H, W) in [0, 1]; 1 everywhere for a map that is constant.
    """
    low, high = tracks.aminmax(dim=-1, keepdim=True)
    stretched = 1 - (high - tracks) / (high - low).clamp(min=1e-12)
    maps = F.interpolate(
        stretched.reshape(-1, 1, *grid), size, mode='bilinear', align_corners=False
    )
    return maps.view(*tracks.shape[:-1], *size)


def overlap(tracks: Tensor) -> Tensor:
    """Share of the attention that two objects of a frame have in common, mean over all pairs.

    Args:
        tracks: (..., K, N); each sums to 1.

    Returns:
        Scalar: 0 where no patch is looked at twice, 1 where all objects are one; 0 for one object.
    """
    count = tracks.shape[-2]
    if count < 2:
        return tracks.new_zeros(())
    first, second = torch.triu_indices(count, count, offset=1, device=tracks.device)
    common = torch.minimum(tracks[..., first, :], tracks[..., second, :])
    return common.sum(dim=-1).mean()
