"""Messages for a user: warnings in the log, and mistakes told without a trace."""

import logging
import re
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches

from mmengine.logging import print_log
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
HINT = '(--debug shows where)'  # ends a message; what reads logs looks for it
_TRACE = 'Traceback (most recent call last)'


def warn(message: str) -> None:
    """Write a warning to the log of the run, or to the terminal if there is none."""
    print_log(message, logger='current', level=logging.WARNING)


@contextmanager
def one_line_errors(debug: bool = False, active: Callable[[], bool] = lambda: True) -> Iterator:
    """Print an error's message to stderr, on one line where possible, and exit with code 2.

    Ctrl-C exits with 130, without a trace.

    Args:
        debug: Let the error through, with its trace.
        active: Called when an error arrives; False lets it through. Training passes "no iteration
            is done yet", because later failures deserve a trace.
    """
    try:
        yield
    except _USER_ERRORS as error:
        if debug or not active():
            raise
        print(f'error: {describe(error)} {HINT}', file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        if debug:
            raise
        print('stopped', file=sys.stderr)
        sys.exit(128 + signal.SIGINT)


def describe(error: Exception) -> str:
    """The message of an error, with the nearest name for an unknown registry type."""
    # str() of a KeyError is the repr of its message.
    text = str(error.args[0] if isinstance(error, KeyError) and error.args else error)
    lines = [line.rstrip() for line in text.splitlines() if line.strip()]
    # Errors from a worker process begin with a trace and end with the message.
    line = '\n'.join(_after_trace(lines) if _TRACE in text else lines).strip()
    unknown = re.match(r'(\S+) is not in the (\S+)::(.+?) registry', line)
    if unknown:
        name, _, kind = unknown.groups()
        close = get_close_matches(name, _registered(kind), 1)
        hint = f'; did you mean {close[0]!r}?' if close else ''
        line = f'unknown type {name!r} of {kind}{hint}'
    if not isinstance(error, (ValueError, OSError, KeyError)) or not line:
        line = f'{type(error).__name__}: {line}'
    return line


def _after_trace(lines: list[str]) -> list[str]:
    """Lines after the last indented one of a trace: ``Error: message`` and what belongs to it."""
    start = max(i for i, line in enumerate(lines) if _TRACE in line)
    inside = [i for i in range(start + 1, len(lines)) if not lines[i].startswith(' ')]
    return lines[inside[0] :] if inside else lines[-1:]


def _registered(kind: str) -> list[str]:
    """Names in our registry of that kind and in its parent."""
    for entry in vars(registry).values():
        if isinstance(entry, Registry) and entry.name == kind and entry.parent:
            return [*entry.module_dict, *entry.parent.module_dict]
    return []
