"""Exact frames of a video file by number or by time."""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from os import PathLike
from typing import NamedTuple

import av
import numpy as np

Convert = Callable[[av.VideoFrame], np.ndarray]


class FrameReadError(ValueError):
    """A file that cannot be opened, or a frame that cannot be decoded.

    Args:
        path: The file.
        reason: What is wrong with it.
    """

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        return f'{self.path}: {self.reason}'


class FrameTable(NamedTuple):
    """All frames of a video stream in presentation order, times in units of the time base.

    Attributes:
        pts: (N,) int64, increasing presentation times.
        key_pts: (K,) int64, increasing: those of them at which decoding can start.
        key_dts: (K,) int64: decoding times of the same keyframes (at most ``key_pts``).
        time_base: Seconds per unit.
    """

    pts: np.ndarray
    key_pts: np.ndarray
    key_dts: np.ndarray
    time_base: float


def _stamp(packet: av.Packet) -> int | None:
    # AVI and raw streams store no presentation times; without B-frames both are the same
    return packet.dts if packet.pts is None else packet.pts


def _whole(packet: av.Packet) -> bool:
    """Neither the empty packet at the end, nor cut away by an edit list, nor cut off."""
    return packet.size > 0 and not packet.is_discard and not packet.is_corrupt


def _upright(frame: av.VideoFrame) -> np.ndarray:
    """(H, W, 3) uint8 RGB; PyAV gives the angle, counter-clockwise, and leaves turning to us."""
    return np.ascontiguousarray(
        np.rot90(frame.to_ndarray(format='rgb24'), round(frame.rotation / 90))
    )


