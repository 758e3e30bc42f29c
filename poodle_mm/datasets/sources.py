"""Sources of frames: video files, clips of long videos, folders of numbered frames.

A source lists items (an epoch visits each) and opens an item for reading. What it opens is a
context manager with ``frame_ids`` (N,) and ``timestamps`` (N,) seconds, both increasing,
``read(positions)`` and ``thumbnails(first, last, size)``; videos have ``keyframes`` (K,) too, the
positions of frames that are decoded without another one.
"""

import os
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from itertools import pairwise
from typing import Any

import numpy as np

from poodle_mm.datasets.clips import ClipRule, clip_starts
from poodle_mm.datasets.items import Items
from poodle_mm.datasets.remote.options import remote_options
from poodle_mm.datasets.remote.tree import file_in
from poodle_mm.datasets.remote.urls import url_or_folder
from poodle_mm.datasets.video.frame_table import FrameTable
from poodle_mm.datasets.video.index import shared_index
from poodle_mm.datasets.video.reader import VideoReader
from poodle_mm.datasets.video.video_table import VideoTable
from poodle_mm.utils.distributed import on_main_process
from poodle_mm.utils.errors import warn

MAX_BAD_SHARE = 0.1


class FrameSource(ABC):
    """A source of frames.

    Args:
        root: Folder of the files.
        rule: Frames that make a clip.
        max_bad_share: Largest tolerated share of files that cannot be used; fewer are skipped,
            counted and logged.

    Attributes:
        num_files: Files found, including bad ones.
        bad: Reason by unusable file.
        seconds: Length of the usable files; 0 where unknown.

    Raises:
        ValueError: For an argument without meaning.
    """

    def __init__(self, root: str, rule: ClipRule, max_bad_share: float = MAX_BAD_SHARE) -> None:
        if not 0 <= max_bad_share <= 1:
            raise ValueError(f'max_bad_share must be 0 to 1, got {max_bad_share}')
        self.root = url_or_folder(root)
        self.rule = rule
        self.max_bad_share = max_bad_share
        self.num_files = 0
        self.bad: dict[str, str] = {}
        self.seconds = 0.0

    def check_bad(self, bad: dict[str, str]) -> None:
        """Log unusable files (reason by file), or refuse the data if there are too many."""
        if not bad:
            return
        first = '\n'.join(f'  {path}: {reason}' for path, reason in list(bad.items())[:5])
        message = (
            f'{self.root}: {len(bad)} of {self.num_files} files cannot be used, among them\n{first}'
        )
        if self.too_many(bad):
            raise ValueError(
                f'{message}\nmore than max_bad_share={self.max_bad_share}: repair or remove them '
                f'(or lower {self.rule.argument}, if they are too short), or raise that share'
            )
        warn(f'{message}\nskipped')

    def too_many(self, bad: dict[str, str]) -> bool:
        """Whether more files than ``max_bad_share`` are bad."""
        return len(bad) > self.max_bad_share * self.num_files

    @abstractmethod
    def list_items(self) -> Items:
        """Items of an epoch; each has at least ``source_id`` and ``source``.

        Raises:
            FileNotFoundError: If the root is missing or holds nothing of use.
            ValueError: If too many files are bad.
        """

    @abstractmethod
    def open(self, item: dict):
        """Open an item for reading; a :class:`FrameReadError` if it cannot be opened."""

    def axis(self, frame_ids: np.ndarray, timestamps: np.ndarray) -> tuple[np.ndarray, float]:
        """Positions of frames in the unit of the rule, and the tolerance on their distances."""
        if self.rule.unit == 'frames':
            return frame_ids, 0.0
        if len(timestamps) < 2 or self.rule.spacing[1] == 0:
            return timestamps, 0.0
        # half a frame: 0.5 s is 14.99 frames at 30000/1001 Hz
        return timestamps, 0.5 * float(np.median(np.diff(timestamps)))

    def has_clip(
        self, frame_ids: np.ndarray, timestamps: np.ndarray, starts: Sequence[int] | None = None
    ) -> bool:
        """Whether a clip can be made of these frames, the first one of ``starts`` if given."""
        axis, tolerance = self.axis(frame_ids, timestamps)
        rule = self.rule
        return len(clip_starts(axis, rule.spacing, rule.num_frames, tolerance, starts)) > 0


