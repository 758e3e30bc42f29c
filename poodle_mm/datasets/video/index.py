"""The video files of a tree and their lengths, found out once and cached."""

import hashlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import av
import numpy as np

from poodle_mm.datasets.files import VIDEO_EXTENSIONS, file_problem, find_files
from poodle_mm.datasets.video.file import FrameReadError
from poodle_mm.datasets.video.frame_table import FrameTable
from poodle_mm.datasets.video.reader import VideoReader
from poodle_mm.utils.errors import warn
from poodle_mm.utils.files import replacing
from poodle_mm.utils.processes import map_in_threads

FORMAT = 3
_COLUMNS = dict.fromkeys(('size', 'mtime_ns', 'frames', 'streams'), np.int64)
_COLUMNS |= dict(path=str, duration=np.float64)
_TABLE_FIELDS = ('pts', 'key_pts', 'key_dts', 'packets')


@dataclass
class VideoInfo:
    """Entry of the index about one file.

    Attributes:
        path: Relative to the tree's root, with ``/``.
        size: Bytes.
        mtime_ns: Time of the last change.
        frames: Number of frames; an estimate where the container's header does not say.
        duration: Seconds; 0 where unknown.
        error: Reason why the file is of no use; empty if it is of use.
        streams: Number of video streams that could be read.
        table: All time stamps, where asked for, and of files that are decoded to find them.
    """

    path: str
    size: int
    mtime_ns: int
    frames: int = 0
    duration: float = 0.0
    error: str = ''
    streams: int = 1
    table: FrameTable | None = None


def scan_video(info: VideoInfo, root: str | os.PathLike, with_table: bool = False) -> VideoInfo:
    """Read a file's header, look whether its end is there, and fill in its entry.

    Args:
        info: Entry that has path, size and time.
        root: Root of the tree.
        with_table: Whether to read the time stamps of all frames too (this reads the whole file).
    """
    path = os.path.join(root, info.path)
    if info.size == 0:
        info.error = 'empty file'
        return info
    try:
        with VideoReader(path) as video:
            info.streams = video.num_streams
            if with_table or not video.is_in_order():
                info.table = video.table
                info.frames = len(video)
                info.duration = float(video.timestamps[-1])
            else:
                info.frames, info.duration = video.header_length()
                if not video.has_end():
                    info.error = 'truncated'
    except FrameReadError as error:
        info.error = error.reason
    except (av.error.FFmpegError, OSError) as error:
        info.error = str(error)
    return info


def default_cache_path(root: str | os.PathLike, name: str) -> Path:
    """File of an index: in the tree if it can be written to, else in the user's cache folder."""
    root = Path(root).resolve()
    if os.access(root, os.W_OK):
        return root / f'.poodle_mm_{name}.npz'
    base = Path(os.environ.get('XDG_CACHE_HOME') or Path.home() / '.cache')
    digest = hashlib.sha256(str(root).encode()).hexdigest()[:16]
    return base / 'poodle_mm' / f'{name}_{digest}.npz'


def write_index(path: str | os.PathLike, infos: Iterable[VideoInfo]) -> None:
    """Write an index atomically; files with an error are left out, so that they are tried again."""
    infos = [info for info in infos if not info.error]
    tables = [info.table for info in infos if info.table is not None]
    arrays = {k: np.array([getattr(info, k) for info in infos], t) for k, t in _COLUMNS.items()}
    arrays['format'] = np.array(FORMAT)
    if tables:
        arrays['has_table'] = np.array([info.table is not None for info in infos])
        arrays['time_base'] = np.array([table.time_base for table in tables])
        for field in _TABLE_FIELDS:
            parts = [getattr(table, field) for table in tables]
            parts = [np.empty(0, np.int64) if part is None else part for part in parts]
            arrays[field] = np.concatenate(parts)
            arrays[f'{field}_ends'] = np.cumsum([len(part) for part in parts])
    arrays['digest'] = np.array(_digest(arrays))
    with replacing(path) as temporary, open(temporary, 'wb') as file:
        np.savez_compressed(file, **arrays)


