"""The frames that a video file holds, found out without decoding."""

import os
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

import av
import numpy as np

from poodle_mm.datasets.remote.remote_file import RemoteFile
from poodle_mm.datasets.video.file import open_bytes, open_video, size_of
from poodle_mm.datasets.video.movie_box import composition_offsets, movie_box

# formats that store when each frame is shown, FFmpeg's names
_STAMPED = ('mov', 'matroska', 'mpegts', 'flv')
# B-frames show up within this many packets of a stream that has them from its start
_LOOK_AT = 8


class FrameTable(NamedTuple):
    """All frames of a video stream in presentation order, times in units of the time base.

    Attributes:
        pts: (N,) int64, increasing presentation times.
        key_pts: (K,) int64, increasing: those of them at which decoding can start.
        key_dts: (K,) int64: decoding times of the same keyframes (at most ``key_pts``).
        time_base: Seconds per unit.
        packets: (N,) int64: the packet of each frame, counted from the start of the file; None
            where the packets' own times tell them apart.
    """

    pts: np.ndarray
    key_pts: np.ndarray
    key_dts: np.ndarray
    time_base: float
    packets: np.ndarray | None = None

    @property
    def timestamps(self) -> np.ndarray:
        """(N,) float64, seconds after the first frame."""
        return (self.pts - self.pts[0]) * self.time_base

    @property
    def keyframes(self) -> np.ndarray:
        """(K,) int64, increasing: numbers of the frames that are decoded without another one."""
        # an edit list may cut a keyframe away and keep frames that refer to it
        return np.flatnonzero(np.isin(self.pts, self.key_pts))

    def start_of(self, indices: Sequence[int]) -> np.ndarray:
        """Positions in ``key_pts`` of the keyframes at which decoding of frames starts."""
        return np.searchsorted(self.key_pts, self.pts[list(indices)], side='right') - 1


class CannotNumber(ValueError):
    """Frames that cannot be told apart."""


def is_stamped(container: av.container.InputContainer) -> bool:
    """Whether the format stores the presentation time of each frame.

    AVI stores none, FFmpeg's guess follows the order of decoding; a program stream stores one
    now and then.
    """
    return container.format.name.split(',')[0] in _STAMPED


def table_from_packets(
    container: av.container.InputContainer, stream: av.VideoStream
) -> FrameTable | None:
    """The table by demuxing the whole file; None if a packet's time is missing or occurs twice.

    The position of the container is moved.

    Raises:
        av.error.FFmpegError, OSError: If the packets cannot be read.
    """
    pts, keys, stamps, whole = [], [], [], 0
    container.seek(0)
    for packet in packets_with_data(container, stream):
        stamp = packet.pts
        if stamp is None:
            return None
        stamps.append(stamp)
        if packet.is_keyframe and not packet.is_corrupt:
            keys.append((stamp, stamp if packet.dts is None else packet.dts))
        # not cut away by an edit list
        if keys and not packet.is_discard:
            pts.append(stamp)
            # damaged ones keep their number, and are refused when read; at the end they are cut off
            whole = whole if packet.is_corrupt else len(pts)
    if len(set(stamps)) < len(stamps):
        return None
    return _table(pts[:whole], keys, stream)


def comes_in_order(file: str | RemoteFile) -> bool:
    """Whether the first frames come out of the decoder in the order of their times.

    An MP4 file can hold B-frames and say nothing of it, with times in the order of decoding; so
    do copies of AVI files.
    """
    container, stream = open_video(file, threads=1, quick=is_movie_file(file))
    # order alone is wanted: pictures need not be right
    stream.codec_context.options = {'skip_idct': 'all', 'skip_loop_filter': 'all'}
    with container:
        if 'Baseline' in (stream.codec_context.profile or ''):  # has no B-frames
            return True
        packets = list(islice(packets_with_data(container, stream), _LOOK_AT))
        stamps = [packet.pts for packet in packets]
        if None not in stamps and stamps != sorted(stamps):
            return True  # the file knows of them
        times = []
        for packet in packets:
            try:
                times += [frame.pts for frame in packet.decode()]
            except av.error.FFmpegError:
                break
    return None not in times and times == sorted(times)


