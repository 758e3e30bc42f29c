"""Decoding: from a keyframe to the frames that are wanted, and to no other."""

from collections.abc import Callable, Iterable, Iterator

import av
import numpy as np

from poodle_mm.datasets.remote.remote_file import RemoteFile
from poodle_mm.datasets.video.file import FrameReadError, open_video
from poodle_mm.datasets.video.frame_table import FrameTable, packets_with_data

Convert = Callable[[av.VideoFrame], np.ndarray]

# decoders that look at skip_frame before each frame; others (libdav1d) keep what it was when they
# were opened, and lose frames that somebody wants
_CAN_SKIP = {'h264', 'hevc', 'mpeg1video', 'mpeg2video', 'mpeg4', 'vp8', 'vp9'}


class OpenVideo:
    """A video file that is open, and its decoder.

    Args:
        file, threads, quick: Arguments of :func:`~poodle_mm.datasets.video.file.open_video`.

    Attributes:
        container, stream: Result of that function.

    Raises:
        FrameReadError: If the file cannot be opened or holds no video.
    """

    def __init__(self, file: str | RemoteFile, threads: int, quick: bool) -> None:
        self.path = str(file)
        self._file = file
        self._threads = threads
        self._quick = quick
        self._size: tuple[int, int] | None = None
        self._open()

    def _open(self) -> None:
        self.container, self.stream = open_video(self._file, self._threads, self._quick)
        self._decoder = self.stream.codec_context

    def reopen(self) -> None:
        """Open the file anew, at its start."""
        self.close()
        self._open()

    def close(self) -> None:
        """Close the file."""
        self.container.close()

    def decode(
        self, table: FrameTable, key: int, wanted: set[int], convert: Convert
    ) -> dict[int, np.ndarray]:
        """Decode frames that all start from one keyframe.

        Args:
            table: All frames of the file.
            key: Position of the keyframe in ``table.key_pts``.
            wanted: Numbers of the frames.
            convert: Makes an array of a frame.

        Returns:
            Arrays by number of those that came out of the decoder undamaged.

        Raises:
            FrameReadError: If a frame cannot be decoded.
        """
        error = None
        # the first frames after an open group of pictures may name frames before it that they do
        # without: an error then only says that those were not there
        for start in (key, max(0, key - 1)):
            try:
                return self._run(table, start, key, wanted, convert)
            except av.error.FFmpegError as cause:
                error = cause
                self._decoder.flush_buffers()
                if self._threads != 1:
                    # with threads an error comes late, and does not tell whose it is
                    self._threads = 1
                    self.reopen()
        frames = sorted(wanted)
        raise FrameReadError(self.path, f'cannot decode frames {frames}: {error}') from error

    def _run(
        self, table: FrameTable, start: int, key: int, wanted: set[int], convert: Convert
    ) -> dict[int, np.ndarray]:
        """Decode from keyframe ``start`` on; errors count from keyframe ``key`` on."""
        stamps = table.pts if table.packets is None else table.packets
        index_of = {int(stamps[index]): index for index in wanted}
        pending = set(index_of)
        key_stamp, is_leading = _key_stamp(table, key), _leading(table, key)
        images, last, reached = {}, key_stamp, False

        def collect(frames: Iterable[av.VideoFrame]) -> None:
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

        for stamp, packet in self._packets_from(table, start):
            reached = reached or stamp == key_stamp
            strict = reached and not is_leading(stamp)
            if packet.is_corrupt and strict:
                raise FrameReadError(self.path, f'damaged before frame {min(wanted)}')
            if self._decoder.codec.name in _CAN_SKIP:
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
        """Refuse a second size: a pair is cut by one box."""
        size = frame.width, frame.height
        if self._size is None:
            self._size = size
        elif size != self._size:
            before, now = (f'{width}x{height}' for width, height in (self._size, size))
            raise FrameReadError(self.path, f'its pictures change from {before} to {now}')

    def _packets_from(self, table: FrameTable, key: int) -> Iterator[tuple[int, av.Packet]]:
        """Packets in decoding order from a keyframe on, with what names their frames."""
        key_stamp = _key_stamp(table, key)
        if table.packets is not None:
            self.reopen()
            for number, packet in enumerate(packets_with_data(self.container, self.stream)):
                packet.pts = number
                if number >= key_stamp:
                    yield number, packet
            return
        # containers look up by pts or by dts, and none says which: try until we are early enough
        for offset in (key_stamp, table.key_dts[key], table.key_dts[0], None):
            if offset is not None:
                self.container.seek(int(offset), stream=self.stream)
            else:
                self.container.seek(0)
            packets = packets_with_data(self.container, self.stream)
            # a format without an index lands anywhere: never start but at the keyframe itself
            for packet in packets:
                if packet.pts is None or (packet.is_keyframe and packet.pts > key_stamp):
                    break
                if packet.is_keyframe and packet.pts == key_stamp:
                    yield packet.pts, packet
                    yield from ((packet.pts, packet) for packet in packets)
                    return
        raise FrameReadError(self.path, f'its keyframe at {key_stamp} is not found again')


def _key_stamp(table: FrameTable, key: int) -> int:
    """Name of a keyframe's packet: its time, or its number where packets are counted."""
    if table.packets is None:
        return int(table.key_pts[key])
    return int(table.packets[np.searchsorted(table.pts, table.key_pts[key])])


def _leading(table: FrameTable, key: int) -> Callable[[int], bool]:
    """Whether a frame is shown before keyframe ``key`` but stored after it.

    It refers to frames before the keyframe, and cannot be decoded from there on.
    """
    key_pts = table.key_pts[key]
    if table.packets is None:
        return lambda stamp: stamp < key_pts
    return set(table.packets[table.pts < key_pts].tolist()).__contains__
