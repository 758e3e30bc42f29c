"""Image files, without those that were cut off."""

import os
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from poodle_mm.datasets.files import FrameReadError, file_problem
from poodle_mm.datasets.video.file import MAX_PIXELS

_FILL, _START, _SCAN, _END = b'\xff', b'\xd8', b'\xda', b'\xd9'  # bytes of JPEG's markers


def read_image(path: str | os.PathLike) -> np.ndarray:
    """Read an image file.

    Args:
        path: File of any kind that OpenCV reads; 16 bits are reduced to 8, grey levels become
            colours, an orientation in its EXIF is followed.

    Returns:
        uint8 RGB (H, W, 3).

    Raises:
        FrameReadError: If it cannot be opened, is no image, ends too early, or has more than 67
            megapixels. Other damage is refused where the decoder tells, which for JPEG it does
            seldom.
    """
    if problem := file_problem(path):
        raise FrameReadError(path, problem)
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise FrameReadError(path, error.strerror or str(error)) from error
    if not content:
        raise FrameReadError(path, 'is empty')
    if problem := _size_problem(content):
        raise FrameReadError(path, problem)
    if is_cut_off(content):
        raise FrameReadError(path, 'lacks its end, as a copy or download that broke off does')
    try:
        image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error as error:
        raise FrameReadError(path, f'cannot be read as an image: {error.err}') from error
    if image is None:
        raise FrameReadError(path, 'cannot be read as an image')
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def is_cut_off(content: bytes) -> bool:
    """Whether the content of a JPEG file lacks its end; False for other formats.

    Decoders fill what is missing with grey and call the image good; those of other formats do not.
    """
    if not content.startswith(_FILL + _START):
        return False
    # the segments before the first scan may hold a thumbnail, with an end of its own
    place = 2
    while content[place : place + 1] == _FILL:
        marker = content[place + 1 : place + 2]
        if marker == _SCAN:
            break
        length = int.from_bytes(content[place + 2 : place + 4], 'big')
        place += 1 if marker == _FILL else 2 + length
    return content.rfind(_FILL + _END, place) < 0  # within a scan a zero follows each 0xFF


def _size_problem(content: bytes) -> str:
    """Refuse a header that announces too many pixels; the picture is not decoded."""
    try:
        with Image.open(BytesIO(content)) as image:
            width, height = image.size
    except Image.DecompressionBombError as error:
        return f'is too large: {error}'
    except (OSError, SyntaxError, ValueError):
        return ''  # for OpenCV to judge
    if width * height <= MAX_PIXELS:
        return ''
    return f'{width}x{height} is larger than {MAX_PIXELS / 1e6:.0f} megapixels'
