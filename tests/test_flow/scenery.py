"""Real frames and known motion for the tests of this folder."""

from pathlib import Path

import cv2
import torch
from torch import Tensor


def read_rgb(path: Path) -> Tensor:
    """(1, 3, H, W) float32 RGB in [0, 1]."""
    image = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
    return torch.from_numpy(image).permute(2, 0, 1)[None].float() / 255


def translated_pair(
    image: Tensor, motion: tuple[int, int], size=(256, 384)
) -> tuple[Tensor, Tensor]:
    """Two crops of one image: pixel (u, v) of the first is at (u, v) + motion in the second."""
    du, dv = motion
    height, width = size
    y, x = 32, 48
    first = image[..., y : y + height, x : x + width]
    second = image[..., y - dv : y - dv + height, x - du : x - du + width]
    return first, second


def endpoint_error(flow: Tensor, truth: Tensor, border: int = 0) -> float:
    """Mean length of the difference in pixels, without a border."""
    error = (flow - truth).norm(dim=1)
    height, width = error.shape[-2:]
    return float(error[:, border : height - border, border : width - border].mean())
