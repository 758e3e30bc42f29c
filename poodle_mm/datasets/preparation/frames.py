"""Videos to folders of numbered JPEGs, for storage on which decoding videos is too slow."""

import json
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import as_completed
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import cv2
import numpy as np

from poodle_mm.datasets.files import VIDEO_EXTENSIONS, find_files
from poodle_mm.datasets.video.reader import FrameReadError, VideoReader
from poodle_mm.utils.files import replacing_folder, write_image, write_json
from poodle_mm.utils.processes import process_pool
from poodle_mm.utils.progress import Progress
from poodle_mm.utils.shards import WHOLE, Shard

_CHUNK_BYTES = 2**28


@dataclass(frozen=True)
class FrameChoice:
    """Choice of the frames that are written, and how; give ``fps`` or ``every``.

    Args:
        fps: Number k is the frame on screen k / fps seconds after the first one.
        every: Every ``every``-th frame; its number is the one that it has in the video.
        size: (H, W) in pixels to resize to; None keeps the video's.
        quality: Quality of the JPEGs, 1 to 100.
    """

    fps: float | None = None
    every: int | None = None
    size: tuple[int, int] | None = None
    quality: int = 95

    def __post_init__(self) -> None:
        if (self.fps is None) == (self.every is None):
            raise ValueError('give either fps or every')
        if (self.fps is not None and self.fps <= 0) or (self.every is not None and self.every < 1):
            raise ValueError(f'fps and every must be positive, got {self.fps or self.every}')
        if self.size is not None and min(self.size) < 1:
            raise ValueError(f'size must be positive, got {self.size}')
        if not 1 <= self.quality <= 100:
            raise ValueError(f'quality must be 1 to 100, got {self.quality}')

    def frames(self, timestamps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Positions in a video, and the numbers under which they are written.

        ``timestamps`` are the increasing seconds of all its frames, the first one 0.
        """
        if self.every is not None:
            positions = np.arange(0, len(timestamps), self.every)
            return positions, positions
        # a frame's time is rounded to the container's unit, mostly 1 ms or less
        slack = 2e-3
        numbers = np.arange(int((timestamps[-1] + slack) * self.fps) + 1)
        positions = np.searchsorted(timestamps, numbers / self.fps + slack, side='right') - 1
        return positions, numbers


@dataclass
class Extraction:
    """Result of :func:`extract_frames`.

    Attributes:
        present: Videos that an earlier run had finished.
        failed: Reason by video that could not be read.
        rates: Number of videos extracted now by frames per second (rounded to 0.01).
    """

    present: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    rates: Counter[float] = field(default_factory=Counter)

    @property
    def written(self) -> int:
        """Videos extracted now."""
        return self.rates.total()


def find_videos(sources: Sequence[str | os.PathLike]) -> dict[str, Path]:
    """Videos by name: the stem of a file, the path below a tree without extension.

    Raises:
        FileNotFoundError: If a source does not exist or holds no video.
        ValueError: If two videos have one name.
    """
    found: list[tuple[str, Path]] = []
    for source in map(Path, sources):
        if source.is_file():
            found.append((source.stem, source))
        else:
            names = find_files(source, VIDEO_EXTENSIONS)
            found += [(PurePosixPath(n).with_suffix('').as_posix(), source / n) for n in names]
    twice = [name for name, count in Counter(name for name, _ in found).items() if count > 1]
    if twice:
        raise ValueError(f'several videos would share a folder: {twice[:5]}; rename them')
    return dict(found)


def extract_frames(
    videos: str | os.PathLike,
    out: str | os.PathLike,
    choice: FrameChoice,
    workers: int = 1,
    shard: Shard = WHOLE,
) -> Extraction:
    """Write frames of all videos of a tree as ``<out>/<path without extension>/<number>.jpg``.

    ``FramePairDataset(source='frames', fps=...)`` reads ``out``. A video is finished when its
    folder is there, so that an interrupted run goes on with the unfinished ones.

    Args:
        videos: Root of the videos.
        out: Folder to write to.
        workers: Processes; 1 stays in this one.
        shard: Part of the videos to do.

    Returns:
        Counts, and the videos that cannot be read (they leave nothing behind).

    Raises:
        FileNotFoundError: If there is no video.
        ValueError: If two videos differ in nothing but the extension, or ``out`` was made with
            another choice.
    """
    jobs = [(path, Path(out, name)) for name, path in find_videos([videos]).items()]
    jobs = shard.of(jobs)
    facts = Path(out, 'frames.json')
    refuse_other_facts(facts, vars(choice))
    if not facts.is_file():
        write_json(facts, vars(choice))
    todo = [job for job in jobs if not job[1].is_dir()]
    result = Extraction(present=len(jobs) - len(todo))
    results = _results([(*job, choice) for job in todo], workers)
    for outcome in Progress(results, total=len(todo), desc='videos', unit='video'):
        if isinstance(outcome, FrameReadError):
            result.failed[outcome.path] = outcome.reason
        else:
            result.rates[round(outcome, 2)] += 1
    return result


def _results(jobs: Sequence[tuple], workers: int) -> Iterator[float | FrameReadError]:
    if workers <= 1:
        yield from (_attempt(*job) for job in jobs)
        return
    with process_pool(workers) as pool:
        try:
            for future in as_completed([pool.submit(_attempt, *job) for job in jobs]):
                yield future.result()
        finally:
            pool.shutdown(cancel_futures=True)


def _attempt(video: Path, folder: Path, choice: FrameChoice) -> float | FrameReadError:
    """Write the frames of one video; its frames per second, or why it cannot be read."""
    cv2.setNumThreads(0)
    try:
        with replacing_folder(folder) as temporary, open_whole(video) as reader:
            times = reader.timestamps
            positions, numbers = choice.frames(times)
            for number, image in zip(numbers.tolist(), frames_at(reader, positions)):
                if choice.size is not None:
                    image = cv2.resize(image, choice.size[::-1], interpolation=cv2.INTER_AREA)
                write_rgb(temporary / f'{number:06d}.jpg', image, choice.quality)
    except FrameReadError as error:
        return error
    return (len(times) - 1) / float(times[-1]) if len(times) > 1 else 0.0


@contextmanager
def open_whole(video: Path) -> Iterator[VideoReader]:
    """Open a video; a :class:`FrameReadError` if it is cut off at its end."""
    with VideoReader(video) as reader:
        if not reader.has_end():
            raise FrameReadError(str(video), 'truncated')
        yield reader


def frames_at(reader: VideoReader, positions: np.ndarray) -> Iterator[np.ndarray]:
    """Frames (H, W, 3) uint8 RGB of a video by increasing numbers, each decoded once.

    Those that start from one keyframe are read at once, unless memory forbids.
    """
    if not len(positions):
        return
    most = max(1, _CHUNK_BYTES // reader.read([0])[0].size)
    ends = np.flatnonzero(np.diff(reader.table.start_of(positions))) + 1
    for run in np.split(positions, ends):
        for first in range(0, len(run), most):
            yield from reader.read(run[first : first + most].tolist())


def write_rgb(path: Path, image: np.ndarray, quality: int) -> None:
    """Write (H, W, 3) uint8 RGB as ``.jpg`` or ``.png``, whole or not at all."""
    write_image(path, image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])


def refuse_other_facts(path: Path, facts: dict) -> None:
    """A ValueError if ``path``, a JSON that tells how its folder was made, holds other facts."""
    if path.is_file():
        found = json.loads(path.read_text(encoding='utf-8'))
        for key, value in json.loads(json.dumps(facts)).items():
            if found.get(key) != value:
                raise ValueError(
                    f'{path.parent} was made with {key} {found.get(key)}, not {value}: give '
                    'another folder'
                )