class VideoTree(FrameSource):
    """A tree of video files; an item is a file.

    Args:
        root: Folder, or URL of any protocol that fsspec knows, such as ``s3://bucket/videos``.
        rule, max_bad_share: Arguments of :class:`FrameSource`.
        index_cache: File that keeps the index of the tree; None puts it into the tree, or into the
            user's cache folder where the tree cannot be written to.
        storage_options: Arguments of fsspec's file system, for URLs; no secrets (they would be
            written into the work dir).
        remote: Further arguments of :class:`RemoteOptions`: ``block_size``, ``timeout`` ...
    """

    with_table = False

    def __init__(
        self,
        root: str,
        rule: ClipRule,
        index_cache: str | os.PathLike | None = None,
        max_bad_share: float = MAX_BAD_SHARE,
        storage_options: Mapping[str, Any] | None = None,
        remote: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(root, rule, max_bad_share)
        self.remote = remote_options(storage_options, remote)
        self.index_cache = index_cache
        self._videos: VideoTable | None = None

    def _index(self) -> np.ndarray | range:
        """Read the index; rows of the videos that are long enough for a clip."""
        index = shared_index(self.root, self.index_cache, self.with_table, self.remote)
        self._videos = index.videos
        frames, seconds = (index.videos.columns[name] for name in ('frames', 'duration'))
        length = frames if self.rule.unit == 'frames' else seconds
        at_least = self.rule.shortest(frames, seconds)
        too_short = (length > 0) & (length < at_least)
        bad = dict(index.bad)
        for row in np.flatnonzero(too_short).tolist():
            bad[index.videos.path(row)] = (
                f'{frames[row]} frames, {seconds[row]:.2f} s: shorter than {self.rule.length}'
            )
        self.num_files = len(index)
        self.bad = dict(sorted(bad.items()))
        self.check_bad(self.bad)
        self.seconds = float(seconds[~too_short].sum())
        if too_short.any():
            return np.flatnonzero(~too_short)
        return range(len(index.videos))

    def _video(self, row: int) -> dict:
        path = self._videos.path(row)
        return dict(source=str(file_in(self.root, path)), source_id=path, row=row)

    def list_items(self) -> Items:
        """One item a video."""
        return Items(self._video, self._index())

    def open(self, item: dict) -> VideoReader:
        """Open the file, with the table that the index holds, if any."""
        row, videos = item['row'], self._videos
        # what has changed behind a URL since it was indexed is not read
        state = tuple(videos.columns[name][row].item() for name in ('size', 'mtime_ns'))
        file = file_in(self.root, item['source_id'], self.remote, state)
        return VideoReader(file, table=videos.table(row), in_order=True)


class ClipReader(AbstractContextManager):
    """Some consecutive frames of a video, with the interface of the whole."""

    def __init__(self, video: VideoReader, first: int, stop: int) -> None:
        self._video = video
        self._first = first
        self.frame_ids = np.arange(first, stop)
        self.timestamps = video.timestamps[first:stop]
        keyframes = video.keyframes
        self.keyframes = keyframes[(keyframes >= first) & (keyframes < stop)] - first

    def __exit__(self, *exc_info) -> None:
        self._video.close()

    def read(self, indices: Sequence[int]) -> list[np.ndarray]:
        """Decode frames by position in the clip."""
        return self._video.read([self._first + index for index in indices])

    def thumbnails(self, first: int, last: int, size: tuple[int, int]) -> list[np.ndarray]:
        """Small versions (h, w, 3) of all frames from ``first`` to ``last`` (included)."""
        return self._video.thumbnails(self._first + first, self._first + last, size)


class VideoClips(VideoTree):
    """Long videos cut in clips; a clip is an item ``pairs_per_clip`` times (Walking Tours).

    Args:
        root, rule: Arguments of :class:`VideoTree`.
        clip_seconds: Length of a clip.
        pairs_per_clip: Number of times that an epoch visits a clip.
        index_cache, max_bad_share, storage_options, remote: Arguments of :class:`VideoTree`.
    """

    with_table = True

    def __init__(
        self,
        root: str,
        rule: ClipRule,
        clip_seconds: float = 10.0,
        pairs_per_clip: int = 15,
        index_cache: str | os.PathLike | None = None,
        max_bad_share: float = MAX_BAD_SHARE,
        storage_options: Mapping[str, Any] | None = None,
        remote: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(root, rule, index_cache, max_bad_share, storage_options, remote)
        if clip_seconds <= 0 or pairs_per_clip < 1:
            raise ValueError(
                'clip_seconds and pairs_per_clip must be positive, got '
                f'{clip_seconds} and {pairs_per_clip}'
            )
        self.clip_seconds = clip_seconds
        self.pairs_per_clip = pairs_per_clip
        self._clips = np.empty((0, 3), np.int32)

    def list_items(self) -> Items:
        """Clips in order; a rest at the end that does not hold the frames is left out.

        So is, with ``starts='keyframes'``, a clip without a keyframe that they can begin with.
        """
        rows = self._index()
        self._clips, left_out = on_main_process(lambda: self._cut(rows))
        if left_out:
            warn(
                f'{self.root}: {left_out} clips have no keyframe that begins a {self.rule.noun} '
                "and are left out; starts='any' would use them"
            )
        if not len(self._clips):
            raise ValueError(
                f'{self.root}: no clip of clip_seconds={self.clip_seconds} holds a '
                f'{self.rule.noun} of {self.rule.argument} = {self.rule}'
                + (' that starts at a keyframe' if left_out else '')
            )
        return Items(self._clip, range(len(self._clips) * self.pairs_per_clip))

    def _clip(self, position: int) -> dict:
        row, first, stop = self._clips[position // self.pairs_per_clip].tolist()
        return dict(self._video(row), clip=(first, stop))

    def _cut(self, rows: Sequence[int]) -> tuple[np.ndarray, int]:
        """(C, 3) int32, row, first frame and end of each clip, and how many more have no start."""
        clips, left_out = [np.empty((0, 3), np.int32)], 0
        same: dict[tuple, tuple[np.ndarray, int]] = {}
        for row in rows:
            # frames at even distances are cut alike
            clock = self._videos.clock(row) if self.rule.starts == 'any' else None
            bounds, without = same.get(clock) or self._clips_of(self._videos.table(row))
            if clock is not None:
                same[clock] = bounds, without
            left_out += without
            clips.append(np.insert(bounds, 0, row, axis=1))
        return np.concatenate(clips), left_out

    def _clips_of(self, table: FrameTable) -> tuple[np.ndarray, int]:
        times, keyframes, clips, left_out = table.timestamps, table.keyframes, [], 0
        # an end that falls short by rounding starts no clip of its own
        starts = np.arange(0, times[-1] - 1e-6, self.clip_seconds)
        bounds = [*np.searchsorted(times, starts - 1e-6).tolist(), len(times)]
        for first, stop in pairwise(bounds):
            frames = np.arange(first, stop), times[first:stop]
            if not self.has_clip(*frames):
                continue
            inside = keyframes[(keyframes >= first) & (keyframes < stop)] - first
            if self.rule.starts == 'keyframes' and not self.has_clip(*frames, starts=inside):
                left_out += 1
                continue
            clips.append((first, stop))
        return np.array(clips, np.int32).reshape(-1, 2), left_out

    def open(self, item: dict) -> ClipReader:
        """Open the clip's video with the table that the index holds."""
        return ClipReader(super().open(item), *item['clip'])
