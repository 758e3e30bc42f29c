"""Arrays in one file, which all processes of a machine read from the same pages of memory."""

import hashlib
import mmap
import os
import struct
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from poodle_mm.utils.files import replacing

_KIND, _DIGEST = 'kind', 'digest'
_ALIGNMENT = 64
_LOCAL_HEADER = 30  # bytes of a ZIP member's header before its name
_ZIP64_FIELD = 20  # bytes of the sizes, which zipfile appends to our own extra field
_PADDING_FIELD = 0xD935  # what Android's zipalign uses


class Columns(Mapping[str, np.ndarray]):
    """Arrays by name, read-only.

    Those of a file are mapped: nothing is read before it is used, and what is used is shared by
    all processes that map the file. Copies are the same object; a mapped one is pickled as its
    path and digest, and mapped again where it is unpickled; with its content, once another file has
    taken that path.

    Args:
        arrays: The arrays.
        digest: Their :func:`checksum`; None computes it when it is asked for.
        path: File that they are mapped from; None if they lie in this process's memory.
        kind: Content and format of that file.
        file: Its state while it was open.
    """

    def __init__(
        self,
        arrays: Mapping[str, np.ndarray],
        digest: str | None = None,
        path: Path | None = None,
        kind: str = '',
        file: os.stat_result | None = None,
    ) -> None:
        self._arrays = {name: np.asarray(array) for name, array in arrays.items()}
        self._digest = digest
        self.path = path
        self.kind = kind
        self._file = file

    @property
    def digest(self) -> str:
        """Checksum of names, types, shapes and contents."""
        if self._digest is None:
            self._digest = checksum(self._arrays)
        return self._digest

    def __getitem__(self, name: str) -> np.ndarray:
        return self._arrays[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._arrays)

    def __len__(self) -> int:
        return len(self._arrays)

    def __deepcopy__(self, memo: dict) -> 'Columns':
        return self

    def __reduce__(self) -> tuple:
        if self._is_at_path():
            return map_columns, (self.path, self.digest)
        return Columns, (self._arrays, self._digest)

    def _is_at_path(self) -> bool:
        try:
            return self._file is not None and os.path.samestat(self._file, os.stat(self.path))
        except OSError:
            return False


def checksum(arrays: Mapping[str, np.ndarray]) -> str:
    """SHA-256 of names, types, shapes and contents."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = np.asarray(arrays[name], order='C')
        digest.update(f'{name} {array.dtype.str} {array.shape};'.encode())
        digest.update(array.reshape(-1).view(np.uint8))
    return digest.hexdigest()


def write_columns(path: str | os.PathLike, arrays: Mapping[str, np.ndarray], kind: str) -> str:
    """Write arrays as an ``.npz`` whose members can be mapped, whole or not at all.

    ``numpy.load`` reads it too: it is not compressed, and each member begins at a multiple of 64.

    Args:
        path: The file.
        arrays: Its content.
        kind: Content and format, for the reader to compare.

    Returns:
        The digest, which the file holds as well.
    """
    digest = checksum(arrays)
    with (
        replacing(path) as temporary,
        zipfile.ZipFile(temporary, 'w') as archive,
    ):
        for name, array in {_KIND: kind, _DIGEST: digest, **arrays}.items():
            member = zipfile.ZipInfo(f'{name}.npy')
            before = archive.fp.tell() + _LOCAL_HEADER + len(member.filename.encode())
            padding = -(before + 4 + _ZIP64_FIELD) % _ALIGNMENT
            member.extra = struct.pack('<HH', _PADDING_FIELD, padding) + bytes(padding)
            with archive.open(member, 'w', force_zip64=True) as file:
                np.lib.format.write_array(file, np.asarray(array, order='C'), allow_pickle=False)
    return digest


def map_columns(
    path: str | os.PathLike, digest: str | None = None, verify: bool = False
) -> Columns:
    """Map what :func:`write_columns` wrote; a plain ``.npz`` of ``numpy.savez`` is read.

    Args:
        path: The file.
        digest: The one that is expected, of another process that has the file too.
        verify: Whether to read everything and compare it with the digest.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is damaged, or another one than expected.
    """
    try:
        columns = _map(Path(path))
    except (zipfile.BadZipFile, struct.error, SyntaxError, KeyError, EOFError) as error:
        raise ValueError(f'{path}: is damaged: {error}') from error
    if digest is not None and columns.digest != digest:
        raise ValueError(f'{path}: is another one than the main process has')
    if verify and checksum(columns) != columns.digest:
        raise ValueError(f'{path}: its digest is that of another content')
    return columns


def _map(path: Path) -> Columns:
    arrays = {}
    with open(path, 'rb') as file:
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            if any(member.compress_type != zipfile.ZIP_STORED for member in members):
                raise ValueError('is compressed')
        state = os.fstat(file.fileno())
        content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        for member in members:
            arrays[member.filename.removesuffix('.npy')] = _member(file, content, member)
    kind, found = (str(arrays.pop(name, '')) for name in (_KIND, _DIGEST))
    return Columns(arrays, found, path, kind, state)


def _member(file: Any, content: mmap.mmap, member: zipfile.ZipInfo) -> np.ndarray:
    file.seek(member.header_offset + _LOCAL_HEADER - 4)
    name, extra = struct.unpack('<HH', file.read(4))
    file.seek(name + extra, os.SEEK_CUR)
    version = np.lib.format.read_magic(file)
    header = getattr(np.lib.format, f'read_array_header_{version[0]}_{version[1]}')
    shape, in_columns, dtype = header(file)
    if dtype.hasobject or in_columns:
        raise ValueError(f'{member.filename} is no plain array')
    count = int(np.prod(shape, dtype=np.int64))
    array = np.frombuffer(content, dtype, count, file.tell()).reshape(shape)
    return array if array.flags.aligned else array.copy()
