"""A remote file, of which only the parts that are asked for are fetched."""

import hashlib
import io
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cached_property
from typing import Any, NamedTuple

import fsspec
from fsspec.caching import BaseCache, caches

from poodle_mm.datasets.files import FrameReadError
from poodle_mm.datasets.remote.options import RemoteOptions
from poodle_mm.datasets.remote.requests import CutShort, call, persist
from poodle_mm.datasets.remote.urls import file_name, is_http, is_url, shown

# what tells a file from an earlier one of its name. Of web servers the time comes first: behind one
# address may be several, which hash differently
_MARKS = (
    *('Last-Modified', 'ETag', 'etag', 'md5Hash', 'blob_id', 'Content-MD5', 'mtime'),
    *('LastModified', 'last_modified', 'updated', 'created'),
)


class FileState(NamedTuple):
    """State of a remote file.

    Attributes:
        size: Bytes.
        mark: Number of 63 bits that changes with the content; 0 where the server tells nothing.
    """

    size: int
    mark: int


def state_of(info: Mapping[str, Any]) -> FileState | None:
    """State from an entry of fsspec's; None if it has no size."""
    if info.get('size') is None:
        return None
    for name in _MARKS:
        if value := info.get(name):
            if isinstance(value, datetime):
                value = value.timestamp()
            text = str(value).removeprefix('W/').strip('"')
            digest = hashlib.sha256(f'{name.lower()} {text}'.encode()).digest()
            return FileState(int(info['size']), int.from_bytes(digest[:8], 'big') >> 1)
    return FileState(int(info['size']), 0)


class RemoteFile:
    """A file behind a URL.

    Nothing is fetched before it is asked for. All that read from :meth:`open` share one cache, so
    that a header is fetched once however often it is looked at.

    Args:
        url: The file.
        options: Options of reading; None takes the defaults.
        expected: State that an index holds of it; another one is refused. None takes any.

    Attributes:
        requests, fetched: Number of ranges and of bytes that came from the server.

    Raises:
        FrameReadError: At use, if it cannot be read or is not as expected.
    """

    def __init__(
        self, url: str, options: RemoteOptions | None = None, expected: FileState | None = None
    ) -> None:
        self.url = url
        self.options = options or RemoteOptions()
        self._expected = expected
        self.requests = 0
        self.fetched = 0

    def __str__(self) -> str:
        return shown(self.url)

    @cached_property
    def _fs(self) -> fsspec.AbstractFileSystem:
        return self.options.filesystem(self.url)

    @cached_property
    def state(self) -> FileState:
        """Size and mark, asked for once."""

        def ask() -> FileState | None:
            return state_of(call(self._fs, 'info', self.url, timeout=self.options.timeout))

        state = persist(self.url, self.options, ask)
        if state is None:
            raise FrameReadError(str(self), 'the server does not tell its size')
        if self._expected is not None and state != tuple(self._expected):
            raise FrameReadError(str(self), 'has changed since it was indexed')
        return state

    @property
    def size(self) -> int:
        """Bytes."""
        return self.state.size

    def open(self) -> io.RawIOBase:
        """A reader that stands at the start."""
        return _Reader(self._cache, file_name(self.url))

    @cached_property
    def _cache(self) -> BaseCache:
        options, kind = self.options, caches[self.options.cache]
        more = dict(maxblocks=options.max_blocks) if 'block' in options.cache else {}
        return kind(options.block_size, self._fetch, self.size, **more)

    def _fetch(self, start: int, end: int) -> bytes:
        end = min(end, self.size)
        return persist(self.url, self.options, lambda: self._request(start, end))

    def _request(self, start: int, end: int) -> bytes:
        self.requests += 1
        content = self._get(start, end)
        self.fetched += len(content)
        if len(content) != end - start:
            raise CutShort(f'{len(content)} of {end - start} bytes came')
        return content

    @cached_property
    def _get(self) -> Callable[[int, int], bytes]:
        fs, seconds = self._fs, self.options.timeout
        if is_http(self.url) and fs.async_impl:
            # its cat_file would take a whole file from servers that ignore ranges
            file = fs.open(self.url, size=self.size, block_size=1, cache_type='none')
            return lambda start, end: call(fs, file.async_fetch_range, start, end, timeout=seconds)
        # those that are not asynchronous open the file, and would read ahead
        more = {} if fs.async_impl else dict(cache_type='none')
        return lambda start, end: call(
            fs, 'cat_file', self.url, start=start, end=end, timeout=seconds, **more
        )


class _Reader(io.RawIOBase):
    """A place in a cached file."""

    def __init__(self, cache: BaseCache, name: str) -> None:
        self._cache = cache
        self._place = 0
        self.name = name  # FFmpeg looks at how it ends

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._cache.size}
        self._place = max(0, base[whence] + offset)
        return self._place

    def readinto(self, buffer: memoryview) -> int:
        content = self._cache._fetch(self._place, self._place + len(buffer))
        content = content[: len(buffer)]
        buffer[: len(content)] = content
        self._place += len(content)
        return len(content)


def local_or_remote(path: 'str | RemoteFile') -> 'str | RemoteFile':
    """A remote file for a URL; anything else as it is."""
    return RemoteFile(path) if is_url(path) else path
