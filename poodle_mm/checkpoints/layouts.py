"""Places of the tensors in other projects' files, and ResNets whose parts are numbered."""

import re
from collections.abc import Mapping
from typing import Any

from torch import Tensor

# Keys that lead to the tensors, in the order in which they are looked for.
_PLACES = (
    ('state_dict',),  # MMEngine, MoCo, SwAV, DenseCL, solo-learn, lightly
    ('model',),  # PixPro, Barlow Twins, PooDLe's authors
    ('teacher',),  # DINO
    ('classy_state_dict', 'base_model', 'model', 'trunk'),  # VISSL
)
# Sequential(*resnet.children()): 2 and 3 are ReLU and pooling
_CHILDREN = {'0': 'conv1', '1': 'bn1', '4': 'layer1', '5': 'layer2', '6': 'layer3', '7': 'layer4'}


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

    Args:
        state: Tensors by name.

    Returns:
        The same, ``<prefix>0.`` renamed to ``<prefix>conv1.`` and so on, wherever ``<prefix>``
        holds a ResNet. Other names stay.
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
