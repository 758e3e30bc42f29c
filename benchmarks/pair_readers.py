"""Ways to read a pair of frames from a video file: the least, the usual and the plain one."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import av
import cv2
import mmcv
import numpy as np
import torch

from poodle_mm.datasets import VideoReader
from poodle_mm.datasets.transforms.crop import Box, crop_resize


class Pair(NamedTuple):
    """A pair to deliver: frames ``ids`` of ``path``, cut at ``box``."""

    key: tuple[int, int]
    path: str
    ids: tuple[int, int]
    box: Box


@contextmanager
def single_thread() -> Iterator[None]:
    """OpenCV and the FFmpeg inside of it within one thread."""
    variables = {'OPENCV_FFMPEG_CAPTURE_OPTIONS': 'threads;1', 'OPENCV_FFMPEG_THREADS': '1'}
    before, threads = {key: os.environ.get(key) for key in variables}, cv2.getNumThreads()
    os.environ.update(variables)
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(threads)
        for key, value in before.items():
            os.environ.pop(key) if value is None else os.environ.update({key: value})


class LowerBound:
    """Decodes what the file format forces, and nothing else."""

    def __init__(self, path: Path) -> None:
        with VideoReader(path, quick=False) as reader:
            self.pts, self.keys = reader.table.pts, reader.table.key_pts
        self.container = av.open(str(path))
        self.stream = self.container.streams.video[0]
        self.stream.codec_context.thread_count = 1
        self.stream.codec_context.thread_type = 'NONE'

    def __call__(self, pair: Pair) -> int:
        """Decode the two frames; how many frames were decoded."""
        wanted = [int(self.pts[i]) for i in pair.ids]
        keys = [int(self.keys[np.searchsorted(self.keys, pts, 'right') - 1]) for pts in wanted]
        return sum(
            self._decode(key, {pts for pts, own in zip(wanted, keys) if own == key})
            for key in dict.fromkeys(keys)
        )

    def _decode(self, key: int, wanted: set[int]) -> int:
        decoder = self.stream.codec_context
        self.container.seek(key, stream=self.stream)
        decoded = 0
        for packet in self.container.demux(self.stream):
            decoder.skip_frame = 'DEFAULT' if packet.pts in wanted else 'NONREF'
            decoded += len(packet.decode())
            wanted.discard(packet.pts)
            if not wanted:
                break
        return decoded + len(decoder.decode(None))


def opencv_pair(pair: Pair, onwards: bool) -> list[np.ndarray]:
    """Two BGR frames by OpenCV: seek to both, or to the first and on from there."""
    capture = cv2.VideoCapture(pair.path, cv2.CAP_FFMPEG)
    first, last = pair.ids
    capture.set(cv2.CAP_PROP_POS_FRAMES, first)
    frames = [capture.read()[1]]
    if onwards:
        for _ in range(first + 1, last):
            capture.grab()
    else:
        capture.set(cv2.CAP_PROP_POS_FRAMES, last)
    frames.append(capture.read()[1])
    capture.release()
    return frames


def mmcv_pair(pair: Pair, onwards: bool) -> list[np.ndarray]:
    """Two BGR frames by mmcv: index both, or the first and read on from there."""
    video = mmcv.VideoReader(pair.path, cache_capacity=1)
    first, last = pair.ids
    frames = [video[first]]
    if onwards:
        for _ in range(first + 1, last):
            video.read()
        return [*frames, video.read()]
    return [*frames, video[last]]


BASELINES: dict[str, Callable[..., list[np.ndarray]]] = {
    'OpenCV': opencv_pair,
    'mmcv.VideoReader': mmcv_pair,
}
TWO_SEEKS, ONWARDS = 'two seeks', 'seek, then read on'


def to_tensor(frames: Sequence[np.ndarray], box: Box, size: tuple[int, int]) -> torch.Tensor:
    """BGR frames to uint8 RGB (2, 3, H, W), as one would write it by hand."""
    crops = [cv2.cvtColor(crop_resize(f, box, size), cv2.COLOR_BGR2RGB) for f in frames]
    return torch.from_numpy(np.stack(crops).transpose(0, 3, 1, 2).copy())


def plain_pair(pair: Pair, size: tuple[int, int]) -> torch.Tensor:
    """The pair by the shortest program: FFmpeg's own probing, a table of all packets."""
    with VideoReader(pair.path, quick=False) as reader:
        frames = [frame[..., ::-1] for frame in reader.read(pair.ids)]
    return to_tensor([np.ascontiguousarray(frame) for frame in frames], pair.box, size)
