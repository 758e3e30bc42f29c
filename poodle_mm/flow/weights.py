"""Weights of the estimators' networks, from a file."""

from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

from torch import Tensor

from poodle_mm.checkpoints import load_file
from poodle_mm.checkpoints.state_dict import non_finite


def read_state_dict(path: str | Path, owner: str, advice: str) -> dict[str, Tensor]:
    """State dict in a checkpoint file, without DDP's ``module.``; nothing in it is executed.

    Args:
        path: File with a state dict, or with a dict that has it as ``state_dict`` or ``model``.
        owner: Name of the estimator, for the messages.
        advice: Sentence on where to get weights.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is damaged, holds no state dict, or a weight that is not finite.
    """
    file = Path(path).expanduser()
    if not file.is_file():
        raise FileNotFoundError(f'{owner}: there is no weights file {path}. {advice}')
    try:
        loaded = load_file(file)
    except ValueError as error:
        raise ValueError(f'{owner}: {error}') from error
    state = state_dict_in(loaded, owner, path)
    if broken := non_finite(dict(state_dict=state)):
        raise ValueError(f'{owner}: {path}: {broken}; take an earlier checkpoint')
    return state


def state_dict_in(loaded: Mapping[str, Any], owner: str, path: str | PathLike) -> dict[str, Tensor]:
    """The part of :func:`read_state_dict` after reading; of a file's content.

    Raises:
        ValueError: If it holds no state dict.
    """
    state = loaded.get('state_dict', loaded.get('model', loaded))
    if not isinstance(state, Mapping):
        raise ValueError(f'{owner}: {path} holds a {type(state).__name__}, not a state dict')
    tensors = {
        str(key).removeprefix('module.'): value
        for key, value in state.items()
        if isinstance(value, Tensor)
    }
    if not tensors:
        has = ', '.join(map(str, loaded)) or 'nothing'
        raise ValueError(
            f'{owner}: {path} holds no weights where they are looked for; it has {has}'
        )
    return tensors
