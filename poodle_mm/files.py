"""Files that are whole or absent: written under another name, then renamed."""

import json
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mmengine.logging import print_log


@contextmanager
def replacing(path: str | os.PathLike) -> Iterator[Path]:
    """A temporary path beside ``path``, which takes its place when the block ends well.

    The name is hidden, of this process alone, and ends as ``path`` does, so that writers which go
    by the extension work. Folders above are made. When the block fails nothing is left.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f'.{os.getpid()}.{path.name}')
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: str | os.PathLike, text: str) -> None:
    """Write text in UTF-8 atomically."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding='utf-8')


def write_json(path: str | os.PathLike, content: Any, indent: int | None = None) -> None:
    """Write JSON atomically.

    Raises:
        ValueError: If ``content`` holds NaN or infinity, which JSON does not have.
    """
    with replacing(path) as temporary, open(temporary, 'w', encoding='utf-8') as file:
        json.dump(content, file, indent=indent, allow_nan=False)
        file.write('\n')


def read_json(path: str | os.PathLike) -> Any:
    """Read JSON that a run wrote beside its results, and could do without.

    Returns:
        The content; None, with a warning that names the file, if there is nothing to be read in it
        (a full disk or a power cut leave files empty); None without one if there is no file.
    """
    try:
        return json.loads(Path(path).read_text(encoding='utf-8'))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:  # also: no UTF-8
        print_log(
            f'{path} is damaged and is ignored ({error})', logger='current', level=logging.WARNING
        )
        return None
