"""Finding files in a tree, and telling those that cannot be read."""

import os
import stat
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from poodle_mm.datasets.remote.urls import refuse_url

IMAGE_EXTENSIONS = ('.bmp', '.jpeg', '.jpg', '.png', '.ppm', '.tif', '.tiff', '.webp')
VIDEO_EXTENSIONS = (
    *('.3gp', '.avi', '.flv', '.m2ts', '.m4v', '.mkv', '.mov', '.mp4', '.mpeg', '.mpg', '.mts'),
    *('.ts', '.vob', '.webm', '.wmv'),
)


class FileError(ValueError):
    """A file that is of no use.

    Args:
        path: The file.
        reason: The fault, in the same words for all files of a kind.
        detail: Particulars of this file.
    """

    def __init__(self, path: str | os.PathLike, reason: str, detail: str = '') -> None:
        super().__init__(path, reason, detail)
        self.path = str(path)
        self.reason = reason
        self.detail = detail

    def __str__(self) -> str:
        return f'{self.path}: {self.reason}' + (f' ({self.detail})' if self.detail else '')


class FrameReadError(FileError):
    """A file that cannot be opened, or a frame that cannot be decoded."""


def find_files(root: str | os.PathLike, extensions: Sequence[str]) -> list[str]:
    """Files below ``root`` by extension (case ignored), without hidden ones.

    Links are followed, each folder is visited once.

    Returns:
        Sorted paths relative to ``root``, with ``/``.

    Raises:
        FileNotFoundError: If there is no such folder or no such file in it.
        NotADirectoryError: If ``root`` is a file.
        PermissionError: If a folder cannot be read.
        ValueError: If ``root`` is a URL.
    """
    refuse_url(root)
    root = Path(root)
    kinds, endings = ', '.join(extensions), tuple(extensions)
    if root.is_file():
        raise NotADirectoryError(f'{root}: a file; data_root is the folder that it lies in')
    if not root.is_dir():
        raise FileNotFoundError(f'{root}: no such folder; data_root must hold files {kinds}')

    def refuse(error: OSError) -> None:
        raise error

    found, seen, others = [], set(), Counter()
    for folder, subfolders, names in os.walk(root, followlinks=True, onerror=refuse):
        seen.add(os.path.realpath(folder))
        subfolders[:] = [
            name
            for name in subfolders
            if not name.startswith('.') and os.path.realpath(os.path.join(folder, name)) not in seen
        ]
        relative = Path(folder).relative_to(root).as_posix()
        # strings: a Path for each of 70,000 files takes most of the time
        prefix = '' if relative == '.' else f'{relative}/'
        for name in names:
            if name.startswith('.'):
                continue
            if name.lower().endswith(endings):
                found.append(prefix + name)
            elif not found:
                others[os.path.splitext(name)[1] or name] += 1
    if not found:
        there = ', '.join(f'{count} {ending}' for ending, count in others.most_common(5))
        raise FileNotFoundError(
            f'{root}: holds no file with an extension of {kinds}; '
            + (f'it holds {there}' if others else 'it is empty')
        )
    return sorted(found)


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


def file_problem(path: str | os.PathLike) -> str:
    """Why something cannot be opened as a file; empty if it can.

    Opening a pipe would wait for ever, and a link may lead nowhere or in a circle.
    """
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError) as error:
        reason = getattr(error, 'strerror', None) or str(error)
        return f'link that leads nowhere: {reason}' if os.path.islink(path) else reason
    return '' if stat.S_ISREG(mode) else 'not a regular file'
