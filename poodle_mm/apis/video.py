"""Dense features of a video, frame by frame."""

from collections.abc import Iterator
from os import PathLike
from typing import NamedTuple

import numpy as np
from torch import Tensor

from poodle_mm.apis.encoder import DenseEncoder
from poodle_mm.apis.features import dense_features
from poodle_mm.datasets.video.reader import VideoReader

_CHUNK = 32  # frames decoded in one pass from a keyframe: each pass decodes up to a frame again


class FrameFeatures(NamedTuple):
    """The map of one frame.

    Attributes:
        frame: Number of the frame, from 0.
        seconds: Time after the first frame.
        features: float32 (C, h, w), see :func:`dense_features`.
    """

    frame: int
    seconds: float
    features: Tensor


def video_features(
    encoder: DenseEncoder,
    video: str | PathLike,
    size: tuple[int, int] | None = None,
    batch_size: int = 8,
    step: int = 1,
) -> Iterator[FrameFeatures]:
    """Compute the maps of a video's frames.

    Args:
        encoder: An encoder in eval mode.
        video: Video file.
        size, batch_size: As in :func:`dense_features`.
        step: Every ``step``-th frame, from the first.

    Yields:
        Frames in order.

    Raises:
        FrameReadError: If the file is not a video, or a frame cannot be decoded; with its number.
    """
    with VideoReader(video, threads=0) as reader:
        frames = chosen_frames(reader, step)
        seconds = reader.timestamps
        maps = dense_features(encoder, _decode(reader, frames), size, batch_size)
        for frame, features in zip(frames, maps, strict=True):
            yield FrameFeatures(frame, float(seconds[frame]), features)


def chosen_frames(reader: VideoReader, step: int) -> range:
    """Numbers of every ``step``-th frame."""
    if step < 1:
        raise ValueError(f'step must be at least 1, got {step}')
    return range(0, len(reader), step)


def _decode(reader: VideoReader, frames: range) -> Iterator[np.ndarray]:
    for start in range(0, len(frames), _CHUNK):
        yield from reader.read(frames[start : start + _CHUNK])
