"""Label images: class ids per pixel, and the files that are mistaken for such."""

import os
from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from poodle_mm.datasets.video.file import file_problem


class LabelError(ValueError):
    """A label image that does not hold class ids.

    Args:
        path: The file.
        reason: What is wrong with it, the same words for all files of a kind.
        detail: What is special to this file.
    """

    def __init__(self, path: str | os.PathLike, reason: str, detail: str = '') -> None:
        super().__init__(path, reason, detail)
        self.path = str(path)
        self.reason = reason
        self.detail = detail

    def __str__(self) -> str:
        return f'{self.path}: {self.reason}' + (f' ({self.detail})' if self.detail else '')


UNREADABLE = 'truncated or not an image'
COLOURS = 'a colour map, not class ids'
PALETTE = 'a palette image: some readers give its ids, others its colours'
OTHER_MODE = 'not 8 bits a pixel: instance ids, perhaps'
ILLEGAL = 'holds ids that are no classes'
LABEL_IDS = "holds Cityscapes' labelIds instead of trainIds"


def read_label(path: str | os.PathLike) -> NDArray[np.uint8]:
    """Class ids (H, W) uint8 of a single-channel, 8-bit image.

    A palette is accepted where entry i is the grey level i, as in some of BDD100K's files.

    Raises:
        LabelError: If it cannot be read whole, or has colours, another palette or more than 8 bits.
    """
    if problem := file_problem(path):
        raise LabelError(path, UNREADABLE, problem)
    try:
        with Image.open(path) as image:
            mode = image.mode
            ids = np.asarray(image)
            plain = mode == 'L' or (mode == 'P' and _is_grey(image.getpalette(), ids))
    except (OSError, SyntaxError, ValueError) as error:
        raise LabelError(path, UNREADABLE, str(error)) from error
    if plain:
        return ids
    reasons = {'P': PALETTE, 'RGB': COLOURS, 'RGBA': COLOURS, 'LA': COLOURS, 'PA': PALETTE}
    raise LabelError(path, reasons.get(mode, OTHER_MODE), f'mode {mode}')


def _is_grey(palette: list[int], ids: NDArray) -> bool:
    colours = np.reshape(palette, (-1, 3))
    used = np.unique(ids)
    return used.max(initial=0) < len(colours) and bool((colours[used] == used[:, None]).all())


def check_ids(path: str | os.PathLike, ids: NDArray, legal: Collection[int]) -> None:
    """Refuse a label image with other ids than ``legal``.

    Raises:
        LabelError: Naming the ids.
    """
    present = np.flatnonzero(np.bincount(ids.ravel(), minlength=256))
    strange = sorted(set(present.tolist()) - set(legal))
    if not strange:
        return
    # train ids end at 18; 19 to 33 are the labelIds of vegetation to bicycle
    is_cityscapes = set(legal) == {*range(19), 255}
    looks_like_label_ids = is_cityscapes and present.max() <= 33
    raise LabelError(path, LABEL_IDS if looks_like_label_ids else ILLEGAL, f'ids {strange[:10]}')
