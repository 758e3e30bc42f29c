"""What FFmpeg does not pass on of the header of MP4 and QuickTime files (ISO/IEC 14496-12)."""

from collections.abc import Iterator

import numpy as np

from poodle_mm.datasets.remote.remote_file import RemoteFile
from poodle_mm.datasets.video.file import open_bytes

_LARGEST_OFFSET = 2**28  # FFmpeg takes no list with a larger one


def composition_offsets(movie: bytes, track: int, count: int) -> list[int] | None:
    """Presentation time minus decoding time, as FFmpeg counts that, of each sample of a track.

    Args:
        movie: The ``moov`` box.
        track: Number of the track.
        count: Number of samples in FFmpeg's index.

    Returns:
        ``count`` times in units of the track's time scale; None where the header does not say, or
        where FFmpeg's index is not the track's samples in their order (several edits, cut samples).
    """
    for trak in _boxes(movie[8:], b'trak'):
        header = _first(trak, b'tkhd')
        at = 20 if header[:1] == b'\1' else 12
        if int.from_bytes(header[at : at + 4], 'big') == track:
            break
    else:
        return None
    if _num_edits(_first(trak, b'edts', b'elst')) > 1:
        return None
    content = _first(trak, b'mdia', b'minf', b'stbl', b'ctts')
    length = 8 * int.from_bytes(content[4:8], 'big')
    if not length or len(content) < 8 + length:
        return None
    pairs = np.frombuffer(content[8 : 8 + length], '>i4')
    counts, offsets = pairs.reshape(-1, 2).astype(np.int64).T
    if counts.min() < 1 or np.abs(offsets).max() >= _LARGEST_OFFSET:
        return None
    samples = _first(trak, b'mdia', b'minf', b'stbl', b'stsz')[8:12]
    if not counts.sum() == count == int.from_bytes(samples, 'big'):
        return None
    # FFmpeg moves decoding times so that none is later than its frame's presentation; by how much
    # it learns from all entries but the last two
    shift = max(0, -offsets.min())
    if shift != max(0, -offsets[:-2].min(initial=0)):
        return None
    return np.repeat(offsets + shift, counts).tolist()


def _num_edits(content: bytes) -> int:
    """Edits that show something: others say when the track starts."""
    if not content:
        return 0
    size, place, width = (20, 8, 8) if content[0] == 1 else (12, 4, 4)
    entries = range(8, 8 + size * int.from_bytes(content[4:8], 'big'), size)
    starts = (content[at + place : at + place + width] for at in entries)
    return sum(int.from_bytes(start, 'big', signed=True) >= 0 for start in starts)


def _first(content: bytes, *path: bytes) -> bytes:
    """Content of the first box at a path; empty if there is none."""
    for kind in path:
        content = next(_boxes(content, kind), b'')
    return content


def _boxes(content: bytes, kind: bytes) -> Iterator[bytes]:
    """Contents of the boxes of a kind, one after another."""
    place = 0
    while place + 8 <= len(content):
        length, start = int.from_bytes(content[place : place + 4], 'big'), place + 8
        if length == 1:  # does not fit in 32 bits
            length, start = int.from_bytes(content[start : start + 8], 'big'), start + 8
        length = length or len(content) - place
        if length < 8:
            return
        if content[place + 4 : place + 8] == kind:
            yield content[start : place + length]
        place += length


def movie_box(file: str | RemoteFile) -> bytes | None:
    """The header (``moov``) of an MP4 or QuickTime file."""
    with open_bytes(file) as content:
        offset = 0
        while len(head := content.read(16)) == 16:
            length = int.from_bytes(head[:4], 'big')
            if length == 1:  # does not fit in 32 bits
                length = int.from_bytes(head[8:], 'big')
            if head[4:8] == b'moov':
                content.seek(offset)
                return content.read(length or -1)
            if length < 8:  # 0: up to the end
                return None
            offset += length
            content.seek(offset)
    return None
