"""How probable it is that a subcrop shows an object, over all places (PooDLe, appendix C)."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from poodle_mm.geometry.box_sums import summed_area


def centred_disc(size: tuple[int, int], share: float) -> Tensor:
    """Disc in the middle of a frame, cut off where it is larger than the frame.

    Its radius is the smallest with which it covers the share.

    Args:
        size: (H, W) of the frame in pixels.
        share: Share of the frame's pixels, in (0, 1].

    Returns:
        (H, W) bool.

    Raises:
        ValueError: For a share outside of the range.
    """
    if not 0 < share <= 1:
        raise ValueError(f'an object covers a share of the frame in (0, 1], got {share}')
    rows, columns = (torch.arange(n, dtype=torch.float64) - (n - 1) / 2 for n in size)
    distance = rows[:, None] ** 2 + columns**2
    pixels = max(1, round(share * distance.numel()))
    return distance <= distance.flatten().kthvalue(pixels)[0]


def box_size(size: tuple[int, int], area: float, aspect: float = 1.0) -> tuple[int, int]:
    """Height and width, in whole pixels, of a subcrop of a share of the frame's area.

    Args:
        size: (H, W) of the frame in pixels.
        area: Share of H x W.
        aspect: Width over height.

    Raises:
        ValueError: If it does not fit into the frame.
    """
    pixels = area * size[0] * size[1]
    height, width = (max(1, round(math.sqrt(x))) for x in (pixels / aspect, pixels * aspect))
    if height > size[0] or width > size[1]:
        raise ValueError(
            f'a subcrop of area {area:g} and aspect {aspect:g} is {height} x {width} pixels: too '
            f'large for a frame of {size[0]} x {size[1]}'
        )
    return height, width


def hit_share(mask: Tensor, box: tuple[int, int], thresholds: Sequence[float]) -> Tensor:
    """Share of a box's places in the frame at which it hits an object.

    A box hits if the object covers at least the threshold of it. All places at which the box lies
    inside of the frame count, each once: the exact probability for a uniform draw.

    Args:
        mask: (H, W) bool, the object.
        box: (height, width) in pixels.
        thresholds: T shares of the box.

    Returns:
        (T) float64.
    """
    height, width = box
    table = summed_area(mask)
    inside = (
        table[height:, width:] - table[:-height, width:]
        - table[height:, :-width] + table[:-height, :-width]
    )  # fmt: skip
    least = torch.tensor(thresholds, dtype=torch.float64) * (height * width)
    # a share of exactly the threshold hits, whatever the product is rounded to
    return (inside >= least[:, None, None] - 1e-9).double().mean(dim=(1, 2))
