"""Small videos whose verdict is known, and a config that reads them."""

from collections.abc import Iterable
from pathlib import Path

import av
import cv2
import numpy as np
from mmengine.config import Config

from poodle_mm.engine.config import load_config

SIZE = (96, 192)
FRAMES = 30
STEP = 1.5  # pixels a frame


def texture(seed: int) -> np.ndarray:
    """(96, 384, 3) uint8: blobs of a few pixels, which flow can follow."""
    noise = np.random.default_rng(seed).normal(size=(SIZE[0], 2 * SIZE[1], 3)).astype(np.float32)
    blurred = cv2.GaussianBlur(noise, (0, 0), 3)
    return np.clip(128 + 60 * blurred / blurred.std(), 0, 255).astype(np.uint8)


def moving(seed: int, count: int = FRAMES) -> list[np.ndarray]:
    """Frames of a texture that goes to the left by ``STEP`` pixels a frame."""
    image = texture(seed)
    shifts = [np.float32([[1, 0, -STEP * n], [0, 1, 0]]) for n in range(count)]
    return [cv2.warpAffine(image, shift, SIZE[::-1]) for shift in shifts]


def static(seed: int) -> list[np.ndarray]:
    return [texture(seed)[:, : SIZE[1]]] * FRAMES


def with_cut(seed: int) -> list[np.ndarray]:
    """Another texture from the middle on."""
    return moving(seed, FRAMES // 2) + moving(seed + 1000, FRAMES // 2)


def black(seed: int) -> list[np.ndarray]:
    return [np.zeros((*SIZE, 3), np.uint8)] * FRAMES


def write(path: Path, images: Iterable[np.ndarray]) -> None:
    """Write a video, next to lossless."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), 'w') as container:
        stream = container.add_stream('libx264', rate=30, options=dict(crf='10', preset='fast'))
        stream.height, stream.width = SIZE
        stream.pix_fmt = 'yuv420p'
        for image in images:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format='rgb24')))
        container.mux(stream.encode(None))


def options(root: Path, crop: bool = True) -> dict:
    """Options that have a config read the videos in a folder, Δ of 4 to 6 frames.

    Args:
        root: The folder.
        crop: Whether its crop becomes the whole frame.
    """
    part = 'train_dataloader.dataset'
    own = {
        f'{part}.data_root': str(root),
        f'{part}.data_prefix.path': '',
        f'{part}.delta': (4, 6),
        f'{part}.delta_unit': 'frames',
    }
    if crop:
        own |= {f'{part}.pipeline.0.scale': (1.0, 1.0), f'{part}.pipeline.0.short_side': SIZE[0]}
    return own


def config(root: Path, name: str = 'demo/poodle_r18_scenes', **others) -> Config:
    """A config of ours on the videos in a folder.

    Args:
        root: The folder.
        name: The config.
        **others: Further options, ``__`` for the dots of their keys.
    """
    others = {key.replace('__', '.'): value for key, value in others.items()}
    return load_config(name, options(root, name.startswith('demo/')) | others)
