"""URLs as roots of data: telling them from folders, and joining names to them."""

import os
import re
from urllib.parse import quote, unquote, urlsplit

# at least two letters: "C:\videos" is a folder
_SCHEME = re.compile(r'[A-Za-z][A-Za-z0-9+.-]+(::.*)?://')
_SCHEME_OF_PATH = re.compile(r'[A-Za-z][A-Za-z0-9+.-]+:/')
_LOGIN = re.compile(r'([A-Za-z][A-Za-z0-9+.-]+://)[^/?#@]*:[^/?#]*@')
_SIGNATURE = re.compile(r'[?&][^=&]*(sig|token|key|secret|passw|credential|auth)[^=&]*=', re.I)
_HTTP = ('http://', 'https://')


def is_url(path: object) -> bool:
    """Whether a path is a URL such as ``s3://bucket/videos``."""
    return isinstance(path, str) and _SCHEME.match(path) is not None


def refuse_url(path: object) -> None:
    """Refuse a URL, also one from which a ``Path`` took a slash.

    Raises:
        ValueError: If ``path`` is a URL.
    """
    if _SCHEME_OF_PATH.match(str(path)):
        raise ValueError(
            f'{path}: is a URL, and a local folder is needed here; pretraining on videos, '
            'check_data and extract_features read URLs (docs/remote.md)'
        )


def is_http(url: str) -> bool:
    """Whether a URL is one of a web server."""
    return url.startswith(_HTTP)


def shown(url: str) -> str:
    """A URL for messages and files: without a password, and without what a web server is asked."""
    url = _LOGIN.sub(r'\1***@', url)
    return url.partition('?')[0] + '?...' if is_http(url) and '?' in url else url


def refuse_secrets(url: object) -> None:
    """Refuse a URL with a password or a signature as a root of data, which is written and logged.

    Raises:
        ValueError: If ``url`` is one.
    """
    if is_url(url) and (_LOGIN.search(url) or (is_http(url) and _SIGNATURE.search(url))):
        raise ValueError(
            f'{shown(url)}: has a password or a signature in it, which would be written into logs, '
            'configs and checkpoints; docs/remote.md tells where credentials go'
        )


def url_or_folder(root: str | os.PathLike) -> str:
    """A root without superfluous slashes; those of a URL's scheme stay.

    Raises:
        ValueError: If it is a URL with a password or a signature.
    """
    root = os.fspath(root)
    refuse_secrets(root)
    return root.rstrip('/') if is_url(root) else os.path.normpath(root)


def join_url(root: str, name: str) -> str:
    """URL of a file below a root; of web servers the name is quoted.

    Args:
        root: URL of a folder, or of a list of names, beside which its files lie.
        name: Path relative to it, with ``/``.
    """
    if is_list(root):
        root = (root.partition('?')[0] if is_http(root) else root).rpartition('/')[0]
    return f'{root.rstrip("/")}/{quote(name) if is_http(root) else name}'


def relative_name(base: str, name: str) -> str:
    """Inverse of :func:`join_url`: a name as in a listing, relative to the listed folder."""
    name = name.removeprefix(base.rstrip('/')).lstrip('/')
    return unquote(name) if is_http(base) else name


def is_list(root: str) -> bool:
    """Whether a URL is that of a text file with a name a line."""
    return suffix_of(root) == '.txt'


def file_name(path: str) -> str:
    """Last part of a path or URL; what a URL asks for after ``?`` is no part of it."""
    return os.path.basename(unquote(urlsplit(path).path) if is_http(path) else path)


def suffix_of(path: str) -> str:
    """End of a file's name, in small letters."""
    return os.path.splitext(file_name(path))[1].lower()
