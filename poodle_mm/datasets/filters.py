"""Clips that are not worth training on: across a scene cut, or without any motion."""

from collections.abc import Sequence
from itertools import pairwise

import cv2
import numpy as np

THUMBNAIL_SIZE = (36, 64)
LEAST_STEPS = 15  # of a window in which a cut is looked for: what the rates were measured with


def thumbnail(image: np.ndarray) -> np.ndarray:
    """(H, W, 3) uint8 to (36, 64, 3) uint8, averaged: noise goes, motion and content stay."""
    height, width = THUMBNAIL_SIZE
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)


def mean_difference(a: np.ndarray, b: np.ndarray) -> float:
    """Mean absolute difference of two uint8 images, in grey levels (0 to 255)."""
    return float(cv2.absdiff(a, b).mean())


def mean_motion(frames: Sequence[np.ndarray]) -> float:
    """Mean difference of successive frames' thumbnails, in grey levels; infinite for one frame."""
    steps = [mean_difference(a, b) for a, b in pairwise(map(thumbnail, frames))]
    return sum(steps) / len(steps) if steps else float('inf')


def clip_has_scene_cut(thumbnails: Sequence[np.ndarray], places: Sequence[int]) -> bool:
    """Whether the scene is cut within a clip.

    A long clip is looked at in windows, from frame to frame and at least ``LEAST_STEPS`` long:
    what is usual for a step changes within it.

    Args:
        thumbnails: All frames from the clip's first to its last, uint8, of one shape.
        places: Places of the clip's frames among them, increasing, from 0 to the last.
    """
    edges = [0]
    for place in places:
        if place - edges[-1] >= LEAST_STEPS:
            edges.append(int(place))
    # what is left over belongs to the last window
    edges = [*edges[: max(len(edges) - 1, 1)], int(places[-1])]
    return any(has_scene_cut(thumbnails[a : b + 1]) for a, b in pairwise(edges))


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