def table_by_decoding(
    container: av.container.InputContainer, stream: av.VideoStream
) -> FrameTable | None:
    """The table by decoding the whole file: right where times are missing or wrong.

    Packets are counted, and each frame remembers the number of its packet, whatever the order in
    which the frames come out. None if there is no frame. The container must just have been opened.

    Raises:
        CannotNumber: If two frames come from one packet.
        av.error.FFmpegError, OSError: If the packets cannot be read.
    """
    stamps: list[int | None] = []
    numbers, keys, damaged = [], [], False
    for number, packet in enumerate(packets_with_data(container, stream)):
        stamps.append(packet.pts)
        packet.pts = number
        try:
            frames = packet.decode()
        except av.error.FFmpegError:
            damaged = True  # reading those frames says so again
            continue
        for frame in frames:
            _note(frame, numbers, keys)
    if stamps:
        try:
            for frame in stream.codec_context.decode(None):
                _note(frame, numbers, keys)
        except av.error.FFmpegError:
            damaged = True
    if damaged:
        # a lost frame would shift the number of all that follow
        raise CannotNumber('is damaged, and its frames cannot be counted')
    if not keys:
        return None
    if len(set(numbers)) < len(numbers) or None in numbers:
        raise CannotNumber('holds several frames in one packet, which cannot be told apart')
    first = numbers.index(keys[0])
    packets = np.array(numbers[first:], np.int64)
    pts, time_base = _times([stamps[number] for number in packets.tolist()], stream)
    at_key = np.isin(packets, keys)
    return FrameTable(pts, pts[at_key], pts[at_key], time_base, packets)


def packets_with_data(
    container: av.container.InputContainer, stream: av.VideoStream
) -> Iterator[av.Packet]:
    """Packets from where a container stands, without the empty ones that flush a decoder."""
    return (packet for packet in container.demux(stream) if packet.size)


def _note(frame: av.VideoFrame, numbers: list[int | None], keys: list[int]) -> None:
    numbers.append(frame.pts)
    if frame.key_frame:
        keys.append(frame.pts)


def _times(stamps: list[int | None], stream: av.VideoStream) -> tuple[np.ndarray, float]:
    """Times of frames in the order in which they are shown, and the time base."""
    if None not in stamps and len(set(stamps)) == len(stamps):
        # those of AVI belong to other frames, but as a set they are right
        return np.array(sorted(stamps), np.int64), float(stream.time_base)
    rate = stream.average_rate or stream.guessed_rate or 25
    return np.arange(len(stamps)), float(1 / rate)


def table_from_header(file: str | RemoteFile, stream: av.VideoStream) -> FrameTable | None:
    """The same table from the header of an MP4 or QuickTime file, where that suffices.

    FFmpeg's index of the stream holds the decoding time of each sample, edit list applied. Its
    composition time is that time and its offset in the header's ``ctts``, none where there is no
    such box (ISO/IEC 14496-12, 8.6.1). Fragmented files, files that end before their last sample
    and files of several edits are left to :func:`table_from_packets`: the result is None.
    """
    entries = getattr(stream, 'index_entries', None)  # old PyAV has none
    if not entries:
        return None
    movie = movie_box(file)
    if movie is None or any(box in movie for box in (b'mvex', b'cmov')):
        return None
    # one mention may stand in any data; without one there is no such box
    offsets = composition_offsets(movie, stream.id, len(entries)) if b'ctts' in movie else None
    if offsets is None and (b'ctts' in movie or stream.codec_context.has_b_frames):
        return None
    pts, keys, stamps, end = [], [], [], 0
    for number, entry in enumerate(entries):
        stamp, dts, size = entry.timestamp, entry.timestamp, entry.size
        if offsets is not None:
            stamp += offsets[number]
        end = max(end, entry.pos + size)
        if not size:
            continue
        stamps.append(stamp)
        if entry.is_keyframe:
            keys.append((stamp, dts))
        if keys and not entry.is_discard:
            pts.append(stamp)
    if len(set(stamps)) < len(stamps) or end > size_of(file):
        return None
    return _table(pts, keys, stream)


def _table(
    pts: list[int], keys: Iterable[tuple[int, int]], stream: av.VideoStream
) -> FrameTable | None:
    if not pts:
        return None
    key_pts, key_dts = np.array(sorted(keys), np.int64).T
    table_pts = np.unique(np.array(pts, np.int64))
    # frames shown before the first keyframe refer to something that was cut away
    table_pts = table_pts[table_pts >= key_pts[0]]
    return FrameTable(table_pts, key_pts, key_dts, float(stream.time_base))


def is_movie_file(file: str | RemoteFile) -> bool:
    """Whether a file starts as MP4 and QuickTime files do (``ftyp``)."""
    if isinstance(file, str) and not os.path.isfile(file):  # a pipe would keep us waiting for ever
        return False
    try:
        with open_bytes(file) as content:
            return content.read(8)[4:] == b'ftyp'
    except OSError:
        return False
