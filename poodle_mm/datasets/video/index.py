"""The video files of a tree and their lengths, found out once and cached."""

import hashlib
import os
import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import av
import numpy as np

from poodle_mm.datasets.files import VIDEO_EXTENSIONS
from poodle_mm.datasets.remote.listing import REMOTE_THREADS
from poodle_mm.datasets.remote.options import RemoteOptions
from poodle_mm.datasets.remote.remote_file import RemoteFile
from poodle_mm.datasets.remote.tree import file_in, find_states
from poodle_mm.datasets.remote.urls import is_url, url_or_folder
from poodle_mm.datasets.video.file import FrameReadError
from poodle_mm.datasets.video.index_file import (
    join_parts,
    part_path,
    parts_of,
    read_index,
    write_index,
)
from poodle_mm.datasets.video.reader import VideoReader
from poodle_mm.datasets.video.video_table import VideoInfo, VideoTable
from poodle_mm.utils.columns import Columns, map_columns
from poodle_mm.utils.distributed import on_all_processes, on_main_process
from poodle_mm.utils.errors import warn
from poodle_mm.utils.processes import map_in_threads
from poodle_mm.utils.shards import WHOLE, Shard

_SAVE_AFTER = 60  # seconds of scanning that a killed process loses
_BLOCK = 10_000  # entries that are objects at a time


@dataclass(frozen=True)
class VideoIndex:
    """What is known of a tree of video files.

    Attributes:
        videos: Usable files in the order of their paths.
        bad: Reason by path of files that are of no use.
    """

    videos: VideoTable
    bad: dict[str, str]

    def __len__(self) -> int:
        return len(self.videos) + len(self.bad)


def scan_video(
    info: VideoInfo,
    root: str | os.PathLike,
    with_table: bool = False,
    remote: RemoteOptions | None = None,
) -> VideoInfo:
    """Read a file's header, look whether its end is there, and fill in its entry.

    Args:
        info: Entry that has path, size and time.
        root: Root of the tree.
        with_table: Whether to read the time stamps of all frames too (this reads the whole file).
            They are read anyway where a URL's file would have to be fetched whole for them later.
        remote: Options of reading from URLs.
    """
    path = file_in(root, info.path, remote, (info.size, info.mtime_ns))
    if info.size == 0:
        info.error = 'empty file'
        return info
    try:
        with VideoReader(path) as video:
            info.streams = video.num_streams
            counted = not video.is_in_order()
            if isinstance(path, RemoteFile):
                info.read_whole = counted or not video.header_tells_all()
            if with_table or counted or info.read_whole:
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
    if not is_url(root):
        root = Path(root).resolve()
        if os.access(root, os.W_OK):
            return root / f'.poodle_mm_{name}.npz'
    base = Path(os.environ.get('XDG_CACHE_HOME') or Path.home() / '.cache')
    digest = hashlib.sha256(str(root).rstrip('/').encode()).hexdigest()[:16]
    return base / 'poodle_mm' / f'{name}_{digest}.npz'


def index_path(root: str | os.PathLike, cache: str | os.PathLike | None, with_table: bool) -> Path:
    """File of the index of a tree.

    Args:
        root: Root of the tree.
        cache: The file; None uses :func:`default_cache_path`.
        with_table: Whether it keeps the time stamps of all frames.

    Raises:
        ValueError: If ``cache`` is something else than a file.
    """
    path = Path(cache or default_cache_path(root, 'clip_index' if with_table else 'video_index'))
    if path.exists() and not path.is_file():
        # replacing a device such as /dev/null by a file would break the machine
        raise ValueError(f'index_cache must be the path of a file, and {path} is none')
    return path


