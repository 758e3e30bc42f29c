"""Checkpoint files and their tensors, whoever wrote them."""

import os
from collections.abc import Mapping
from pathlib import Path

from mmengine.runner import CheckpointLoader
from torch import Tensor

from poodle_mm.checkpoints.layouts import find_tensors, name_children
from poodle_mm.checkpoints.release import convert_state, is_release
from poodle_mm.checkpoints.safe_load import safe_load

# Before a path they make MMEngine's ``Pretrained`` read a file as we do: one of PooDLe's authors
# under our names, one of another project wherever it keeps its tensors.
RELEASE_SCHEME = 'poodle-release://'
FILE_SCHEME = 'poodle-file://'


def load_file(path: str | Path) -> dict:
    """The content of a checkpoint file or URL, on the CPU.

    Nothing in it is executed (:func:`~poodle_mm.checkpoints.safe_load.safe_load`).

    Raises:
        FileNotFoundError: If there is no such file, or no way to download it.
        ValueError: If it is no checkpoint (or a damaged one).
    """
    path = str(path).removeprefix(RELEASE_SCHEME).removeprefix(FILE_SCHEME)
    remote = '://' in path
    if not remote and not os.path.isfile(path):
        raise FileNotFoundError(f'checkpoint {path} does not exist')
    try:
        if remote:
            loaded = CheckpointLoader.load_checkpoint(path, map_location='cpu', logger='silent')
        else:
            loaded = safe_load(path)
    except FileNotFoundError:
        raise
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
    found = find_tensors(loaded)
    state = {k.removeprefix('module.'): v for k, v in found.items() if isinstance(v, Tensor)}
    if not state:
        raise ValueError(f'{path} holds no tensors; it has {", ".join(map(str, loaded))[:200]}')
    return name_children(state)


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


def scheme_of(loaded: Mapping, state: Mapping[str, Tensor]) -> str:
    """Prefix of a file's path by which MMEngine finds the tensors that we find.

    Args:
        loaded: Content of the file.
        state: Result of :func:`state_dict_of`.
    """
    if is_release(tensors_of(loaded, '')):
        return RELEASE_SCHEME
    plain = loaded.get('state_dict', loaded)
    return '' if all(key in plain for key in state) else FILE_SCHEME


@CheckpointLoader.register_scheme(prefixes=(RELEASE_SCHEME, FILE_SCHEME), force=True)
def load_from_scheme(filename: str, map_location: str | None = None) -> dict:
    """MMEngine's loader for ``poodle-file://FILE``: our names, on the CPU."""
    return dict(state_dict=state_dict_of(load_file(filename), filename))
