"""Which frames a video file holds, found out without decoding."""

import os
from collections.abc import Iterable
from typing import NamedTuple

import av
import numpy as np


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


def stamp_of(packet: av.Packet) -> int | None:
    """Presentation time of a packet.

    AVI and raw streams store none; without B-frames it is the decoding time.
    """
    return packet.dts if packet.pts is None else packet.pts


def table_from_packets(
    container: av.container.InputContainer, stream: av.VideoStream
) -> FrameTable | None:
    """The table by demuxing the whole file: right for every container.

    Args:
        container: Opened for reading; its position is moved.
        stream: One of its video streams.

    Returns:
        None if no frame has a time stamp.

    Raises:
        av.error.FFmpegError, OSError: If the packets cannot be read.
    """
    pts, keys = [], []
    container.seek(0)
    for packet in container.demux(stream):
        stamp = stamp_of(packet)
        if stamp is None or not packet.size:
            continue
        if packet.is_keyframe and not packet.is_corrupt:
            keys.append((stamp, stamp if packet.dts is None else packet.dts))
        # neither cut away by an edit list nor cut off
        if keys and not packet.is_discard and not packet.is_corrupt:
            pts.append(stamp)
    return _table(pts, keys, stream)


def table_from_header(path: str, stream: av.VideoStream) -> FrameTable | None:
    """The same table from the header of an MP4 or QuickTime file, where that suffices.

    It suffices if frames are stored in the order in which they are shown: without composition
    offsets (``ctts``) a sample's composition time is its decoding time (ISO/IEC 14496-12, 8.6.1),
    which FFmpeg's index of the stream holds, edit list applied. Fragmented files and files that
    end before their last sample are left to :func:`table_from_packets`.

    Args:
        path: The file.
        stream: A video stream of it, just opened.

    Returns:
        None where the header does not suffice.
    """
    entries = getattr(stream, 'index_entries', None)  # old PyAV has none
    if not entries or stream.codec_context.has_b_frames:
        return None
    movie = _movie_box(path)
    if movie is None or any(box in movie for box in (b'ctts', b'mvex', b'cmov')):
        return None
    pts, keys, end = [], [], 0
    for entry in entries:
        stamp, size = entry.timestamp, entry.size
        end = max(end, entry.pos + size)
        if not size:
            continue
        if entry.is_keyframe:
            keys.append((stamp, stamp))
        if keys and not entry.is_discard:
            pts.append(stamp)
    return _table(pts, keys, stream) if end <= os.path.getsize(path) else None


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


def is_movie_file(path: str) -> bool:
    """Whether a file starts as MP4 and QuickTime files do (``ftyp``)."""
    try:
        with open(path, 'rb') as file:
            return file.read(8)[4:] == b'ftyp'
    except OSError:
        return False


def _movie_box(path: str) -> bytes | None:
    """The header (``moov``) of an MP4 or QuickTime file."""
    with open(path, 'rb') as file:
        offset = 0
        while len(head := file.read(16)) == 16:
            length = int.from_bytes(head[:4], 'big')
            if length == 1:  # does not fit in 32 bits
                length = int.from_bytes(head[8:], 'big')
            if head[4:8] == b'moov':
                file.seek(offset)
                return file.read(length or -1)
            if length < 8:  # 0: up to the end
                return None
            offset += length
            file.seek(offset)
    return None
