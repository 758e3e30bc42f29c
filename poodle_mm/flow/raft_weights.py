"""Finding, reading and checking the weights of torchvision's RAFT."""

import pickle
from pathlib import Path

import torch
from torch import Tensor, nn
from torchvision.models import WeightsEnum

from poodle_mm.checkpoints.state_dict import check_state
from poodle_mm.flow.mmflow_weights import is_mmflow_raft

CONVERTER = 'tools/model_converters/mmflow_raft_to_torchvision.py'


def load_raft_weights(net: nn.Module, weights: str, names: type[WeightsEnum]) -> None:
    """Load weights into ``net``.

    Args:
        net: torchvision's ``raft_large`` or ``raft_small``.
        weights: One of ``names``, which torchvision downloads into its cache, or a file.
        names: torchvision's weights for this network.

    Raises:
        FileNotFoundError: If the weights are neither here nor to be had; says from where.
        ValueError: If the file is damaged or belongs to another network.
    """
    if weights in names.__members__:
        entry = names[weights]
        state_dict, origin = _download(entry), entry.url
    else:
        state_dict, origin = _read(weights, names), weights
    _check(state_dict, net, origin)
    net.load_state_dict(state_dict)


def _download(entry: WeightsEnum) -> dict[str, Tensor]:
    try:
        return entry.get_state_dict(
            progress=True, check_hash=True, map_location='cpu', weights_only=True
        )
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        cached = Path(torch.hub.get_dir()) / 'checkpoints' / Path(entry.url).name
        raise FileNotFoundError(
            f'RAFTFlow: cannot get {entry} ({error}). Download {entry.url} and put it at {cached} '
            '(delete what lies there), or give its path as RAFTFlow(weights=...)'
        ) from error


def _read(path: str, names: type[WeightsEnum]) -> dict:
    file = Path(path).expanduser()
    if not file.is_file():
        raise FileNotFoundError(
            f'RAFTFlow: there is no weights file {path}. Give the path of a state dict like '
            f"{names['DEFAULT'].url}, of a checkpoint of MMFlow's after {CONVERTER}, one of the "
            f'names {", ".join(names.__members__)} (torchvision downloads those), or weights=None '
            'for random weights'
        )
    try:
        state_dict = torch.load(file, map_location='cpu', weights_only=True)
    except (RuntimeError, EOFError, pickle.UnpicklingError) as error:
        raise ValueError(
            f'RAFTFlow: {path} cannot be read as a state dict: it is damaged, or it holds more '
            f"than tensors (MMFlow's checkpoints go through {CONVERTER} first): {error}"
        ) from error
    if not isinstance(state_dict, dict):
        raise ValueError(f'RAFTFlow: {path} holds a {type(state_dict).__name__}, not a state dict')
    return state_dict


def _check(state_dict: dict, net: nn.Module, origin: str) -> None:
    """Raise ValueError unless all names and shapes are those of ``net``."""
    if is_mmflow_raft(state_dict.get('state_dict', state_dict)):
        raise ValueError(
            f'RAFTFlow: {origin} is a checkpoint of MMFlow; convert it first: '
            f'python {CONVERTER} {origin} NEW_FILE'
        )
    hint = "Check arch ('large' or 'small')."
    check_state(net, state_dict, f'RAFTFlow: {origin}', type(net).__name__, hint=hint)
