"""Groups of classes by size and frequency, and their mean scores (PooDLe §4.2, Table 7)."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray


def class_shares(
    labels: Iterable[NDArray], num_classes: int, ignore_index: int = 255
) -> tuple[NDArray, NDArray]:
    """How large and how frequent each class is in a labelled data set.

    Args:
        labels: Class ids per pixel, integer (H, W); sizes may differ.
        num_classes: Number of classes; ids run from 0.
        ignore_index: Id of pixels without a class. They count as pixels of the image.

    Returns:
        ``area``: float64 (num_classes,), share of an image's pixels, averaged over the images in
        which the class appears; NaN for a class that never does. ``presence``: float64
        (num_classes,), share of the images in which the class appears.

    Raises:
        ValueError: If there is no image, or an image holds an id that is neither a class nor
            ``ignore_index``.
    """
    shares = []
    for number, label in enumerate(labels):
        classes = label[label != ignore_index].ravel()
        if classes.size and not 0 <= classes.min() <= classes.max() < num_classes:
            raise ValueError(
                f'label image {number} holds ids {classes.min()}..{classes.max()}, but there are '
                f'{num_classes} classes and ignore_index is {ignore_index}'
            )
        shares.append(np.bincount(classes, minlength=num_classes) / label.size)
    if not shares:
        raise ValueError('no label images: classes cannot be grouped')
    appears = np.stack(shares) > 0
    area = np.full(num_classes, np.nan)
    np.divide(np.sum(shares, axis=0), appears.sum(0), out=area, where=appears.any(0))
    return area, appears.mean(0)


def class_groups(
    area: NDArray, presence: NDArray, small: float = 0.01, common: float = 0.2
) -> dict[str, list[int]]:
    """Class ids of the paper's groups; a class that never appears is in none.

    Args:
        area: Mean pixel share of each class (see :func:`class_shares`).
        presence: Share of the images in which each class appears.
        small: Small classes have at most this area, large ones more.
        common: Common classes have more than this presence, rare ones at most.
    """
    members = dict(
        small=area <= small,
        large=area > small,
        rare=(presence > 0) & (presence <= common),
        common=presence > common,
    )
    return {name: np.flatnonzero(mask).tolist() for name, mask in members.items()}


def group_means(scores: NDArray, groups: Mapping[str, Sequence[int]]) -> dict[str, float]:
    """Mean score of each group, over its classes that have one.

    Args:
        scores: Score of each class (e.g. IoU), NaN for a class without ground truth or prediction.
        groups: Class ids of each group.

    Returns:
        The mean of each group; NaN for a group in which no class has a score.
    """
    chosen = {name: scores[list(ids)] for name, ids in groups.items()}
    return {
        name: float(np.nanmean(values)) if np.isfinite(values).any() else float('nan')
        for name, values in chosen.items()
    }
