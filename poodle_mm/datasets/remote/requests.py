"""Requests that end: within a time, tried again after faults that pass, else one error."""

import asyncio
import random
import re
import time
from collections.abc import Callable
from typing import Any, TypeVar

import fsspec
from fsspec.asyn import sync

from poodle_mm.datasets.files import FrameReadError
from poodle_mm.datasets.remote.options import RemoteOptions
from poodle_mm.datasets.remote.urls import shown

Result = TypeVar('Result')

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 15.0
_PASSING = (408, 425, 429)  # time-out, too early, too many requests; and all from 500 on
_QUERY = re.compile(r"""(https?://[^\s'"?]*)\?[^\s'"]*""")  # redirects lead to signed URLs
_jitter = random.Random()  # workers must not come back all at once; no one else's numbers change


class CutShort(OSError):
    """Fewer bytes than were asked for."""


def call(fs: fsspec.AbstractFileSystem, method: Any, *args, timeout: float, **kwargs) -> Any:
    """Call a method of a file system, or of a file of it, within a time.

    Args:
        fs: File system. The time holds for those that are asynchronous (HTTP, S3, GCS, Azure);
            others have time-outs of their own.
        method: Name, without the underscore of the asynchronous one; or a coroutine function.
        timeout: Seconds.
    """
    if not fs.async_impl:
        return getattr(fs, method)(*args, **kwargs)
    coroutine = getattr(fs, f'_{method}') if isinstance(method, str) else method
    return sync(fs.loop, coroutine, *args, timeout=timeout, **kwargs)


def persist(url: str, options: RemoteOptions, request: Callable[[], Result]) -> Result:
    """Make a request until it succeeds, ``options.retries`` more times at most.

    Args:
        url: The file, for messages.
        options: Its options.
        request: Called without arguments.

    Raises:
        FrameReadError: If it has failed for good.
        ImportError: If fsspec lacks a package for the protocol.
    """
    pause = FIRST_PAUSE
    for left in reversed(range(options.retries + 1)):
        try:
            return request()
        except (FrameReadError, ImportError):  # a missing package does not appear by waiting
            raise
        except Exception as error:  # each protocol has errors of its own
            reason, passes = explain(error, options.timeout)
            reason = _QUERY.sub(r'\1?...', reason.replace(url, shown(url)))
            if not passes:
                raise FrameReadError(shown(url), reason) from error
            if not left:
                tried = f'tried {options.retries + 1} times'
                raise FrameReadError(shown(url), reason, tried) from error
        time.sleep(pause * _jitter.uniform(0.5, 1))
        pause = min(2 * pause, LONGEST_PAUSE)
    raise AssertionError('unreachable')


def explain(error: BaseException, timeout: float) -> tuple[str, bool]:
    """Reason of a fault, and whether it may pass."""
    # fsspec calls whatever happens when it asks for a size a missing file
    if isinstance(error, FileNotFoundError) and error.__cause__ is not None:
        error = error.__cause__
    status = _status(error)
    if status == 404 or isinstance(error, FileNotFoundError):
        return 'no such file on the server', False
    if status in (401, 403) or isinstance(error, PermissionError):
        return 'the server denies access: docs/remote.md tells where credentials go', False
    if status is not None:
        return f'the server answers with status {status}', status >= 500 or status in _PASSING
    # one class from Python 3.11 on
    if isinstance(error, (asyncio.TimeoutError, TimeoutError)):
        return f'no answer within {timeout:g} s (remote.timeout)', True
    if isinstance(error, ValueError) and 'range requests' in str(error):
        return 'the server does not answer range requests, copy the files to one that does', False
    text = ' '.join(str(error).split())
    passes = not isinstance(error, (TypeError, ValueError, NotImplementedError))
    return f'{type(error).__name__}: {text}' if text else type(error).__name__, passes


def _status(error: BaseException) -> int | None:
    """HTTP's status code, as aiohttp, requests, botocore and gcsfs have it."""
    response = getattr(error, 'response', None)
    codes = [getattr(error, 'status', None), getattr(response, 'status_code', None)]
    codes.append(getattr(error, 'code', None))
    if isinstance(response, dict):
        codes.append(response.get('ResponseMetadata', {}).get('HTTPStatusCode'))
    return next((int(code) for code in codes if str(code).isdigit() and int(code) >= 400), None)
