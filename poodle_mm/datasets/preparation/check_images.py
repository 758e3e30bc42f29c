"""Checks of image files and label files, each opened to its end."""

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
from PIL import Image

from poodle_mm.datasets.files import file_problem
from poodle_mm.datasets.frame_folders import is_dark_16_bit
from poodle_mm.datasets.labels import (
    COLOURS,
    ILLEGAL,
    LABEL_IDS,
    OTHER_MODE,
    OTHER_SIZE,
    PALETTE,
    UNREADABLE,
    LabelError,
    read_label,
)
from poodle_mm.datasets.preparation.report import CheckReport
from poodle_mm.utils.processes import map_in_threads

Item = TypeVar('Item')
_DARK = '16 bits of which less than an eighth of the range is used: read nearly black'
_ADVICE = {
    COLOURS: 'use the folder of id masks (BDD100K: labels/sem_seg/masks, not colormaps)',
    PALETTE: 'use the id masks, or save the ids as 8-bit grey levels',
    OTHER_MODE: 'use the semantic labels, one byte a pixel',
    LABEL_IDS: 'run tools/dataset_converters/cityscapes_train_ids.py on the original labelIds',
    ILLEGAL: 'these are not the labels of this data set, or in another encoding',
    UNREADABLE: 'download or unpack again',
    _DARK: 'scale them up (12 bits by 16), or save them with 8 bits',
    OTHER_SIZE: 'take images and labels of one release',
}


def check_images(
    report: CheckReport, folder: str, names: Sequence[str], sample: int | None = None
) -> dict[str, tuple[int, int]]:
    """Open ``sample`` images of a folder, or all, to their end, and add to the report.

    Returns:
        (H, W) by name of those that were opened and are whole.
    """
    sizes = {}
    root = Path(report.root, folder)

    def inspect(name: str) -> tuple[str, str] | None:
        if problem := file_problem(root / name):
            return UNREADABLE, f'{name} ({problem})'
        try:
            with Image.open(root / name) as image:
                size = image.height, image.width
                # a JPEG is read whole, but only an eighth of its size is computed
                image.draft('RGB', (image.width // 8, image.height // 8))
                image.load()
                brightest = np.max(image.getextrema())
                sixteen = image.mode.startswith('I')  # colours come as 8 bits
        except (OSError, SyntaxError, ValueError):
            return UNREADABLE, name
        sizes[name] = size
        dark = brightest < (2**16 if sixteen else 2**8) // 8
        return (_DARK, name) if dark and is_dark_16_bit(str(root / name)) else None

    _inspect_all(report, folder, report.shard.of(spread(names, sample)), inspect)
    return sizes


def check_labels(
    report: CheckReport,
    folder: str,
    sizes: Mapping[str, tuple[int, int] | None],
    legal: Collection[int],
    sample: int | None = None,
) -> None:
    """Read ``sample`` label images of a folder, or all, and add to the report.

    Args:
        sizes: (H, W) of the image by label; None where unknown.
        legal: Ids that may occur.
    """

    def inspect(name: str) -> tuple[str, str] | None:
        try:
            read_label(Path(report.root, folder, name), legal, sizes[name])
        except LabelError as error:
            return error.reason, f'{name} ({error.detail})'
        return None

    _inspect_all(report, folder, report.shard.of(spread(list(sizes), sample)), inspect)


def note_hidden(report: CheckReport, folder: str) -> None:
    """Tell of hidden copies of data files, such as macOS's ``._name.jpg``."""
    if not report.shard.is_first:
        return
    root = Path(report.root, folder)
    kinds = ('.jpg', '.jpeg', '.png', '.mp4', '.mov')
    hidden = [path.name for path in root.rglob('.*') if path.suffix.lower() in kinds]
    if hidden:
        report.note(
            folder,
            f'{len(hidden)} hidden files such as {min(hidden)}, which are left out; '
            f"find {root} -name '._*' -delete removes those of macOS",
        )


def spread(names: Sequence[Item], sample: int | None) -> list[Item]:
    """At most ``sample`` names, evenly over the list; None takes all."""
    if sample is None or sample >= len(names):
        return list(names)
    return [names[i] for i in np.linspace(0, len(names) - 1, sample).round().astype(int)]


def _inspect_all(
    report: CheckReport,
    folder: str,
    names: Sequence[str],
    inspect: Callable[[str], tuple[str, str] | None],
) -> None:
    """Add what ``inspect`` says (reason, file) of each file."""
    threads = min(8, os.cpu_count() or 1)
    for reason, name in filter(None, map_in_threads(inspect, names, folder, threads=threads)):
        report.add(folder, reason, _ADVICE[reason], [name])
