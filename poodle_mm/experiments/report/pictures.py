"""Pictures of a run for a page: over its iterations, thinned, small, inside the page."""

import base64
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

_MOST = 9  # iterations on a page
_WIDEST = 1400  # pixels
_QUALITY = 82


@dataclass(frozen=True)
class Frame:
    """A picture on the page.

    Attributes:
        caption: What it is.
        data: The picture as a ``data:`` URL; empty if it is damaged.
    """

    caption: str
    data: str


def pictures_over_time(folder: Path) -> tuple[dict[int, list[Frame]], str]:
    """What the network saw: number of the pair to its pictures over the iterations.

    Args:
        folder: Work dir of the run.

    Returns:
        The pictures, evenly spread with the first and the last one where there are many, and a
        sentence about those left out.
    """
    files: dict[int, list[tuple[int, Path]]] = defaultdict(list)
    for file in folder.glob('pictures/iter_*_*.png'):
        if found := re.fullmatch(r'iter_(\d+)_(\d+)', file.stem):
            files[int(found[2])].append((int(found[1]), file))
    frames, note = {}, ''
    for pair, of_pair in sorted(files.items()):
        of_pair.sort()
        shown = spread(of_pair, _MOST)
        if len(shown) < len(of_pair):
            note = f'{len(shown)} of {len(of_pair)} iterations are shown; all are in pictures/.'
        frames[pair] = [Frame(f'iteration {n:,}', embedded(file)) for n, file in shown]
    return frames, note


def spread(items: Sequence, most: int) -> list:
    """At most ``most`` of the items, evenly spread, with the first and the last."""
    if len(items) <= most:
        return list(items)
    return [items[n] for n in np.linspace(0, len(items) - 1, most).round().astype(int)]


def embedded(file: Path, widest: int = _WIDEST) -> str:
    """A picture file as a ``data:`` URL, no wider than ``widest``; empty if it is damaged."""
    try:
        image = cv2.imdecode(np.frombuffer(file.read_bytes(), np.uint8), cv2.IMREAD_COLOR)
    except (OSError, cv2.error):
        image = None
    return '' if image is None else data_url(image, widest)


def data_url(image: np.ndarray, widest: int = _WIDEST) -> str:
    """A BGR picture as a ``data:`` URL."""
    height, width = image.shape[:2]
    if width > widest:
        size = (widest, max(1, round(height * widest / width)))
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    content = cv2.imencode('.webp', image, [cv2.IMWRITE_WEBP_QUALITY, _QUALITY])[1]
    return f'data:image/webp;base64,{base64.b64encode(content.tobytes()).decode()}'