def _digest(arrays: Mapping[str, np.ndarray]) -> str:
    """Checksum of names, types, shapes and contents."""
    digest = hashlib.sha256()
    for key in sorted(arrays):
        array = np.ascontiguousarray(arrays[key])
        digest.update(f'{key} {array.dtype.str} {array.shape};'.encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def read_index(path: str | os.PathLike) -> dict[str, VideoInfo]:
    """Read an index by path; one that is damaged or of another format counts as empty."""
    try:
        with np.load(path) as archive:
            arrays = {key: archive[key] for key in archive.files}
        if int(arrays['format']) != FORMAT:
            raise ValueError(f'format {arrays["format"]}, not {FORMAT}')
        if str(arrays.pop('digest')) != _digest(arrays):
            raise ValueError('its digest is that of another content')
        rows = zip(*(arrays[key].tolist() for key in _COLUMNS), strict=True)
        infos = [VideoInfo(**dict(zip(_COLUMNS, row))) for row in rows]
        if 'time_base' in arrays:
            parts = (np.split(arrays[f], arrays[f'{f}_ends'][:-1]) for f in _TABLE_FIELDS)
            tabled = [infos[i] for i in np.flatnonzero(arrays['has_table']).tolist()]
            for info, pts, key_pts, key_dts, packets, time_base in zip(
                tabled, *parts, arrays['time_base'].tolist(), strict=True
            ):
                counted = packets if len(packets) else None
                info.table = FrameTable(pts, key_pts, key_dts, time_base, counted)
        return {info.path: info for info in infos}
    except FileNotFoundError:
        return {}
    except Exception as error:  # a damaged archive raises whatever its readers can
        warn(f'{path}: unusable index ({" ".join(str(error).split())}), built anew')
        return {}


def build_index(
    root: str | os.PathLike,
    cache: str | os.PathLike | None = None,
    with_table: bool = False,
) -> list[VideoInfo]:
    """Index a tree of video files; only files that are new or changed are opened.

    Args:
        root: Root of the tree.
        cache: File of the index; None uses :func:`default_cache_path`.
        with_table: Whether to keep the time stamps of all frames.

    Returns:
        One entry a file, sorted by path; unusable files have ``error`` set.

    Raises:
        FileNotFoundError: If there is no such folder or no video file in it.
        ValueError: If ``cache`` is something else than a file.
    """
    cache = Path(cache or default_cache_path(root, 'clip_index' if with_table else 'video_index'))
    if cache.exists() and not cache.is_file():
        # replacing a device such as /dev/null by a file would break the machine
        raise ValueError(f'index_cache must be the path of a file, and {cache} is none')
    paths = find_files(root, VIDEO_EXTENSIONS)
    known = read_index(cache)
    infos, todo, base = [], [], os.path.join(root, '')
    for path in paths:
        if problem := file_problem(base + path):
            infos.append(VideoInfo(path, 0, 0, error=problem))
            continue
        stat = os.stat(base + path)
        info = known.get(path)
        fresh = (
            info is not None
            and (info.size, info.mtime_ns) == (stat.st_size, stat.st_mtime_ns)
            and (info.table is not None or not with_table)
        )
        if not fresh:
            info = VideoInfo(path, stat.st_size, stat.st_mtime_ns)
            todo.append(info)
        infos.append(info)
    if todo:
        scan = partial(scan_video, root=root, with_table=with_table)
        list(map_in_threads(scan, todo, f'index {root}'))
    if several := [info for info in todo if info.streams > 1]:
        warn(
            f'{root}: {len(several)} files hold several video streams, such as {several[0].path} '
            f'({several[0].streams}); the one of the largest pictures is read'
        )
    if todo or len(known) != len(infos):
        try:
            write_index(cache, infos)
        except OSError as error:
            warn(f'{cache}: index not kept: {error}')
    return infos
