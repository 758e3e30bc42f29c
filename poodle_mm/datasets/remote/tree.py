"""Trees of files, whether their root is a folder or a URL."""

import os
import stat
from collections.abc import Iterator, Sequence

from poodle_mm.datasets.files import file_problem, find_files
from poodle_mm.datasets.remote.listing import list_remote
from poodle_mm.datasets.remote.options import RemoteOptions
from poodle_mm.datasets.remote.remote_file import FileState, RemoteFile
from poodle_mm.datasets.remote.urls import is_url, join_url
from poodle_mm.utils.shards import WHOLE, Shard


def file_in(
    root: str | os.PathLike,
    name: str,
    remote: RemoteOptions | None = None,
    state: tuple[int, int] | None = None,
) -> str | RemoteFile:
    """A file of a tree, to be opened.

    Args:
        root: Folder or URL.
        name: Path relative to it, with ``/``.
        remote: Options of reading from URLs.
        state: Size and mark of a URL's file, another one of which is refused.
    """
    if not is_url(root):
        return os.path.join(root, name)
    return RemoteFile(join_url(root, name), remote, state and FileState(*state))


def find_states(
    root: str | os.PathLike,
    extensions: Sequence[str],
    remote: RemoteOptions | None = None,
    shard: Shard = WHOLE,
) -> Iterator[tuple[str, int, int, str]]:
    """Files of a tree, with what tells them from earlier ones of the same name.

    Args:
        root: Folder (see :func:`find_files`) or URL (see :func:`list_remote`).
        extensions: Ends of names, case ignored.
        remote: Options of reading from URLs.
        shard: Part of the files to look at.

    Yields:
        Path relative to the root, bytes, time of the last change or another mark, and why the file
        cannot be opened (empty if it can).

    Raises:
        FileNotFoundError: If there is no such folder or no such file in it.
    """
    if is_url(root):
        for name, state in shard.of(list_remote(root, extensions, remote or RemoteOptions())):
            if isinstance(state, FileState):
                yield name, *state, ''
            else:
                yield name, 0, 0, state.reason
        return
    base = os.path.join(root, '')
    for name in shard.of(find_files(root, extensions)):
        try:
            found = os.stat(base + name)
            usable = stat.S_ISREG(found.st_mode)
        except (OSError, ValueError):
            usable = False
        if usable:
            yield name, found.st_size, found.st_mtime_ns, ''
        else:
            yield name, 0, 0, file_problem(base + name) or 'came and went'
