"""Exact frames of a video file by number or by time."""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from os import PathLike

import av
import numpy as np

from .frame_table import (
    FrameTable,
    is_movie_file,
    stamp_of,
    table_from_header,
    table_from_packets,
)

# without this FFmpeg decodes several frames on opening, to learn what MP4's header says (but for
# the pixel format, which the first decoded frame says)
_HEADER_ALONE = {'analyzeduration': '1', 'skip_frame': 'all'}

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
        quick: Take what the header of an MP4 or QuickTime file says for granted, where FFmpeg
            would read and decode to find out. The frames are the same.

    Raises:
        FrameReadError: If the file cannot be opened or holds no video; at use, if it holds no
            frame.
    """

    def __init__(
        self,
        path: str | PathLike,
        table: FrameTable | None = None,
        threads: int = 1,
        quick: bool = True,
    ) -> None:
        self.path = str(path)
        self._table = table
        self._quick = quick and is_movie_file(self.path)
        try:
            self._container = av.open(self.path, options=_HEADER_ALONE if self._quick else {})
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
    def keyframes(self) -> np.ndarray:
        """(K,) int64, increasing: numbers of the frames that are decoded without another one."""
        table = self.table
        # an edit list may cut a keyframe away and keep frames that refer to it
        return np.flatnonzero(np.isin(table.pts, table.key_pts))

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
                stamp = stamp_of(packet)
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
            stamp = stamp_of(first)
            if stamp is not None and stamp <= table.key_pts[key]:
                yield first
                yield from (packet for packet in packets if packet.size)
                return

    def _make_table(self) -> FrameTable:
        try:
            table = table_from_header(self.path, self._stream) if self._quick else None
            table = table or table_from_packets(self._container, self._stream)
        except (av.error.FFmpegError, OSError) as error:
            raise FrameReadError(self.path, f'cannot read its packets: {error}') from error
        if table is None:
            raise FrameReadError(self.path, 'holds no video frame with a time stamp')
        return table
