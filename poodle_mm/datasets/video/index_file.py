"""The file of an index, and the files of its parts while several processes make it."""

import os
import re
from contextlib import suppress
from pathlib import Path

from poodle_mm.datasets.video.video_table import VideoTable
from poodle_mm.utils.columns import map_columns, write_columns
from poodle_mm.utils.errors import warn
from poodle_mm.utils.files import replacing
from poodle_mm.utils.shards import Shard

FORMAT = 'poodle_mm index 4'


def write_index(path: str | os.PathLike, videos: VideoTable) -> VideoTable:
    """Write an index, whole or not at all, and map it.

    Its predecessor stays behind under another name: other machines may have mapped it, and on NFS
    a process dies that uses a page of a file which another machine has removed.

    Raises:
        OSError: If it cannot be written.
    """
    path = Path(path)
    with suppress(OSError), replacing(path.with_name(f'{path.name}.previous')) as temporary:
        os.link(path, temporary)
    digest = write_columns(path, dict(videos.columns), FORMAT)
    return VideoTable(map_columns(path, digest))


def read_index(path: str | os.PathLike) -> VideoTable:
    """Map an index and check it; one that is damaged or of another format counts as empty."""
    try:
        columns = map_columns(path, verify=True)
        if columns.kind != FORMAT:
            raise ValueError(f'{path}: is no {FORMAT}')
        return VideoTable(columns)
    except FileNotFoundError:
        pass
    except Exception as error:  # a damaged archive raises whatever its readers can
        warn(f'{path}: unusable index ({" ".join(str(error).split())}), built anew')
    return VideoTable.from_infos([])


def part_path(cache: Path, shard: Shard) -> Path:
    """File of the entries that one process found; hidden, beside the index."""
    name = cache.stem if cache.name.startswith('.') else f'.{cache.stem}'
    return cache.with_name(f'{name}.part{shard.index}of{shard.count}{cache.suffix}')


def parts_of(cache: Path) -> list[Path]:
    """Files of parts that nobody has joined yet."""
    begin, end = part_path(cache, Shard()).name.split('.part0of1')
    pattern = re.compile(rf'{re.escape(begin)}\.part\d+of\d+{re.escape(end)}')
    try:
        names = os.listdir(cache.parent)
    except OSError:
        return []
    return [cache.with_name(name) for name in sorted(names) if pattern.fullmatch(name)]


def join_parts(cache: Path, count: int) -> bool:
    """Join the parts of an index, if all ``count`` are there.

    Two processes that both see the last part write the same file; one that sees parts vanish has
    been overtaken.

    Returns:
        Whether this process wrote the index.
    """
    parts = [part_path(cache, Shard(index, count)) for index in range(count)]
    try:
        found = [map_columns(part, verify=True) for part in parts]
    except FileNotFoundError:
        return False
    except ValueError as error:
        warn(f'{error}; index that part again')
        return False
    write_index(cache, VideoTable.join([VideoTable(columns) for columns in found]))
    for part in parts:
        part.unlink(missing_ok=True)
    return True
