"""Files and folders that are whole or absent: written under another name, then renamed."""

import json
import os
import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np


@contextmanager
def replacing(path: str | os.PathLike, durable: bool = False) -> Iterator[Path]:
    """A temporary path beside ``path``, which takes its place when the block ends well.

    The name is hidden, of this block alone (containers share process numbers), and ends as
    ``path`` does, so that writers which go by the extension work. Folders above are made. When
    the block fails nothing is left.

    Args:
        path: File to write.
        durable: Whether it must survive a power cut once the block has ended.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f'.{secrets.token_hex(8)}.{path.name}')
    try:
        yield temporary
        if durable:
            sync(temporary)
        os.replace(temporary, path)
        if durable:
            sync(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def replacing_folder(path: str | os.PathLike) -> Iterator[Path]:
    """A new folder beside ``path``, which must not exist, and to which it is renamed in the end.

    The name is hidden and always the same, so that what a killed process has left goes first; two
    processes must not fill one folder. Folders above are made. When the block fails nothing is
    left.
    """
    path = Path(path)
    temporary = path.with_name(f'.{path.name}.part')
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def sync(path: str | os.PathLike) -> None:
    """Have a file's content, or the names in a folder, written to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_image(path: str | os.PathLike, image: np.ndarray, options: Sequence[int] = ()) -> None:
    """Write an image, whole or not at all, in the format that the name's end tells.

    Args:
        path: File to write.
        image: Grey or BGR.
        options: OpenCV's flags and values.
    """
    ok, content = cv2.imencode(Path(path).suffix, image, list(options))
    assert ok
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def write_text(path: str | os.PathLike, text: str) -> None:
    """Write text in UTF-8, whole or not at all, also when the power fails."""
    with replacing(path, durable=True) as temporary:
        temporary.write_text(text, encoding='utf-8')


def write_json(path: str | os.PathLike, content: Any, indent: int | None = None) -> None:
    """Write JSON, whole or not at all, also when the power fails.

    Raises:
        ValueError: If ``content`` holds NaN or infinity, which JSON does not have.
    """
    with replacing(path, durable=True) as temporary, open(temporary, 'w', encoding='utf-8') as file:
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
        from poodle_mm.utils.errors import warn  # imports torch, which the scenes do without

        warn(f'{path} is damaged and is ignored ({error})')
        return None


def read_object(path: str | os.PathLike) -> dict:
    """As :func:`read_json` for a file that holds a JSON object; an empty one in place of None.

    Raises:
        ValueError: Naming the file, if it holds something else.
    """
    content = read_json(path)
    if content is not None and not isinstance(content, dict):
        raise ValueError(f'{path} holds a {type(content).__name__} in place of a JSON object')
    return content or {}
