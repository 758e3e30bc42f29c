"""UFlow's weights under the names of PooDLe's released code."""

import re
from collections.abc import Mapping

from torch import Tensor

# A convolution and a LeakyReLU by turns; both number the levels from the finest one.
_RENAMES = (
    (r'encoder\.blocks\.(\d)\.([024])\.', lambda m: f'pyramid.{m[1]}.{int(m[2]) // 2}.0.'),
    (r'flow_modules\.(\d)\.5\.', lambda m: f'decoders.{m[1]}.head.'),
    (r'flow_modules\.(\d)\.(\d)\.0\.', lambda m: f'decoders.{m[1]}.convs.{m[2]}.0.'),
    # theirs is named by the level that it leaves, ours by that which it leads to
    (r'upsample_modules\.(\d)\.', lambda m: f'context_upsamplers.{int(m[1]) - 1}.'),
    (r'refinement_module\.12\.', lambda m: 'refinement.6.'),
    (r'refinement_module\.(\d+)\.', lambda m: f'refinement.{int(m[1]) // 2}.0.'),
)


def is_released(state: Mapping[str, Tensor]) -> bool:
    """Tell the released code's UFlow by its names."""
    return any('flow_modules.' in key for key in state)


def from_released(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights under the names of :class:`~poodle_mm.flow.uflow.network.UFlowNetwork`.

    The tensors are the same. Their code enlarges the flow with aligned corners, which moves it by
    up to a cell; ours does not.

    Args:
        state: Names of the released code, with any prefix.
    """
    return {_renamed(key): value for key, value in state.items()}


def _renamed(key: str) -> str:
    for pattern, name in _RENAMES:
        if found := re.search(rf'(?:^|\.){pattern}', key):
            return name(found) + key[found.end() :]
    return key
