"""Features as colours."""

from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor


def feature_pca(maps: Iterable[Tensor]) -> list[np.ndarray]:
    """First three principal components of feature vectors as red, green and blue.

    The components are those of all maps together, so that colours compare across the maps. Each
    is stretched between its 2nd and 98th percentile; its sign makes the loading of largest size
    positive. The same features give the same colours everywhere.

    Args:
        maps: (C, h, w) each, or all in one tensor (N, C, h, w); heights and widths may differ.

    Returns:
        uint8 (h, w, 3) each; uniform grey where the features do not vary.
    """
    maps = [features.detach().float().cpu() for features in maps]
    vectors = torch.cat([features.flatten(1).T for features in maps])
    largest = vectors.abs().max()
    vectors = vectors - vectors.mean(dim=0)
    with torch.random.fork_rng(devices=[]):  # pca_lowrank draws from the global generator
        torch.manual_seed(0)
        loadings = torch.pca_lowrank(vectors, q=min(6, *vectors.shape), center=False)[2][:, :3]
    strongest = loadings.abs().argmax(dim=0, keepdim=True)
    scores = vectors @ (loadings * loadings.gather(0, strongest).sign())
    low, high = scores.quantile(torch.tensor([0.02, 0.98]), dim=0)
    # Where nothing varies, rounding noise must not be stretched to colours.
    flat = high - low <= 1e-6 * largest
    scores = torch.where(flat, 0.5, (scores - low) / (high - low).clamp(min=1e-30))
    colours = torch.full((len(vectors), 3), 0.5)
    colours[:, : scores.shape[1]] = scores.clamp(0, 1)
    pictures = (colours * 255).round().byte().split([features[0].numel() for features in maps])
    return [p.unflatten(0, features.shape[1:]).numpy() for p, features in zip(pictures, maps)]
