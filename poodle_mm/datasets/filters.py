"""Pairs that are not worth training on: across a scene cut, or without any motion."""

from collections.abc import Sequence
from itertools import pairwise

import cv2
import numpy as np

THUMBNAIL_SIZE = (36, 64)


def thumbnail(image: np.ndarray) -> np.ndarray:
    """(H, W, 3) uint8 to (36, 64, 3) uint8, averaged: noise goes, motion and content stay."""
    height, width = THUMBNAIL_SIZE
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)


def mean_difference(a: np.ndarray, b: np.ndarray) -> float:
    """Mean absolute difference of two uint8 images, in grey levels (0 to 255)."""
    return float(cv2.absdiff(a, b).mean())


def has_scene_cut(
    thumbnails: Sequence[np.ndarray],
    ratio: float = 4.0,
    floor: float = 8.0,
    repeated: float = 0.5,
) -> bool:
    """Whether one step of a sequence stands out from the others.

    Two frames 1 s apart cannot tell a cut from a sharp bend (the histograms of a winding road
    differ more than those across many cuts); the steps between can. docs/reliability.md has the
    rates on real clips, and what else was tried.

    Args:
        thumbnails: Consecutive frames, uint8, of one shape; fewer than four never have a cut.
        ratio: A cut is more than ``ratio`` times the median of the other steps plus one grey level.
        floor: And at least this mean difference, in grey levels.
        repeated: Steps below this are frames shown again, and do not count in the median: in a
            video of 8 frames/s stored at 30, each new frame would stand out from the repeats.
    """
    steps = sorted(mean_difference(a, b) for a, b in pairwise(thumbnails))
    if len(steps) < 3:
        return False
    others = [step for step in steps[:-1] if step > repeated]
    usual = float(np.median(others)) if others else 0.0
    return steps[-1] > max(floor, ratio * (usual + 1))