class VideoReader:
    """Frames of the first video stream of a file, by PyAV.

    A table of all presentation times and keyframes, made by demuxing (nothing is decoded), gives
    exact positions also with variable frame rate, B-frames and edit lists. Decoding starts at the
    last keyframe before a frame, stops at the frame, and leaves out frames that no other needs.

    Args:
        path: Video file.
        table: A table made earlier from the same file; None makes one at the first use.
        threads: Decoder threads; 1 is right within a data loader's worker.

    Raises:
        FrameReadError: If the file cannot be opened or holds no video; at use, if it holds no
            frame.
    """

    def __init__(
        self, path: str | PathLike, table: FrameTable | None = None, threads: int = 1
    ) -> None:
        self.path = str(path)
        self._table = table
        try:
            self._container = av.open(self.path)
        except (av.error.FFmpegError, OSError, ValueError) as error:
            raise FrameReadError(self.path, f'cannot open as a video: {error}') from error
        try:
            self._stream = self._container.streams.video[0]
            self._decoder = self._stream.codec_context
        except IndexError:
            self._container.close()
            raise FrameReadError(self.path, 'holds no video stream') from None
        if self._decoder is None:
            self._container.close()
            raise FrameReadError(self.path, 'no decoder for its video stream')
        self._decoder.thread_count = threads
        self._decoder.thread_type = 'NONE' if threads == 1 else 'AUTO'

    def __enter__(self) -> 'VideoReader':
        return self

    def __exit__(self, *exc_info) -> None:
        self.close()

    def __len__(self) -> int:
        return len(self.table.pts)

    def close(self) -> None:
        """Close the file."""
        self._container.close()

    @property
    def table(self) -> FrameTable:
        """All frames and keyframes."""
        if self._table is None:
            self._table = self._make_table()
        return self._table

    @property
    def frame_ids(self) -> np.ndarray:
        """(N,) int64: 0, 1, 2, ..."""
        return np.arange(len(self))

    @property
    def timestamps(self) -> np.ndarray:
        """(N,) float64, seconds after the first frame."""
        pts = self.table.pts
        return (pts - pts[0]) * self.table.time_base

    def header_length(self) -> tuple[int, float]:
        """Frames and seconds from the container's header alone; 0 where it does not say."""
        stream, container = self._stream, self._container
        if stream.duration is not None:
            duration = float(stream.duration * stream.time_base)
        else:
            duration = (container.duration or 0) / av.time_base
        frames = stream.frames or round(duration * float(stream.guessed_rate or 0))
        return frames, duration

    def has_end(self) -> bool:
        """Whether packets can be read near the end that the header announces."""
        stream, container = self._stream, self._container
        if stream.duration is not None:
            container.seek((stream.start_time or 0) + stream.duration, stream=stream)
        elif container.duration is not None:
            container.seek((container.start_time or 0) + container.duration)
        return any(packet.size for packet in islice(container.demux(stream), 1))

    def index_at(self, seconds: float) -> int:
        """Number of the frame on screen ``seconds`` after the first frame.

        Raises:
            ValueError: If ``seconds`` is negative.
        """
        if seconds < 0:
            raise ValueError(f'{self.path}: no frame at {seconds} s')
        # a time that was computed from pts must find that very frame
        half_tick = 0.5 * self.table.time_base
        return int(np.searchsorted(self.timestamps, seconds + half_tick, side='right')) - 1

    def read(self, indices: Sequence[int]) -> list[np.ndarray]:
        """Decode frames.

        Frames between which no keyframe lies are decoded in one pass.

        Args:
            indices: Frame numbers in any order, repeats allowed.

        Returns:
            One (H, W, 3) uint8 RGB array per index, rotated as the file's metadata ask.

        Raises:
            IndexError: If a number is not in the file.
            FrameReadError: If a frame cannot be decoded.
        """
        return self._read(indices, _upright)

    def thumbnails(self, first: int, last: int, size: tuple[int, int]) -> list[np.ndarray]:
        """Small versions of all frames from ``first`` to ``last`` (included).

        Args:
            first: Frame number.
            last: Frame number, not before ``first``.
            size: (h, w) of a thumbnail; rotation is not applied.

        Returns:
            (h, w, 3) uint8 RGB arrays.
        """
        height, width = size
        return self._read(
            range(first, last + 1),
            lambda frame: frame.reformat(width, height, 'rgb24', interpolation='AREA').to_ndarray(),
        )

    def _read(self, indices: Sequence[int], convert: Convert) -> list[np.ndarray]:
        table = self.table
        for index in indices:
            if not 0 <= index < len(table.pts):
                raise IndexError(f'{self.path}: no frame {index} among {len(table.pts)}')
        runs: dict[int, set[int]] = {}
        for index in indices:
            pts = int(table.pts[index])
            key = int(np.searchsorted(table.key_pts, pts, side='right')) - 1
            runs.setdefault(key, set()).add(pts)
        images: dict[int, np.ndarray] = {}
        for key in sorted(runs):
            images.update(self._decode(key, runs[key], convert))
        missing = [i for i in indices if int(table.pts[i]) not in images]
        if missing:
            raise FrameReadError(self.path, f'frame {missing[0]} cannot be decoded')
        return [images[int(table.pts[index])] for index in indices]

    def _decode(self, key: int, wanted: set[int], convert: Convert) -> dict[int, np.ndarray]:
        """Decode the frames ``wanted`` (pts), all of which start from keyframe ``key``."""
        images = {}
        pending = set(wanted)

        def collect(frames: Sequence[av.VideoFrame]) -> None:
            for frame in frames:
                if frame.pts in wanted and not frame.is_corrupt:
                    images[frame.pts] = convert(frame)

        try:
            for packet in self._packets_from(key):
                stamp = _stamp(packet)
                # frames that nobody refers to cost time for nothing, unless they are wanted
                self._decoder.skip_frame = 'DEFAULT' if stamp in pending else 'NONREF'
                collect(packet.decode())
                pending.discard(stamp)
                if not pending:
                    break
            collect(self._decoder.decode(None))
        except (av.error.FFmpegError, OSError) as error:
            frames = np.searchsorted(self.table.pts, sorted(wanted)).tolist()
            raise FrameReadError(self.path, f'cannot decode frames {frames}: {error}') from error
        return images

    def _packets_from(self, key: int) -> Iterator[av.Packet]:
        """Packets in decoding order from a keyframe on, or from an earlier one."""
        table = self.table
        # containers look up by pts or by dts, and none says which: try until we are early enough
        for offset in (table.key_pts[key], table.key_dts[key], table.key_dts[0], None):
            if offset is not None:
                self._container.seek(int(offset), stream=self._stream)
            else:
                self._container.seek(0)
            packets = self._container.demux(self._stream)
            first = next(packets, None)
            if first is None or not first.size:
                continue
            stamp = _stamp(first)
            if stamp is not None and stamp <= table.key_pts[key]:
                yield first
                yield from (packet for packet in packets if packet.size)
                return

    def _make_table(self) -> FrameTable:
        pts, keys = [], []
        try:
            # an earlier read may have moved the position
            self._container.seek(0)
            for packet in self._container.demux(self._stream):
                stamp = _stamp(packet)
                if stamp is None or not packet.size:
                    continue
                if packet.is_keyframe and not packet.is_corrupt:
                    keys.append((stamp, stamp if packet.dts is None else packet.dts))
                if keys and _whole(packet):
                    pts.append(stamp)
        except (av.error.FFmpegError, OSError) as error:
            raise FrameReadError(self.path, f'cannot read its packets: {error}') from error
        if not pts:
            raise FrameReadError(self.path, 'holds no video frame with a time stamp')
        key_pts, key_dts = np.array(sorted(keys), np.int64).T
        table_pts = np.unique(np.array(pts, np.int64))
        # frames shown before the first keyframe refer to something that was cut away
        table_pts = table_pts[table_pts >= key_pts[0]]
        return FrameTable(table_pts, key_pts, key_dts, float(self._stream.time_base))
