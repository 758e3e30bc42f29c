"""Exact frames of a video file by number."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from itertools import islice
from os import PathLike

import av
import numpy as np

from poodle_mm.datasets.remote.remote_file import RemoteFile, local_or_remote
from poodle_mm.datasets.video.decoding import Convert, OpenVideo
from poodle_mm.datasets.video.file import FrameReadError, can_reorder, video_streams
from poodle_mm.datasets.video.frame_table import (
    CannotNumber,
    FrameTable,
    comes_in_order,
    is_movie_file,
    is_stamped,
    table_by_decoding,
    table_from_header,
    table_from_packets,
)


def _upright(frame: av.VideoFrame) -> np.ndarray:
    """(H, W, 3) uint8 RGB; PyAV gives the angle, counter-clockwise, and leaves turning to us."""
    image = frame.to_ndarray(format='rgb24')
    return np.ascontiguousarray(np.rot90(image, round(frame.rotation / 90)))


class VideoReader(AbstractContextManager):
    """Frames of the best video stream of a file, by PyAV.

    A table of all presentation times and keyframes, made by demuxing (nothing is decoded), gives
    exact positions also with variable frame rate, B-frames and edit lists. Decoding starts at the
    last keyframe before a frame, stops at the frame, and leaves out frames that no other needs.

    Where the times in a file do not say in which order frames are shown (AVI, MPEG program streams
    and ASF with B-frames) the table is made by decoding the file once, and packets are counted
    from the start of the file instead of sought. Such tables are worth keeping.

    Args:
        path: Video file, URL of one, or a :class:`RemoteFile` for a URL with options.
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
        path: str | PathLike | RemoteFile,
        table: FrameTable | None = None,
        threads: int = 1,
        quick: bool = True,
        in_order: bool = False,
    ) -> None:
        self._file = local_or_remote(path if isinstance(path, RemoteFile) else str(path))
        self.path = str(self._file)
        self._in_order = in_order
        self._table = table
        self._quick = quick and is_movie_file(self._file)
        self._video = OpenVideo(self._file, threads, self._quick)

    def __exit__(self, *exc_info) -> None:
        self.close()

    def __len__(self) -> int:
        return len(self.table.pts)

    def close(self) -> None:
        """Close the file."""
        self._video.close()

    @property
    def table(self) -> FrameTable:
        """All frames and keyframes."""
        if self._table is None:
            self._table = self._make_table()
        return self._table

    def is_in_order(self) -> bool:
        """Whether the file's times tell the order of its frames; else it has to be decoded."""
        if not can_reorder(self._video.stream):
            return True
        if not is_stamped(self._video.container):
            return False
        return self._in_order or comes_in_order(self._file)

    def header_tells_all(self) -> bool:
        """Whether the header alone numbers the frames; else the whole file is read for it."""
        return self._quick and table_from_header(self._file, self._video.stream) is not None

    @property
    def num_streams(self) -> int:
        """Video streams that could be read; the best one is."""
        return len(video_streams(self._video.container))

    @property
    def frame_ids(self) -> np.ndarray:
        """(N,) int64: 0, 1, 2, ..."""
        return np.arange(len(self))

    @property
    def keyframes(self) -> np.ndarray:
        """(K,) int64, increasing: numbers of the frames that are decoded without another one."""
        return self.table.keyframes

    @property
    def timestamps(self) -> np.ndarray:
        """(N,) float64, seconds after the first frame."""
        return self.table.timestamps

    def header_facts(self) -> tuple[int, float, float]:
        """Frames, seconds and frames per second that the header itself names, else 0."""
        stream, container = self._video.stream, self._video.container
        if stream.duration is not None:
            seconds = float(stream.duration * stream.time_base)
        else:
            seconds = (container.duration or 0) / av.time_base
        return stream.frames, seconds, float(stream.average_rate or 0)

    def header_length(self) -> tuple[int, float]:
        """Frames, estimated where the header does not say, and seconds; 0 where unknown."""
        frames, seconds, _ = self.header_facts()
        return frames or round(seconds * float(self._video.stream.guessed_rate or 0)), seconds

    def has_end(self) -> bool:
        """Whether packets can be read near the end that the header announces."""
        stream, container = self._video.stream, self._video.container
        if container.format.name == 'flv':  # has no index to seek by; a rest of it is read as it is
            return True
        if stream.duration is not None:
            container.seek((stream.start_time or 0) + stream.duration, stream=stream)
        elif container.duration is not None:
            container.seek((container.start_time or 0) + container.duration)
        return any(packet.size for packet in islice(container.demux(stream), 1))

    def read(self, indices: Sequence[int]) -> list[np.ndarray]:
        """Decode frames; those between which no keyframe lies in one pass.

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
            first, last: Frame numbers.
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
        for index, key in zip(indices, table.start_of(indices).tolist()):
            runs.setdefault(key, set()).add(index)
        images: dict[int, np.ndarray] = {}
        for key in sorted(runs):
            images.update(self._video.decode(table, key, runs[key], convert))
        missing = [index for index in indices if index not in images]
        if missing:
            raise FrameReadError(self.path, f'frame {missing[0]} cannot be decoded')
        return [images[index] for index in indices]

    def _make_table(self) -> FrameTable:
        video, table = self._video, None
        try:
            if self.is_in_order():
                table = table_from_header(self._file, video.stream) if self._quick else None
                table = table or table_from_packets(video.container, video.stream)
            if table is None:
                video.reopen()
                table = table_by_decoding(video.container, video.stream)
        except (av.error.FFmpegError, OSError) as error:
            raise FrameReadError(self.path, f'cannot read its packets: {error}') from error
        except CannotNumber as error:
            raise FrameReadError(self.path, str(error)) from error
        if table is None:
            raise FrameReadError(self.path, 'holds no frame that can be decoded')
        return table
