"""Checkpoint files and their tensors, whoever wrote them."""

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmengine.runner import CheckpointLoader
from torch import Tensor

from poodle_mm.checkpoints.release import convert_state, is_release
from poodle_mm.checkpoints.safe_load import safe_load
from poodle_mm.checkpoints.state_dict import non_finite
from poodle_mm.checkpoints.vit_keys import foreign_vit, rename_vit

# Before a path they make MMEngine's ``Pretrained`` read a file as we do: one of PooDLe's authors
# under our names, one of another project wherever it keeps its tensors.
RELEASE_SCHEME = 'poodle-release://'
FILE_SCHEME = 'poodle-file://'

_SAFETENSORS = '.safetensors'  # ends their names, and marks their content

# Keys that lead to the tensors, in the order in which they are looked for.
_PLACES = (
    ('state_dict',),  # MMEngine, MoCo, SwAV, DenseCL, solo-learn, lightly
    ('model',),  # PixPro, Barlow Twins, PooDLe's authors
    ('teacher',),  # DINO
    ('classy_state_dict', 'base_model', 'model', 'trunk'),  # VISSL
)
# Sequential(*resnet.children()): 2 and 3 are ReLU and pooling
_CHILDREN = {'0': 'conv1', '1': 'bn1', '4': 'layer1', '5': 'layer2', '6': 'layer3', '7': 'layer4'}


def load_file(path: str | Path) -> dict:
    """The content of a checkpoint file or URL, on the CPU.

    Nothing in it is executed (:func:`~poodle_mm.checkpoints.safe_load.safe_load`).

    Raises:
        FileNotFoundError: If there is no such file, or no way to download it.
        ValueError: If it is no checkpoint (or a damaged one).
    """
    path = str(path).removeprefix(RELEASE_SCHEME).removeprefix(FILE_SCHEME)
    try:
        if '://' in path:
            loaded = CheckpointLoader.load_checkpoint(path, map_location='cpu', logger='silent')
        elif os.path.isfile(path):
            loaded = _load_safetensors(path) if path.endswith(_SAFETENSORS) else safe_load(path)
        elif os.path.isdir(path):
            raise FileNotFoundError(f'{path} is a folder: name one of the checkpoints in it')
        else:
            raise FileNotFoundError(f'checkpoint {path} does not exist')
    except FileNotFoundError:
        raise
    except Exception as error:  # torch raises many kinds for damaged files
        raise ValueError(f'{path} cannot be read as a checkpoint: {error}') from error
    if not isinstance(loaded, Mapping):
        raise ValueError(f'{path} holds a {type(loaded).__name__}, not a checkpoint')
    return loaded


def _load_safetensors(path: str) -> dict:
    """Tensors, and the meta data that ``tools/publish_model.py`` writes as JSON."""
    from safetensors import safe_open

    with safe_open(path, 'pt') as file:
        about = (file.metadata() or {}).get('poodle_mm')
        meta = dict(poodle_mm=json.loads(about)) if about else {}
        state = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    return dict(meta=meta, state_dict=state, **{_SAFETENSORS: True})


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


def find_tensors(loaded: Mapping[str, Any]) -> Mapping[str, Any]:
    """The part of a loaded file that holds the tensors by name; the file itself if none does."""
    for place in _PLACES:
        part: Any = loaded
        for key in place:
            part = part.get(key) if isinstance(part, Mapping) else None
        if isinstance(part, Mapping):
            return part
    return loaded


def name_children(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Give numbered parts of a ResNet their names, as ``backbone.4.0.`` of lightly's files.

    ``<prefix>0.`` becomes ``<prefix>conv1.`` and so on, wherever ``<prefix>`` holds a ResNet.
    Other names stay.
    """
    prefixes = {
        key.removesuffix('0.weight')
        for key, value in state.items()
        if key.endswith('0.weight') and value.ndim == 4 and value.shape[1] == 3
    }
    prefixes = {p for p in prefixes if f'{p}4.0.conv1.weight' in state}
    if not prefixes:
        return dict(state)
    either = '|'.join(re.escape(p) for p in sorted(prefixes, key=len, reverse=True))
    pattern = re.compile(rf'^({either})([{"".join(_CHILDREN)}])\.')
    return {
        pattern.sub(lambda m: f'{m[1]}{_CHILDREN[m[2]]}.', key): value
        for key, value in state.items()
    }


def state_dict_of(loaded: Mapping, path: str | Path) -> dict[str, Tensor]:
    """The tensors of a loaded checkpoint; PooDLe's authors' and a ViT of DINO's under our names.

    Raises:
        ValueError: If there are none, or a file of the authors has one that is not theirs.
    """
    state = tensors_of(loaded, path)
    if (prefix := foreign_vit(state)) is not None:
        return rename_vit(state, prefix)
    if not is_release(state):
        return state
    try:
        return convert_state(state)
    except ValueError as error:
        raise ValueError(f'{path}: {error}') from error


def check_conversion(source: str | Path, target: str | Path, state: Mapping[str, Tensor]) -> None:
    """Refuse to write a converted file over its source, and weights that are useless.

    Raises:
        ValueError: If the two are one file, or a tensor is not finite, naming it.
    """
    if os.path.exists(target) and os.path.exists(source) and os.path.samefile(source, target):
        raise ValueError(f'{target} is the file to convert: give another one to write')
    if broken := non_finite(dict(state_dict=state)):
        raise ValueError(f'{source}: {broken}')


def scheme_of(loaded: Mapping, state: Mapping[str, Tensor]) -> str:
    """Prefix of a file's path by which MMEngine finds the tensors of :func:`state_dict_of`."""
    if is_release(tensors_of(loaded, '')):
        return RELEASE_SCHEME
    if loaded.get(_SAFETENSORS):
        return FILE_SCHEME
    plain = loaded.get('state_dict', loaded)
    return '' if all(key in plain for key in state) else FILE_SCHEME


@CheckpointLoader.register_scheme(prefixes=(RELEASE_SCHEME, FILE_SCHEME), force=True)
def load_from_scheme(filename: str, map_location: str | None = None) -> dict:
    """MMEngine's loader for ``poodle-file://FILE``: our names, on the CPU."""
    return dict(state_dict=state_dict_of(load_file(filename), filename))
