"""A user's mistakes end a command with one line instead of a trace."""

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches

from mmengine.registry import Registry

from poodle_mm import registry

_USER_ERRORS = (
    AssertionError,
    AttributeError,
    ImportError,
    KeyError,
    OSError,
    SyntaxError,
    TypeError,
    ValueError,
)


@contextmanager
def one_line_errors(debug: bool = False, active: Callable[[], bool] = lambda: True) -> Iterator:
    """Print what went wrong on one line of stderr and exit with code 2.

    Args:
        debug: Let the error through, with its trace.
        active: Asked when an error arrives; False lets it through. Training passes "no iteration
            is done yet", because what fails later deserves a trace.
    """
    try:
        yield
    except _USER_ERRORS as error:
        if debug or not active():
            raise
        print(f'error: {describe(error)} (--debug shows where)', file=sys.stderr)
        sys.exit(2)


def describe(error: Exception) -> str:
    """The message of an error on one line, with the nearest name for an unknown registry type."""
    # str() of a KeyError is the repr of its message.
    text = str(error.args[0] if isinstance(error, KeyError) and error.args else error)
    lines = [line for line in text.splitlines() if line.strip()]
    # Errors from a worker process begin with a trace and end with the message.
    line = lines[-1 if 'Traceback' in text else 0].strip() if lines else ''
    unknown = re.match(r'(\S+) is not in the (\S+)::(.+?) registry', line)
    if unknown:
        name, _, kind = unknown.groups()
        close = get_close_matches(name, _registered(kind), 1)
        line = f'unknown type {name!r} of {kind}'
        line += f'; did you mean {close[0]!r}?' if close else ''
    if not isinstance(error, (ValueError, OSError, KeyError)) or not line:
        line = f'{type(error).__name__}: {line}'
    return line


def _registered(kind: str) -> list[str]:
    """Names in our registry of that kind and in its parent."""
    for entry in vars(registry).values():
        if isinstance(entry, Registry) and entry.name == kind and entry.parent:
            return [*entry.module_dict, *entry.parent.module_dict]
    return []
