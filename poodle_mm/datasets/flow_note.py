"""The note in a cache of flow: whose flow of what data it is, and how it is kept."""

import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path

from poodle_mm.datasets.flow_cache import FlowStorage
from poodle_mm.utils.files import read_json, write_json

ESTIMATOR_FILE = 'estimator.json'
AS_IT_WAS = FlowStorage()
"""Of notes that hold nothing but the estimator."""


def claim_cache(
    root: str | Path,
    estimator: dict,
    storage: FlowStorage = AS_IT_WAS,
    folders: Iterable[str] = (),
) -> None:
    """Note in a cache's ``estimator.json`` what it holds; refuse a cache that holds other flow.

    A note of an earlier version holds the estimator alone: float16 at full size, of any data.

    Args:
        root: Folder of the cache.
        estimator: Config of the estimator. A file that it names counts with its content.
        storage: How the flow is kept.
        folders: Folders of the data, to which the names in the cache are relative.

    Raises:
        ValueError: If the note is of other flow, or there is flow and no note.
    """
    note = Path(root, ESTIMATOR_FILE)
    now = dict(
        estimator=_identity(estimator),
        format=storage.format,
        size=storage.size and list(storage.size),
        data=sorted(set(folders)),
    )
    before = read_json(note)
    if before is None and any(any(Path(root).rglob(name)) for name in ('*.npz', '*_back.png')):
        before = read_json(note)  # of another process by now?
        if before is None:
            raise ValueError(
                f'{root} holds flow, but no {ESTIMATOR_FILE} that says whose. If it is that of '
                f'{now}, write just this into {note}: {json.dumps(now)}. '
                'Otherwise take another folder'
            )
    if before is None:
        write_json(note, now)
        return
    for key, value in _with_defaults(before, now).items():
        if value != now[key]:
            moved = f' (or correct {note}, if the data has only moved)' if key == 'data' else ''
            raise ValueError(
                f'{root} holds the flow of another {key}: {value} (in {note}) and not {now[key]}. '
                f'Take another folder, or delete this one{moved}'
            )


def noted_size(root: str | Path) -> tuple[int, int] | None:
    """(h, w) at which a cache keeps its flow; None: the size of the frames."""
    note = read_json(Path(root, ESTIMATOR_FILE)) or {}
    # without the key 'estimator' it is an estimator, and its size is another matter
    size = note.get('size') if 'estimator' in note else None
    return size and tuple(size)


def _with_defaults(note: dict, now: dict) -> dict:
    """The note with the keys of ``now``."""
    if 'estimator' in note:
        return {key: note.get(key) for key in now}
    return dict(estimator=note, format=AS_IT_WAS.format, size=AS_IT_WAS.size, data=now['data'])


def _identity(estimator: dict) -> dict:
    """The config with plain type names, and fingerprints of the files in it."""
    found = {}
    for key, value in sorted(estimator.items()):
        found[key] = value.split('.')[-1] if key == 'type' else value
        if isinstance(value, dict):
            found[key] = _identity(value)
        elif isinstance(value, str) and (file := Path(os.path.expanduser(value))).is_file():
            found[key] = f'sha256:{hashlib.sha256(file.read_bytes()).hexdigest()}'
    return json.loads(json.dumps(found))  # tuples as they are read back
