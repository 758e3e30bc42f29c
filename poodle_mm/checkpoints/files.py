"""Checkpoint files and their tensors, whoever wrote them."""

import os
from collections.abc import Mapping
from pathlib import Path

from mmengine.runner import CheckpointLoader
from torch import Tensor

from poodle_mm.checkpoints.release import convert_state, is_release
from poodle_mm.checkpoints.safe_load import safe_load

# Before a path it makes MMEngine's ``Pretrained`` read a file of the authors under our names.
RELEASE_SCHEME = 'poodle-release://'


def load_file(path: str | Path) -> dict:
    """The content of a checkpoint file or URL, on the CPU.

    Of a file nothing is executed (:func:`~poodle_mm.checkpoints.safe_load.safe_load`); what has a
    URL is downloaded and read by MMEngine's loaders.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no checkpoint (or a damaged one).
    """
    path = str(path).removeprefix(RELEASE_SCHEME)
    remote = '://' in path
    if not remote and not os.path.isfile(path):
        raise FileNotFoundError(f'checkpoint {path} does not exist')
    try:
        if remote:
            loaded = CheckpointLoader.load_checkpoint(path, map_location='cpu', logger='silent')
        else:
            loaded = safe_load(path)
    except Exception as error:  # torch raises many kinds for damaged files
        raise ValueError(f'{path} cannot be read as a checkpoint: {error}') from error
    if not isinstance(loaded, Mapping):
        raise ValueError(f'{path} holds a {type(loaded).__name__}, not a checkpoint')
    return loaded


def tensors_of(loaded: Mapping, path: str | Path) -> dict[str, Tensor]:
    """The tensors of a loaded checkpoint under the names of the file.

    Raises:
        ValueError: If there are none.
    """
    for key in ('state_dict', 'model', 'teacher'):
        if isinstance(loaded.get(key), Mapping):
            loaded = loaded[key]
            break
    state = {k.removeprefix('module.'): v for k, v in loaded.items() if isinstance(v, Tensor)}
    if not state:
        raise ValueError(f'{path} holds no tensors')
    return state


def state_dict_of(loaded: Mapping, path: str | Path) -> dict[str, Tensor]:
    """The tensors of a loaded checkpoint; those of PooDLe's authors under our names.

    Raises:
        ValueError: If there are none, or a file of the authors has one that is not theirs.
    """
    state = tensors_of(loaded, path)
    if not is_release(state):
        return state
    try:
        return convert_state(state)
    except ValueError as error:
        raise ValueError(f'{path}: {error}') from error


@CheckpointLoader.register_scheme(prefixes=RELEASE_SCHEME, force=True)
def load_from_release(filename: str, map_location: str | None = None) -> dict:
    """What MMEngine calls for ``poodle-release://FILE``: our names, on the CPU."""
    return dict(state_dict=state_dict_of(load_file(filename), filename))
