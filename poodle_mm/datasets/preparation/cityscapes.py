"""Cityscapes' labelIds to the 19 train ids."""

import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from poodle_mm.catalog import CATALOG, IGNORE_INDEX, STREET_CLASSES
from poodle_mm.datasets.files import list_files
from poodle_mm.datasets.labels import read_label
from poodle_mm.utils.files import replacing
from poodle_mm.utils.processes import map_in_threads

LABEL_IDS_SUFFIX = '_gtFine_labelIds.png'
_TRAIN_IDS_SUFFIX = CATALOG['cityscapes'].seg_map_suffix

# label ids of STREET_CLASSES in their order; all others are ignored
_EVALUATED = (7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33)
_TRAIN_IDS = np.full(256, IGNORE_INDEX, np.uint8)
_TRAIN_IDS[list(_EVALUATED)] = np.arange(len(STREET_CLASSES))


def to_train_ids(label_ids: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Train ids of label ids, both (H, W) uint8; 255 is ignored.

    Raises:
        ValueError: If an id is larger than 33.
    """
    if label_ids.max(initial=0) > _EVALUATED[-1]:
        raise ValueError(f"Cityscapes' labelIds are 0 to {_EVALUATED[-1]}, got {label_ids.max()}")
    return _TRAIN_IDS[label_ids]


def convert_tree(root: str | os.PathLike, workers: int = 4) -> tuple[int, int]:
    """Write the train ids beside all ``*_gtFine_labelIds.png`` that have none yet.

    Args:
        root: A folder with ``gtFine``, or any folder below it.
        workers: Threads.

    Returns:
        Number of files written, and of those that were there.

    Raises:
        FileNotFoundError: If there is no label image.
        ValueError: If one cannot be read or holds other ids; its name is in the message.
    """
    root = Path(root)
    sources = list_files(root, LABEL_IDS_SUFFIX)
    if not sources:
        raise FileNotFoundError(f'{root}: holds no *{LABEL_IDS_SUFFIX}; give the folder of gtFine')
    targets = [root / (name.removesuffix(LABEL_IDS_SUFFIX) + _TRAIN_IDS_SUFFIX) for name in sources]
    todo = [(root / name, target) for name, target in zip(sources, targets) if not target.exists()]
    list(map_in_threads(lambda pair: _convert_one(*pair), todo, 'labels', threads=workers))
    return len(todo), len(sources) - len(todo)


def _convert_one(source: Path, target: Path) -> None:
    label_ids = read_label(source)
    try:
        train_ids = to_train_ids(label_ids)
    except ValueError as error:
        raise ValueError(f'{source}: {error}') from error
    with replacing(target) as temporary:
        Image.fromarray(train_ids).save(temporary)
