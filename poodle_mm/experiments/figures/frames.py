"""Frames that a figure is made of, from images and videos."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from poodle_mm.datasets.images import read_image
from poodle_mm.datasets.video.reader import VideoReader

_IMAGES = ('.png', '.jpg', '.jpeg', '.bmp', '.ppm', '.tif', '.tiff', '.webp')


def read_frames(
    sources: Sequence[str | Path], numbers: Sequence[int] = (0,)
) -> dict[str, np.ndarray]:
    """Read images, and frames of videos.

    Args:
        sources: Files; an image is a frame, of a video each of ``numbers`` is one.
        numbers: Numbers of a video's frames, from 0.

    Returns:
        Name to uint8 RGB (H0, W0, 3).

    Raises:
        FileNotFoundError: If a file is missing.
        ValueError: If it cannot be read, or a video has no such frame.
    """
    frames = {}
    for source in map(Path, sources):
        if not source.is_file():
            raise FileNotFoundError(f'there is no file {source}: name images or videos')
        if source.suffix.lower() in _IMAGES:
            frames[source.name] = read_image(source)
            continue
        with VideoReader(source) as video:
            wrong = [number for number in numbers if not 0 <= number < len(video)]
            if wrong:
                raise ValueError(f'{source} has frames 0 to {len(video) - 1}, not {wrong[0]}')
            images = video.read(sorted({*numbers}))
        for number, image in zip(sorted({*numbers}), images):
            frames[f'{source.name}, frame {number}'] = image
    return frames
