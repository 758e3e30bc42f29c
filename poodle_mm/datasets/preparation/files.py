"""Finding files, and writing one whole or not at all."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..video_index import find_files


def list_files(root: str | os.PathLike, suffix: str) -> list[str]:
    """Files of a folder and its subfolders whose names end with ``suffix``, without hidden ones.

    Returns:
        Sorted paths relative to ``root``, with ``/``; empty if there is no such folder.
    """
    try:
        names = find_files(root, (suffix.lower(),))
    except FileNotFoundError:
        return []
    # find_files ignores case, which the readers of the data sets do not
    return [name for name in names if name.endswith(suffix)]


@contextmanager
def replacing(path: str | os.PathLike) -> Iterator[Path]:
    """A temporary path beside ``path``, which takes its place when the block ends well.

    The name is hidden and ends as ``path`` does, so that writers which go by the extension work.
    Folders above are made.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f'.{os.getpid()}.{path.name}')
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_json(path: str | os.PathLike, content: Any, indent: int | None = None) -> None:
    """Write JSON atomically.

    Raises:
        ValueError: If ``content`` holds NaN or infinity, which JSON does not have.
    """
    with replacing(path) as temporary, open(temporary, 'w', encoding='utf-8') as file:
        json.dump(content, file, indent=indent, allow_nan=False)
