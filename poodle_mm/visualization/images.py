"""Frames, flow and labels as pictures: uint8 RGB (..., H, W, 3)."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torchvision.utils import flow_to_image

from poodle_mm.catalog import IMAGENET_MEAN, IMAGENET_STD
from poodle_mm.geometry.warp import pixel_grid, sample_bilinear


def to_images(images: Tensor) -> np.ndarray:
    """(N, 3, H, W) in [0, 1] to uint8 (N, H, W, 3)."""
    return (images.clamp(0, 1) * 255).round().byte().movedim(1, -1).numpy()


def denormalised(images: Tensor) -> np.ndarray:
    """Pictures of (N, 3, H, W) images that were normalised by ImageNet's mean and deviation."""
    mean, std = (torch.tensor(x).view(3, 1, 1) for x in (IMAGENET_MEAN, IMAGENET_STD))
    return to_images(images * std + mean)


def tinted(images: Tensor, where: Tensor) -> np.ndarray:
    """Pictures of (N, 3, H, W) images, dimmed and red where (N, H, W) is true."""
    red = torch.tensor([0.9, 0.15, 0.2]).view(3, 1, 1)
    return to_images(torch.where(where[:, None], 0.35 * images + 0.65 * red, images))


def flow_colours(flow: Tensor, longest: Tensor) -> np.ndarray:
    """Colour wheel of (N, 2, H, W) flow; vectors above ``longest`` count as that long."""
    length = flow.norm(dim=1, keepdim=True)
    clipped = flow * (longest / length.clamp(min=1e-6)).clamp(max=1)
    return flow_to_image(clipped).movedim(1, -1).numpy()


def fetched(frames: Tensor, flow: Tensor, visible: Tensor) -> np.ndarray:
    """Backward-warp each frame of a pair to the other; white where nothing visible is there."""
    points = pixel_grid(flow.shape[-2:]) + flow.movedim(1, -1)
    found = sample_bilinear(frames.flip(0), points)
    return to_images(torch.where(visible[:, None], found, 0.3 * found + 0.7))


def label_colours(labels: np.ndarray, palette: Sequence[Sequence[int]]) -> np.ndarray:
    """Class ids, uint8 (..., H, W), in the colours of a palette; others are white."""
    colours = np.full((256, 3), 255, np.uint8)
    colours[: len(palette)] = palette
    return colours[labels]
