"""Centres of subcrops in both frames: the draws of each cell that are used."""

import torch
from torch import Tensor

from poodle_mm.geometry.boxes import clamp_to_image
from poodle_mm.geometry.warp import inside

EDGE = 0.5  # pixels from the outermost centres to the image's edges


def choose_or_stay(
    starts: Tensor, landed: Tensor, jitter: Tensor, size: tuple[int, int], num: int
) -> tuple[Tensor, Tensor]:
    """First valid draw of each cell, in order of use; a cell without one stays where it starts.

    Args:
        starts: (B, R, N, T, 2) pixels of the online frame: rounds, cells in order of use, draws.
        landed: (B, R, N, T, 2) where the flow takes them in the target frame.
        jitter: (B, R, N, T, 2) pixels.
        size: (H, W).
        num: K <= R * N.

    Returns:
        Centres (2, B, K, 2) pixels, online and target, and (B, K) bool, no draw was valid.
    """
    ends = landed + jitter
    valid = inside(ends, size, EDGE)
    draw = valid.float().argmax(-1, keepdim=True)  # the first one; 0 if there is none
    pick = draw[..., None].expand(*draw.shape, 2)
    start, end = (x.gather(-2, pick)[..., 0, :] for x in (starts, ends))
    stays = ~valid.any(-1)
    end = torch.where(stays[..., None], start, end)
    centres = torch.stack([x.flatten(1, 2)[:, :num] for x in (start, end)])
    return centres, stays.flatten(1, 2)[:, :num]


def choose_or_clamp(
    starts: Tensor, landed: Tensor, jitter: Tensor, size: tuple[int, int], num: int
) -> tuple[Tensor, Tensor]:
    """:func:`choose_or_stay`, but cells without a valid draw come last, clamped to the image."""
    jittered = landed + jitter
    # 0: valid with jitter, 1: valid without, 2: has to be clamped.
    stage = torch.where(inside(landed, size, EDGE), 1, 2)
    stage = torch.where(inside(jittered, size, EDGE), 0, stage)
    stage, draw = stage.min(-1, keepdim=True)
    pick = draw[..., None].expand(*draw.shape, 2)
    start, landed, jittered = (x.gather(-2, pick)[..., 0, :] for x in (starts, landed, jittered))
    # A flow that is not finite says nothing: stay at the place.
    landed = clamp_to_image(torch.where(landed.isnan(), start, landed), size)
    end = torch.where(stage == 0, jittered, landed)

    # Pairs take the cells of a round in their order, those with valid draws before the others.
    stage, order = stage[..., 0].sort(dim=-1, stable=True)
    pick = order[..., None].expand(*order.shape, 2)
    centres = torch.stack([x.gather(-2, pick).flatten(1, 2)[:, :num] for x in (start, end)])
    return centres, (stage == 2).flatten(1, 2)[:, :num]
