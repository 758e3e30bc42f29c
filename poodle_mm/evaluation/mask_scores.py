"""Scores of single masks, and where one prediction is right and another wrong."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

BOTH, FIRST, SECOND, NEITHER, UNKNOWN = range(5)
"""Codes of :func:`who_is_right`."""


def class_areas(truth: NDArray, prediction: NDArray, num_classes: int) -> NDArray[np.int64]:
    """Pixels of each class in an image.

    Args:
        truth: Integer (H, W); what is no class's id is not counted.
        prediction: Integer (H, W), class ids.
        num_classes: Number of classes.

    Returns:
        int64 (3, num_classes): pixels in both, in the ground truth, in the prediction.
    """
    known = truth < num_classes
    truth, prediction = truth[known], prediction[known]
    kinds = truth[truth == prediction], truth, prediction
    return np.stack([np.bincount(ids, minlength=num_classes) for ids in kinds])


def ious(areas: NDArray) -> NDArray[np.float64]:
    """IoU in percent of areas (..., 3, classes); NaN for a class in neither mask."""
    both, truth, prediction = np.moveaxis(np.asarray(areas, float), -2, 0)
    union = truth + prediction - both
    return np.divide(100 * both, union, out=np.full(both.shape, np.nan), where=union > 0)


def image_miou(areas: NDArray) -> NDArray[np.float64]:
    """Mean IoU in percent of the classes that an image's ground truth has.

    Args:
        areas: (..., 3, classes) of :func:`class_areas`.

    Returns:
        (...,); NaN for an image without labels.
    """
    there = np.asarray(areas)[..., 1, :] > 0
    total = np.where(there, ious(areas), 0).sum(-1)
    count = there.sum(-1)
    return np.divide(total, count, out=np.full(np.shape(total), np.nan), where=count > 0)


def who_is_right(
    truth: NDArray, first: NDArray, second: NDArray, num_classes: int
) -> NDArray[np.uint8]:
    """Which of two predictions is right at each pixel.

    Args:
        truth, first, second: Class ids (H, W).
        num_classes: Pixels of other ids in ``truth`` are ``UNKNOWN``.

    Returns:
        uint8 (H, W) of ``BOTH``, ``FIRST``, ``SECOND``, ``NEITHER`` or ``UNKNOWN``.
    """
    right = first == truth, second == truth
    code = np.select([right[0] & right[1], right[0], right[1]], [BOTH, FIRST, SECOND], NEITHER)
    return np.where(truth < num_classes, code, UNKNOWN).astype(np.uint8)


def right_shares(codes: NDArray) -> NDArray[np.float64]:
    """Shares in percent of ``BOTH``, ``FIRST``, ``SECOND`` and ``NEITHER`` in labelled pixels."""
    counts = np.bincount(codes.ravel(), minlength=5)[:UNKNOWN]
    return 100 * counts / max(counts.sum(), 1)


def spread_over(total: int, number: int) -> list[int]:
    """Indices of at most ``number`` of ``total`` things, evenly spread."""
    number = min(number, total)
    return [int((k + 0.5) * total / number) for k in range(number)]


def most_different(scores: Sequence[Sequence[float]], number: int) -> list[int]:
    """Indices of the images on which networks differ most, the largest difference first.

    Args:
        scores: Networks by images; the difference is the best minus the worst score.
        number: At most so many; images in which nothing can be scored are left out.
    """
    values = np.asarray(scores, float)
    gaps = values.max(0) - values.min(0)
    order = np.argsort(-gaps, kind='stable')  # NaN last
    return [int(i) for i in order[:number] if np.isfinite(gaps[i])]
