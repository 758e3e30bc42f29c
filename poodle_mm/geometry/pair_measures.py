"""Whether two frames are a pair worth training on: how far they move, what flow explains."""

from typing import NamedTuple

import torch
from torch import Tensor

from poodle_mm.geometry.consistency import warp_image
from poodle_mm.geometry.flow_errors import grey_level_error


class PairMeasures(NamedTuple):
    """Measures of B pairs, each (B,) float32, a mean over both directions.

    Attributes:
        motion: Median length of the flow, pixels.
        valid: Share of the pixels with a visible counterpart.
        before: Mean difference of the frames where the flow stays inside, grey levels (0 to 255).
        after: The same after the other frame was warped by the flow. Both are infinite where all
            flow leaves the frame.
    """

    motion: Tensor
    valid: Tensor
    before: Tensor
    after: Tensor


def pair_measures(frames: Tensor, flow: Tensor, visible: Tensor) -> PairMeasures:
    """Measure pairs by their flow.

    Args:
        frames: (2, B, 3, H, W) in [0, 1].
        flow: (2, B, 2, H, W), from each frame to the other, pixels.
        visible: (2, B, H, W) bool.
    """
    size = frames.shape[:2]
    other = frames.flip(0).flatten(0, 1)
    own, both = frames.flatten(0, 1), flow.flatten(0, 1)
    warped, landed = warp_image(other, both)
    errors = [
        _mean_where(grey_level_error(own, image), landed).unflatten(0, size).mean(0)
        for image in (other, warped)
    ]
    length = both.norm(dim=1).flatten(1).median(dim=1).values
    return PairMeasures(
        length.unflatten(0, size).mean(0), visible.float().mean(dim=(0, 2, 3)), *errors
    )


def is_constant(images: Tensor, levels: float = 3.0) -> Tensor:
    """Whether an image shows next to nothing, as a black one: its standard deviation is small.

    Args:
        images: (N, C, H, W) in [0, 1].
        levels: Largest deviation over the pixels of every channel, in grey levels (0 to 255).

    Returns:
        (N,) bool.
    """
    return 255 * images.flatten(2).std(dim=2, unbiased=False).amax(dim=1) <= levels


def _mean_where(values: Tensor, mask: Tensor) -> Tensor:
    """Means over the (H, W) pixels where a mask is true, (N,); infinite where it is nowhere."""
    count = mask.sum(dim=(1, 2))
    total = torch.where(mask, values, 0).sum(dim=(1, 2))
    return torch.where(count > 0, total / count.clamp(min=1), torch.inf)
