"""Label images: class ids per pixel, and the files that are mistaken for such."""

import os
from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from poodle_mm.catalog import CATALOG, IGNORE_INDEX
from poodle_mm.datasets.files import FileError, file_problem


class LabelError(FileError):
    """A label image that does not hold class ids."""


UNREADABLE = 'truncated or not an image'
COLOURS = 'a colour map, not class ids'
PALETTE = 'a palette image: some readers give its ids, others its colours'
OTHER_MODE = 'not 8 bits a pixel: instance ids, perhaps'
OTHER_SIZE = 'size differs from the image'
ILLEGAL = 'holds ids that are no classes'
LABEL_IDS = "holds Cityscapes' labelIds instead of trainIds"

_MODES = {'P': PALETTE, 'PA': PALETTE, 'RGB': COLOURS, 'RGBA': COLOURS, 'LA': COLOURS}


def read_label(
    path: str | os.PathLike,
    ids: Collection[int] | None = None,
    size: tuple[int, int] | None = None,
    ignore_index: int = IGNORE_INDEX,
    any_palette: bool = False,
) -> NDArray[np.uint8]:
    """Class ids of a single-channel, 8-bit image.

    Args:
        path: The file.
        ids: Ids that may occur, those of ignored pixels included; None allows all.
        size: (H, W) of the image that it labels; None allows all.
        ignore_index: Id that is replaced by 255.
        any_palette: Whether the numbers of any palette's entries are ids; else entry i has to be
            the grey level i, as in some of BDD100K's files.

    Returns:
        (H, W) uint8.

    Raises:
        LabelError: If it cannot be read whole, has colours, another palette or more than 8 bits,
            other ids or another size.
    """
    if problem := file_problem(path):
        raise LabelError(path, UNREADABLE, problem)
    try:
        with Image.open(path) as image:
            mode, label = image.mode, np.asarray(image)
            is_plain = mode == 'L' or (
                mode == 'P' and (any_palette or _is_grey(image.getpalette(), label))
            )
    except (OSError, SyntaxError, ValueError) as error:
        raise LabelError(path, UNREADABLE, str(error)) from error
    if not is_plain:
        raise LabelError(path, _MODES.get(mode, OTHER_MODE), f'mode {mode}')
    if ids is not None:
        _check_ids(path, label, set(ids))
    if size is not None and label.shape != tuple(size):
        detail = f'{label.shape[1]}x{label.shape[0]}, image {size[1]}x{size[0]}'
        raise LabelError(path, OTHER_SIZE, detail)
    if ignore_index == IGNORE_INDEX:
        return label
    return np.where(label == ignore_index, np.uint8(IGNORE_INDEX), label)


def _is_grey(palette: list[int], label: NDArray) -> bool:
    colours = np.reshape(palette, (-1, 3))
    used = np.unique(label)
    return used.max(initial=0) < len(colours) and bool((colours[used] == used[:, None]).all())


def _check_ids(path: str | os.PathLike, label: NDArray, legal: set[int]) -> None:
    present = np.flatnonzero(np.bincount(label.ravel(), minlength=256))
    if strange := sorted(set(present.tolist()) - legal):
        # train ids end at 18; 19 to 33 are the labelIds of vegetation to bicycle
        is_label_ids = legal == CATALOG['cityscapes'].label_ids and present.max() <= 33
        reason = LABEL_IDS if is_label_ids else ILLEGAL
        raise LabelError(path, reason, f'ids {strange[:10]}')
