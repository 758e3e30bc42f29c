"""The label images of a data set of the catalogue: its files, its classes, its pixels."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from poodle_mm.catalog import CATALOG, IGNORE_INDEX, DataSet
from poodle_mm.datasets.files import list_files
from poodle_mm.datasets.labels import read_label

LABELLED = {name: data for name, data in CATALOG.items() if data.splits}
"""Data sets with labels by name."""


def class_names(data: DataSet) -> tuple[str, ...]:
    """Names of a data set's classes; those of ADE20K and WT-Sem are MMSegmentation's."""
    if data.classes:
        return data.classes
    from mmseg.utils import get_classes  # takes seconds

    return tuple(get_classes('ade20k'))


def label_folder(name: str, root: str | Path, split: str) -> Path:
    """Folder of a split's labels.

    Args:
        name: One of ``LABELLED``.
        root: Root of the data set.
        split: Name of the split.

    Raises:
        FileNotFoundError: If there is no such folder.
        ValueError: For an unknown data set or split, or one whose labels are not public.
    """
    if name not in LABELLED:
        raise ValueError(f'{name!r} is no labelled data set: they are {", ".join(LABELLED)}')
    splits = {key: each.labels for key, each in LABELLED[name].splits.items() if each.labels}
    if split not in splits:
        raise ValueError(f'{name} has labels of {", ".join(splits)}, not of {split!r}')
    folder = Path(root, splits[split])
    if not folder.is_dir():
        raise FileNotFoundError(f'{folder}: no such folder; root must be that of {name}')
    return folder


def label_files(name: str, root: str | Path, split: str, most: int | None = None) -> list[Path]:
    """Label images of a split, sorted.

    Args:
        name, root, split: See :func:`label_folder`.
        most: Largest number of files, evenly spread; None: all.

    Raises:
        FileNotFoundError, ValueError: As :func:`label_folder`; or if there is no file.
    """
    folder, suffix = label_folder(name, root, split), LABELLED[name].seg_map_suffix
    files = [folder / file for file in list_files(folder, suffix)]
    if not files:
        raise FileNotFoundError(f'{folder}: no label image ends with {suffix}')
    if most is not None and most < 1:
        raise ValueError(f'at least one image is needed, got {most}')
    if most is None or most >= len(files):
        return files
    return [files[int((i + 0.5) * len(files) / most)] for i in range(most)]


def read_classes(path: Path, data: DataSet) -> NDArray[np.uint8]:
    """Classes of a label image, uint8 (H, W), 255 for none; ids start at 0 in every data set.

    Raises:
        LabelError: If it is no label image of the data set.
    """
    if not data.reduce_zero_label:
        return read_label(path, data.label_ids, ignore_index=data.ignore_index)
    label = read_label(path, data.label_ids)
    return np.where(label == 0, np.uint8(IGNORE_INDEX), label - np.uint8(1))