def build_index(
    root: str | os.PathLike,
    cache: str | os.PathLike | None = None,
    with_table: bool = False,
    shard: Shard = WHOLE,
    remote: RemoteOptions | None = None,
) -> VideoIndex:
    """Index a tree of video files; only files that are new or changed are opened.

    What a killed process had found is kept, but for the last minute's.

    Args:
        root: Root of the tree, a folder or a URL.
        cache: File of the index; None uses :func:`default_cache_path`.
        with_table: Whether to keep the time stamps of all frames.
        shard: Part of the files to look at. Its entries are written beside the index, and whoever
            finds all parts there joins them.
        remote: Options of reading from URLs.

    Returns:
        The entries of these files.

    Raises:
        FileNotFoundError: If there is no such folder or no video file in it.
        ValueError: If ``cache`` is something else than a file, or the URL has a password in it.
    """
    root = url_or_folder(root) if is_url(root) else root
    cache = index_path(root, cache, with_table)
    target = cache if shard.count == 1 else part_path(cache, shard)
    paths, sizes, marks, bad = _look_at_files(root, shard, remote)
    parts = parts_of(cache)
    known = VideoTable.join([read_index(path) for path in (*parts, cache)])
    rows = known.rows_of(paths)
    fresh = rows >= 0
    for name, now in (('size', sizes), ('mtime_ns', marks)):
        fresh[fresh] = known.columns[name][rows[fresh]] == now[fresh]
    if with_table:
        fresh[fresh] = known.has_table[rows[fresh]]
    todo = np.flatnonzero(~fresh).tolist()
    tables = [known if not todo and len(known) == len(rows) else known.take(rows[fresh])]
    news = (VideoInfo(paths[i], int(sizes[i]), int(marks[i])) for i in todo)
    if todo:
        scan = partial(scan_video, root=root, with_table=with_table, remote=remote)
        threads = REMOTE_THREADS if is_url(root) else None
        found = map_in_threads(scan, news, f'index {root}', threads=threads, total=len(todo))
        _take_in(root, found, target, tables, bad)
    videos = VideoTable.join(tables)
    if videos.columns.path != target:
        videos = _keep(target, videos)
    if shard.count > 1:
        join_parts(cache, shard.count)
    elif videos.columns.path is not None:
        for path in parts:
            path.unlink(missing_ok=True)
    return VideoIndex(videos, dict(sorted(bad.items())))


def _look_at_files(
    root: str | os.PathLike, shard: Shard, remote: RemoteOptions | None
) -> tuple[list[str], np.ndarray, np.ndarray, dict[str, str]]:
    """Paths of regular files, their sizes and marks, and what is wrong with the others."""
    there, sizes, marks, bad = [], [], [], {}
    for path, size, mark, problem in find_states(root, VIDEO_EXTENSIONS, remote, shard):
        if problem:
            bad[path] = problem
        else:
            there.append(path)
            sizes.append(size)
            marks.append(mark)
    return there, np.array(sizes, np.int64), np.array(marks, np.int64), bad


def _take_in(
    root: str | os.PathLike,
    found: Iterable[VideoInfo],
    target: Path,
    tables: list[VideoTable],
    bad: dict[str, str],
) -> None:
    """Add scanned files to ``tables`` if they are usable, to ``bad`` if not."""
    good, several, whole, saved = [], [], [], time.monotonic()
    for info in found:
        if info.streams > 1:
            several.append((info.path, info.streams))
        if info.read_whole:
            whole.append(info.path)
        if info.error:
            bad[info.path] = info.error
        else:
            good.append(info)
        late = time.monotonic() - saved > _SAVE_AFTER
        if late or len(good) == _BLOCK:
            tables.append(VideoTable.from_infos(good))
            good = []
        if late:
            tables[:] = [_keep(target, VideoTable.join(tables))]
            saved = time.monotonic()
    if good:
        tables.append(VideoTable.from_infos(good))
    if whole:
        warn(
            f'{root}: {len(whole)} files, such as {whole[0]}, were fetched to their end to number '
            'their frames, which the index keeps; MP4 and MOV files that are not fragmented need '
            'their header alone'
        )
    if several:
        warn(
            f'{root}: {len(several)} files hold several video streams, such as {several[0][0]} '
            f'({several[0][1]}); the one of the largest pictures is read'
        )


def _keep(path: Path, videos: VideoTable) -> VideoTable:
    """Write a table and map it, so that it takes no memory of this process."""
    try:
        return write_index(path, videos)
    except OSError as error:
        warn(f'{path}: index not kept: {error}')
        return videos


def shared_index(
    root: str | os.PathLike,
    cache: str | os.PathLike | None = None,
    with_table: bool = False,
    remote: RemoteOptions | None = None,
) -> VideoIndex:
    """Build an index on rank 0, and map the file that it wrote on all ranks.

    A rank that finds no such file, or one of other content (another machine's cache folder, a file
    system that shows an older one), is sent what rank 0 has. The arguments are those of
    :func:`build_index`.
    """
    built: list[VideoIndex] = []

    def build() -> tuple[Path | None, str, dict[str, str]]:
        built.append(build_index(root, cache, with_table, remote=remote))
        columns = built[0].videos.columns
        return columns.path, columns.digest, built[0].bad

    path, digest, bad = on_main_process(build)
    videos = built[0].videos if built else None
    if videos is None and path is not None:
        try:
            videos = VideoTable(map_columns(path, digest))
        except (OSError, ValueError) as error:
            warn(f'{error}; what the main process has is sent instead')
    if not on_all_processes(videos is not None):
        arrays = on_main_process(lambda: dict(built[0].videos.columns))
        videos = VideoTable(Columns(arrays, digest)) if videos is None else videos
    return VideoIndex(videos, bad)
