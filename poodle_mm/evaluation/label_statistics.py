"""Class groups of a labelled data set, computed from its training labels (PooDLe Table 7)."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from poodle_mm.datasets.files import list_files
from poodle_mm.datasets.labels import read_label
from poodle_mm.evaluation.class_groups import class_groups, class_shares
from poodle_mm.utils.files import write_json

DATASETS = ('bdd100k', 'cityscapes', 'ade20k', 'camvid')
"""Data sets whose class names are known."""


@dataclass(frozen=True)
class ClassStatistics:
    """What :func:`label_statistics` found.

    Attributes:
        classes: Names.
        images: Number of label images.
        area: Share of an image's pixels, averaged over the images that contain the class; None
            for a class that never appears.
        presence: Share of the images that contain the class.
        groups: Class ids of ``small``, ``large``, ``rare`` and ``common``.
    """

    classes: tuple[str, ...]
    images: int
    area: tuple[float | None, ...]
    presence: tuple[float, ...]
    groups: dict[str, list[int]]


def class_names(dataset: str) -> tuple[str, ...]:
    """Class names of one of :data:`DATASETS`, from MMSegmentation."""
    if dataset == 'camvid':
        from poodle_mm.evaluation.segmentation.camvid import CamVidDataset

        return tuple(CamVidDataset.METAINFO['classes'][:-1])
    from mmseg.utils import get_classes

    return tuple(get_classes(dataset))


def label_statistics(
    labels: str | os.PathLike,
    classes: Sequence[str],
    ignore: Sequence[int] = (255,),
    reduce_zero_label: bool = False,
    suffix: str = '.png',
) -> ClassStatistics:
    """Groups by the paper's rules from all label images of a folder.

    A class is small if its share of pixels, averaged over the images that contain it, is at most
    1 % (unrounded), else large; it is common if more than 20 % of the images contain it, else
    rare. Pixels to be ignored count as pixels of the image, as in the paper's table.

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
    root = Path(labels)
    paths = [root / name for name in list_files(root, suffix)]
    if not paths:
        raise FileNotFoundError(f'{root}: no label image ends with {suffix}')
    images = _read_labels(paths, len(classes), ignore, reduce_zero_label)
    area, presence = class_shares(images, len(classes), ignore_index=255)
    return ClassStatistics(
        classes=tuple(classes),
        images=len(paths),
        area=tuple(None if np.isnan(share) else share for share in area.tolist()),
        presence=tuple(presence.tolist()),
        groups=class_groups(area, presence),
    )


def table7(statistics: ClassStatistics) -> str:
    """The statistics laid out like the paper's Table 7, a class a line, largest first."""
    area = np.array([np.nan if share is None else share for share in statistics.area])
    member = {
        number: [name for name, ids in statistics.groups.items() if number in ids]
        for number in range(len(area))
    }
    width = max(len(name) for name in statistics.classes)
    lines = [f'{"class":{width}}{"% of image":>12}{"% of pixels":>13}{"% of images":>13}  groups']
    for number in np.argsort(-np.nan_to_num(area, nan=-1.0), kind='stable').tolist():
        share, presence = area[number], statistics.presence[number]
        cells = f'{100 * share:12.2f}{100 * share * presence:13.2f}{100 * presence:13.1f}'
        if np.isnan(share):
            cells = f'{"-":>12}{"-":>13}{0:13.1f}'
        groups = ' '.join(member[number]) or 'none: never appears'
        lines.append(f'{statistics.classes[number]:{width}}{cells}  {groups}')
    lines.append(
        f'{statistics.images} images; % of image: over the images that contain the class; '
        '% of pixels: over all images'
    )
    return '\n'.join(lines)


def save_statistics(statistics: ClassStatistics, path: str | os.PathLike) -> None:
    """Write the statistics as JSON; ``ClassGroupIoU(groups=path)`` takes it."""
    write_json(path, asdict(statistics), indent=1)


def _read_labels(
    paths: Sequence[Path], num_classes: int, ignore: Sequence[int], reduce_zero_label: bool
) -> Iterator[NDArray[np.uint8]]:
    """Labels with class ids from 0 and 255 for what is ignored."""
    first = int(reduce_zero_label)
    legal = {*range(num_classes + first), *([] if reduce_zero_label else ignore)}
    to_class = np.full(256, 255, np.uint8)
    to_class[first : num_classes + first] = np.arange(num_classes)
    for path in tqdm(paths, desc='labels', unit='image'):
        yield to_class[read_label(path, legal)]
