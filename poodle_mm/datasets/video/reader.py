"""Exact frames of a video file by number or by time."""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from os import PathLike

import av
import numpy as np

from poodle_mm.datasets.video.file import (
    FrameReadError,
    can_reorder,
    can_skip,
    open_video,
    video_streams,
)
from poodle_mm.datasets.video.frame_table import (
    CannotNumber,
    FrameTable,
    comes_in_order,
    counted_packets,
    is_movie_file,
    is_stamped,
    table_by_decoding,
    table_from_header,
    table_from_packets,
)

Convert = Callable[[av.VideoFrame], np.ndarray]


def _upright(frame: av.VideoFrame) -> np.ndarray:
    """(H, W, 3) uint8 RGB; PyAV gives the angle, counter-clockwise, and leaves turning to us."""
    return np.ascontiguousarray(
        np.rot90(frame.to_ndarray(format='rgb24'), round(frame.rotation / 90))
    )


class VideoReader:
    """Frames of the best video stream of a file, by PyAV.

    A table of all presentation times and keyframes, made by demuxing (nothing is decoded), gives
    exact positions also with variable frame rate, B-frames and edit lists. Decoding starts at the
    last keyframe before a frame, stops at the frame, and leaves out frames that no other needs.

    Where the times in a file do not say in which order frames are shown (AVI, MPEG program streams
    and ASF with B-frames) the table is made by decoding the file once, and packets are counted
    from the start of the file instead of sought. Such tables are worth keeping.

    Args:
        path: Video file.
        table: A table made earlier from the same file; None makes one at the first use.
        threads: Decoder threads; 1 is right within a data loader's worker.
        quick: Take what the header of an MP4 or QuickTime file says for granted, where FFmpeg
            would read and decode to find out. The frames are the same.
        in_order: Whether it is known that the file's times tell the order of its frames (an index
            has looked); else the first frames are decoded to see.

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
        in_order: bool = False,
    ) -> None:
        self.path = str(path)
        self._in_order = in_order
        self._table = table
        self._quick = quick and is_movie_file(self.path)
        self._threads = threads
        self._size: tuple[int, int] | None = None
        self._open()

    def _open(self) -> None:
        self._container, self._stream = open_video(self.path, self._threads, self._quick)
        self._decoder = self._stream.codec_context
        self._can_skip = can_skip(self._decoder)

    def _reopen(self) -> None:
        self.close()
        self._open()

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

    def is_in_order(self) -> bool:
        """Whether the file's times tell the order of its frames; else it has to be decoded."""
        if not can_reorder(self._stream):
            return True
        if not is_stamped(self._container):
            return False
        return self._in_order or comes_in_order(self.path)

    @property
    def num_streams(self) -> int:
        """Video streams that could be read; the best one is."""
        return len(video_streams(self._container))

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

    def header_facts(self) -> tuple[int, float, float]:
        """Frames, seconds and frames per second that the header itself names, else 0."""
        stream, container = self._stream, self._container
        seconds = float(stream.duration * stream.time_base) if stream.duration else 0.0
        seconds = seconds or (container.duration or 0) / av.time_base
        return stream.frames, seconds, float(stream.average_rate or 0)

    def has_end(self) -> bool:
        """Whether packets can be read near the end that the header announces."""
        stream, container = self._stream, self._container
        if container.format.name == 'flv':  # has no index to seek by; a rest of it is read as it is
            return True
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
        keys = np.searchsorted(table.key_pts, table.pts[list(indices)], side='right') - 1
        for index, key in zip(indices, keys.tolist()):
            runs.setdefault(key, set()).add(index)
        images: dict[int, np.ndarray] = {}
        for key in sorted(runs):
            images.update(self._decode(key, runs[key], convert))
        missing = [index for index in indices if index not in images]
        if missing:
            raise FrameReadError(self.path, f'frame {missing[0]} cannot be decoded')
        return [images[index] for index in indices]

    def _decode(self, key: int, wanted: set[int], convert: Convert) -> dict[int, np.ndarray]:
        """Decode the frames ``wanted`` (numbers), all of which start from keyframe ``key``."""
        error = None
        # the first frames after an open group of pictures may name frames before it that they do
        # without: an error then only says that those were not there
        for start in (key, max(0, key - 1)):
            try:
                return self._run(start, key, wanted, convert)
            except av.error.FFmpegError as cause:
                error = cause
                self._decoder.flush_buffers()
                if self._threads != 1:
                    # with threads an error comes late, and does not tell whose it is
                    self._threads = 1
                    self._reopen()
        frames = sorted(wanted)
        raise FrameReadError(self.path, f'cannot decode frames {frames}: {error}') from error

    def _run(
        self, start: int, key: int, wanted: set[int], convert: Convert
    ) -> dict[int, np.ndarray]:
        """Decode from keyframe ``start`` on; errors count from keyframe ``key`` on."""
        table = self.table
        stamps = table.pts if table.packets is None else table.packets
        index_of = {int(stamps[index]): index for index in wanted}
        pending = set(index_of)
        key_stamp = self._key_stamp(key)
        leading = self._leading(key)
        images = {}
        last = key_stamp

        def collect(frames: Sequence[av.VideoFrame]) -> None:
            nonlocal last
            for frame in frames:
                if table.packets is None and frame.pts is not None and frame.pts >= key_stamp:
                    if frame.pts < last:
                        number = int(np.searchsorted(table.pts, key_stamp))
                        reason = f'its time stamps are not in order after frame {number}'
                        raise FrameReadError(self.path, reason)
                    last = frame.pts
                if frame.pts in index_of and not frame.is_corrupt:
                    self._check_size(frame)
                    images[index_of[frame.pts]] = convert(frame)

        reached = False
        for stamp, packet in self._packets_from(start):
            reached = reached or stamp == key_stamp
            strict = reached and not leading(stamp)
            if packet.is_corrupt and strict:
                raise FrameReadError(self.path, f'damaged before frame {min(wanted)}')
            if self._can_skip:
                # frames that nobody refers to cost time for nothing, unless they are wanted
                self._decoder.skip_frame = 'DEFAULT' if stamp in pending else 'NONREF'
            try:
                collect(packet.decode())
            except av.error.FFmpegError:
                if strict:
                    raise
            pending.discard(stamp)
            if not pending:
                break
        collect(self._decoder.decode(None))
        return images

    def _check_size(self, frame: av.VideoFrame) -> None:
        """All frames are of one size: a pair is cut by one box."""
        size = frame.width, frame.height
        if self._size is None:
            self._size = size
        elif size != self._size:
            before, now = (f'{width}x{height}' for width, height in (self._size, size))
            raise FrameReadError(self.path, f'its pictures change from {before} to {now}')

    def _key_stamp(self, key: int) -> int:
        """What names a keyframe's packet: its time, or its number where packets are counted."""
        table = self.table
        if table.packets is None:
            return int(table.key_pts[key])
        return int(table.packets[np.searchsorted(table.pts, table.key_pts[key])])

    def _leading(self, key: int) -> Callable[[int], bool]:
        """Whether a frame is shown before keyframe ``key`` but stored after it.

        It refers to frames before the keyframe, and cannot be decoded from there on.
        """
        table = self.table
        key_pts = table.key_pts[key]
        if table.packets is None:
            return lambda stamp: stamp < key_pts
        return set(table.packets[table.pts < key_pts].tolist()).__contains__

    def _packets_from(self, key: int) -> Iterator[tuple[int, av.Packet]]:
        """Packets in decoding order from a keyframe on, with what names their frames."""
        table = self.table
        key_pts = self._key_stamp(key)
        if table.packets is not None:
            self._reopen()
            for number, packet in enumerate(counted_packets(self._container, self._stream)):
                packet.pts = number
                if number >= key_pts:
                    yield number, packet
            return
        # containers look up by pts or by dts, and none says which: try until we are early enough
        for offset in (key_pts, table.key_dts[key], table.key_dts[0], None):
            if offset is not None:
                self._container.seek(int(offset), stream=self._stream)
            else:
                self._container.seek(0)
            packets = (packet for packet in self._container.demux(self._stream) if packet.size)
            # a format without an index lands anywhere: never start but at the keyframe itself
            for packet in packets:
                if packet.pts is None or (packet.is_keyframe and packet.pts > key_pts):
                    break
                if packet.is_keyframe and packet.pts == key_pts:
                    yield packet.pts, packet
                    yield from ((packet.pts, packet) for packet in packets)
                    return
        raise FrameReadError(self.path, f'its keyframe at {key_pts} is not found again')

    def _make_table(self) -> FrameTable:
        table = None
        try:
            if self.is_in_order():
                table = table_from_header(self.path, self._stream) if self._quick else None
                table = table or table_from_packets(self._container, self._stream)
            if table is None:
                self._reopen()
                table = table_by_decoding(self._container, self._stream)
        except (av.error.FFmpegError, OSError) as error:
            raise FrameReadError(self.path, f'cannot read its packets: {error}') from error
        except CannotNumber as error:
            raise FrameReadError(self.path, str(error)) from error
        if table is None:
            raise FrameReadError(self.path, 'holds no frame that can be decoded')
        return table
