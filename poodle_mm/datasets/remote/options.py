"""How remote files are reached and read."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import fsspec
from fsspec.caching import caches

from poodle_mm.datasets.remote.urls import is_http, shown
from poodle_mm.utils.errors import warn

PIP_LINE = 'pip install "fsspec[{extra}]"'
# what fsspec calls the packages of a protocol, where that is not the protocol
_EXTRAS = {
    'https': 'http',
    's3a': 's3',
    'gs': 'gcs',
    'az': 'adls',
    'abfs': 'adls',
    'abfss': 'adls',
    'sftp': 'ssh',
    'oci': 'oci',
}
_PACKAGES = {'hf': 'huggingface_hub'}
_SECRETS = ('secret', 'password', 'token', 'access_key', 'account_key')


@dataclass(frozen=True)
class RemoteOptions:
    """Options of reading from URLs.

    Args:
        storage_options: Arguments of fsspec's file system of the URL's protocol, such as
            ``dict(endpoint_url=..., anon=True)``. Secrets do not belong there: configs are written
            into the work dir. Packages of each protocol take them from environment variables.
        block_size: Bytes of one request; docs/remote.md has what other sizes cost.
        max_blocks: Number of blocks that an open file keeps in memory.
        timeout: Seconds after which a request has failed.
        retries: Number of times that a failed request is made again, after pauses that double.
        cache: Kind of fsspec's cache between requests and readers.

    Raises:
        ValueError: For an option without meaning.
    """

    storage_options: Mapping[str, Any] = field(default_factory=dict, repr=False)
    block_size: int = 2**19
    max_blocks: int = 32
    timeout: float = 30.0
    retries: int = 3
    cache: str = 'blockcache'

    def __post_init__(self) -> None:
        for name in ('block_size', 'max_blocks', 'timeout'):
            if not getattr(self, name) > 0:
                raise ValueError(f'remote.{name} must be positive, got {getattr(self, name)}')
        if self.retries < 0:
            raise ValueError(f'remote.retries must not be negative, got {self.retries}')
        if self.cache not in caches:
            known = ', '.join(sorted(name for name in caches if name))
            raise ValueError(f'remote.cache must be one of {known}, got {self.cache!r}')

    def warn_of_secrets(self) -> None:
        """Warn of options that look like secrets; their values are not shown."""
        for name in self.storage_options:
            if any(word in name.lower() for word in _SECRETS):
                warn(
                    f'storage_options.{name} is written into the work dir with the config: let '
                    'environment variables hold secrets (docs/remote.md)'
                )

    def filesystem(self, url: str) -> fsspec.AbstractFileSystem:
        """The file system of a URL, of this process: none is carried over a fork.

        Raises:
            ImportError: If a package is missing, with the line that installs it.
            ValueError: If there is no such protocol, or an option of it is wrong.
        """
        protocol = url.partition('://')[0]
        # files are looked at anew: listings may be as old as the process
        options = {'use_listings_cache': False, **self.storage_options}
        try:
            if is_http(url) and 'client_kwargs' not in options:
                from aiohttp import ClientTimeout

                silence = ClientTimeout(sock_connect=self.timeout, sock_read=self.timeout)
                options['client_kwargs'] = dict(timeout=silence)
            return fsspec.core.url_to_fs(url, **options)[0]
        except ImportError as error:
            extra = _EXTRAS.get(protocol, protocol)
            line = PIP_LINE.format(extra=extra)
            if protocol in _PACKAGES:
                line = f'pip install {_PACKAGES[protocol]}'
            raise ImportError(f'{protocol}:// needs another package: {line}') from error
        except (TypeError, ValueError) as error:
            raise ValueError(f'{shown(url)}: {error}'.replace(url, shown(url))) from error


def remote_options(
    storage_options: Mapping[str, Any] | None = None, remote: Mapping[str, Any] | None = None
) -> RemoteOptions:
    """Options from the keys of a data set.

    Raises:
        ValueError: If ``remote`` has a key that is none, or a value without meaning.
    """
    known = [f.name for f in fields(RemoteOptions)][1:]
    for key in remote or {}:
        if key not in known:
            raise ValueError(f'remote has no key {key!r}; it takes {", ".join(known)}')
    return RemoteOptions(dict(storage_options or {}), **(remote or {}))
