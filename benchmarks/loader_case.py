"""The files, the data set and the pairs of the loader's stage."""

from pathlib import Path
from typing import NamedTuple

from benchmarks.pair_readers import Pair
from benchmarks.result import Options
from benchmarks.videos import BIT_RATE, SHAPE, drive, frames_of, write_videos
from poodle_mm.datasets import FramePairDataset, PackFramePair, PairRandomCrop

DELTA = (15, 30)
AREA = (0.16, 0.45)


class Scale(NamedTuple):
    """Amounts of work."""

    frames: int
    shape: tuple[int, int]
    bit_rate: int
    size: tuple[int, int]
    pairs: int
    worker_pairs: int
    memory_samples: tuple[int, int]
    big_memory_samples: tuple[int, int]


FULL = Scale(1200, SHAPE, BIT_RATE, (512, 1024), 24, 48, (1000, 10_000), (100, 300))
QUICK = Scale(90, (90, 160), 200_000, (32, 64), 2, 4, (10, 30), (2, 4))


def make_videos(options: Options, scale: Scale) -> dict[str, Path]:
    """The two files, by encoding; made once in ``options.cache``."""
    height, width = scale.shape
    name = f'{scale.frames}x{height}x{width}'
    if options.video is None:
        frames = drive(scale.frames, scale.shape)
    else:
        stat = options.video.stat()
        name = f'{options.video.stem}_{stat.st_size}_{stat.st_mtime_ns}_{name}'
        frames = frames_of(options.video, scale.frames, scale.shape)
    return write_videos(options.cache / 'videos' / name, frames, scale.shape, scale.bit_rate)


def make_dataset(path: Path, size: tuple[int, int], starts: str = 'any') -> FramePairDataset:
    """The data set as configs make it, over the folder of one file."""
    return FramePairDataset(
        data_root=str(path.parent),
        delta=DELTA,
        starts=starts,
        pipeline=[PairRandomCrop(area=AREA, size=size), PackFramePair()],
    )


def known_pairs(dataset: FramePairDataset, count: int) -> list[Pair]:
    """Pairs that the data set draws for epochs 0, 1, 2, ..."""
    pairs = []
    for epoch in range(count):
        sample = dataset[(epoch, 0)]['data_samples']
        pairs.append(Pair((epoch, 0), sample.source, sample.frame_ids, sample.crop_box))
    return pairs
