"""Groups of classes by size and frequency, from labels; their mean scores (PooDLe §4.2, Table 7).

A class is small if its share of pixels, averaged over the images that contain it, is at most 1 %
(unrounded), else large; it is common if more than 20 % of the images contain it, else rare. Pixels
without a class count as pixels of the image, as in the paper's table.
"""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from mmengine.config import Config
from mmengine.registry import init_default_scope
from numpy.typing import NDArray

from poodle_mm.catalog import IGNORE_INDEX
from poodle_mm.datasets.files import list_files
from poodle_mm.datasets.labels import read_label
from poodle_mm.utils.progress import Progress
from poodle_mm.utils.tables import markdown_table, spread


def class_shares(labels: Iterable[NDArray], num_classes: int) -> tuple[NDArray, NDArray]:
    """Size and frequency of each class in a labelled data set.

    Args:
        labels: Class ids of each image, integer (H, W), 255 for pixels without a class.
        num_classes: Number of classes; ids run from 0.

    Returns:
        ``area``: float64 (num_classes,), share of an image's pixels, averaged over the images in
        which the class appears; NaN for a class that never does. ``presence``: float64
        (num_classes,), share of the images in which the class appears.

    Raises:
        ValueError: If there is no image.
    """
    shares = [
        np.bincount(label[label != IGNORE_INDEX], minlength=num_classes) / label.size
        for label in labels
    ]
    if not shares:
        raise ValueError('no label images: classes cannot be grouped')
    appears = np.stack(shares) > 0
    area = np.full(num_classes, np.nan)
    np.divide(np.sum(shares, axis=0), appears.sum(0), out=area, where=appears.any(0))
    return area, appears.mean(0)


def class_groups(area: NDArray, presence: NDArray) -> dict[str, list[int]]:
    """Class ids of the paper's groups; a class that never appears is in none.

    Args:
        area: Mean pixel share of each class (see :func:`class_shares`).
        presence: Share of the images in which each class appears.
    """
    members = dict(
        small=area <= 0.01,
        large=area > 0.01,
        rare=(presence > 0) & (presence <= 0.2),
        common=presence > 0.2,
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


@dataclass(frozen=True)
class ClassStatistics:
    """Size, frequency and groups of the classes of a labelled data set.

    Attributes:
        classes: Names.
        images: Number of label images.
        area, presence: Shares of :func:`class_shares`; None: the class never appears.
        groups: Class ids of ``small``, ``large``, ``rare`` and ``common``.
    """

    classes: tuple[str, ...]
    images: int
    area: tuple[float | None, ...]
    presence: tuple[float, ...]
    groups: dict[str, list[int]]


def label_statistics(
    labels: str | os.PathLike,
    classes: Sequence[str],
    ignore: Sequence[int] = (IGNORE_INDEX,),
    reduce_zero_label: bool = False,
    suffix: str = '.png',
) -> ClassStatistics:
    """Groups by the paper's rules from all label images of a folder.

    Args:
        labels: Folder of 8-bit label images; subfolders too.
        classes: Names of the classes with ids 0, 1, ...
        ignore: Ids of pixels without a class.
        reduce_zero_label: ADE20K's way: 0 is "other", class i is stored as i + 1.
        suffix: End of the names, e.g. ``_gtFine_labelTrainIds.png``.

    Raises:
        FileNotFoundError: If there is no label image.
        ValueError: If one is no label image or holds other ids; its name is in the message.
    """
    paths = [Path(labels, name) for name in list_files(labels, suffix)]
    if not paths:
        raise FileNotFoundError(f'{labels}: no label image ends with {suffix}')
    to_class = {number + reduce_zero_label: number for number in range(len(classes))}
    to_class |= dict.fromkeys([0] if reduce_zero_label else ignore, IGNORE_INDEX)
    area, presence = class_shares(_read_classes(paths, to_class), len(classes))
    return ClassStatistics(
        classes=tuple(classes),
        images=len(paths),
        area=tuple(None if np.isnan(share) else share for share in area.tolist()),
        presence=tuple(presence.tolist()),
        groups=class_groups(area, presence),
    )


def groups_of(cfg: Config) -> dict[str, list[str]]:
    """Class names of the paper's groups on the training labels of a segmentation readout."""
    classes, area, presence = _shares_of(cfg)
    groups = class_groups(area, presence)
    return {name: [classes[number] for number in ids] for name, ids in groups.items()}


def class_weights(cfg: Config) -> list[float]:
    """Weights of the classes in the loss of a segmentation readout: 1 / √(share of the pixels).

    They are scaled so that a training pixel weighs 1 on average; a class that the training
    labels do not have weighs 0, as it cannot be learned.
    """
    _, area, presence = _shares_of(cfg)
    share = np.nan_to_num(area) * presence
    weights = np.zeros_like(share)
    np.divide(1, np.sqrt(share), out=weights, where=share > 0)
    return [round(w, 6) for w in (weights * share.sum() / (weights * share).sum()).tolist()]


def _shares_of(cfg: Config) -> tuple[Sequence[str], NDArray, NDArray]:
    """Classes, and :func:`class_shares`, of the training labels of a segmentation readout."""
    from mmseg.registry import DATASETS  # takes seconds

    init_default_scope('mmseg')
    dataset = cfg.train_dataloader.dataset
    dataset = DATASETS.build(dict(dataset.get('datasets', [dataset])[0], pipeline=[]))
    classes = dataset.metainfo['classes']
    first = int(dataset.reduce_zero_label)
    known = dataset.label_map or dict(enumerate(range(len(classes))))
    to_class = {number + first: class_id for number, class_id in known.items()}
    to_class |= dict.fromkeys((*range(first), IGNORE_INDEX), IGNORE_INDEX)
    paths = [dataset.get_data_info(number)['seg_map_path'] for number in range(len(dataset))]
    return classes, *class_shares(_read_classes(paths, to_class), len(classes))


def _read_classes(
    paths: Sequence[str | os.PathLike], to_class: Mapping[int, int]
) -> Iterator[NDArray[np.uint8]]:
    """Classes of label images; ``to_class`` has every id that they may hold."""
    table = np.full(256, IGNORE_INDEX, np.uint8)
    table[list(to_class)] = list(to_class.values())
    for path in Progress(paths, desc='labels', unit='image', leave=False):
        yield table[read_label(path, to_class)]


def table7(statistics: ClassStatistics) -> str:
    """The statistics as a Markdown table like the paper's Table 7, largest class first."""
    rows = []
    classes = enumerate(zip(statistics.classes, statistics.area, statistics.presence))
    for number, (name, area, presence) in sorted(classes, key=lambda row: -(row[1][1] or 0)):
        shares = [None, None] if area is None else [100 * area, 100 * area * presence]
        cells = [*(spread([share], digits=2) for share in shares), f'{100 * presence:.1f}']
        groups = ' '.join(group for group, ids in statistics.groups.items() if number in ids)
        rows.append([name, *cells, groups or 'none: never appears'])
    table = markdown_table(['class', '% of image', '% of pixels', '% of images', 'groups'], rows)
    return (
        f'{table}\n\n{statistics.images} images; % of image: over the images that contain the '
        'class; % of pixels: over all images'
    )
