"""The files below a URL: by the server's own listing, or by a list of names."""

from collections.abc import Sequence
from functools import partial

import fsspec

from poodle_mm.datasets.files import FileError, FrameReadError
from poodle_mm.datasets.remote.options import RemoteOptions
from poodle_mm.datasets.remote.remote_file import FileState, RemoteFile, state_of
from poodle_mm.datasets.remote.requests import persist
from poodle_mm.datasets.remote.urls import is_http, is_list, join_url, relative_name, suffix_of
from poodle_mm.utils.processes import map_in_threads

REMOTE_THREADS = 16  # that wait for answers
DEEPEST = 20  # folders below folders of a web server; a page that links to itself has no end
_NO_LISTING = (
    'web servers list folders only where they are told to: write the names into a text file beside '
    'the videos, one a line, and give its URL, https://.../list.txt'
)


def list_remote(
    root: str, extensions: Sequence[str], options: RemoteOptions
) -> list[tuple[str, FileState | FrameReadError]]:
    """Files below a URL by extension (case ignored), without hidden ones.

    Args:
        root: URL of a folder; or of a text file (``.txt``) with names relative to its own folder,
            one a line, where empty lines and those that start with ``#`` are skipped.
        extensions: Ends of names.
        options: Options of reading.

    Returns:
        Paths relative to the root, sorted, each with the state of the file, or why it has none.

    Raises:
        FileNotFoundError: If there is no such folder or no such file in it.
        ImportError: If fsspec lacks a package for the protocol.
        ValueError: If the server does not let itself be asked.
    """
    options.warn_of_secrets()
    fs = options.filesystem(root)
    try:
        found = _listed(fs, root, options) if is_list(root) else _found(fs, root, options)
    except FrameReadError as error:
        hint = f'; {_NO_LISTING}' if is_http(root) and not is_list(root) else ''
        kind = FileNotFoundError if 'no such file' in error.reason else ValueError
        raise kind(f'{root}: cannot be listed: {error.reason}{hint}') from error
    kept = {
        name: state
        for name, state in sorted(found.items())
        if suffix_of(name) in extensions and not _is_hidden(name)
    }
    if not kept:
        kinds = ', '.join(extensions)
        there = f'it holds {len(found)} others' if found else 'nothing is listed there'
        hint = f'; {_NO_LISTING}' if is_http(root) and not is_list(root) else ''
        raise FileNotFoundError(f'{root}: no file with an extension of {kinds}; {there}{hint}')
    # web servers tell sizes file by file
    unknown = [name for name, state in kept.items() if state is None]
    if unknown:
        ask = partial(_ask, root, options)
        kept |= zip(unknown, map_in_threads(ask, unknown, f'list {root}', threads=REMOTE_THREADS))
    return list(kept.items())


def _found(
    fs: fsspec.AbstractFileSystem, root: str, options: RemoteOptions
) -> dict[str, FileState | None]:
    """Files by relative path, as the server lists them."""
    more = dict(maxdepth=DEEPEST, on_error='raise') if is_http(root) else {}
    base = f'{root}/' if is_http(root) else fs._strip_protocol(root)
    entries = persist(root, options, lambda: fs.find(base, detail=True, **more))
    return {
        relative_name(base, name): state_of(entry)
        for name, entry in entries.items()
        if name.rstrip('/') != base.rstrip('/') and entry.get('type', 'file') == 'file'
    }


def _listed(
    fs: fsspec.AbstractFileSystem, root: str, options: RemoteOptions
) -> dict[str, FileState | None]:
    """Files named in a text file."""
    content = persist(root, options, lambda: fs.cat_file(root))
    try:
        lines = [line.strip() for line in content.decode('utf-8-sig').splitlines()]
    except UnicodeDecodeError as error:
        raise ValueError(f'{root}: is no list of names: {error}') from error
    names = [line for line in lines if line and not line.startswith('#')]
    if outside := [name for name in names if '..' in name.split('/') or '://' in name]:
        raise ValueError(f'{root}: names are relative to its folder, and {outside[0]!r} is not')
    return dict.fromkeys(name.removeprefix('./') for name in names)


def _ask(root: str, options: RemoteOptions, name: str) -> FileState | FileError:
    try:
        return RemoteFile(join_url(root, name), options).state
    except FrameReadError as error:
        return error


def _is_hidden(name: str) -> bool:
    return any(part.startswith('.') for part in name.split('/'))
