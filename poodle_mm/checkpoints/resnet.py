"""The architecture of a ResNet, read off its keys and shapes."""

from collections import Counter
from collections.abc import Mapping

from torch import Tensor

STEM = 'layer1.0.conv1.weight'
_DEPTHS = {
    ('basic', 2, 2, 2, 2): 18,
    ('basic', 3, 4, 6, 3): 34,
    ('bottleneck', 3, 4, 6, 3): 50,
    ('bottleneck', 3, 4, 23, 3): 101,
    ('bottleneck', 3, 8, 36, 3): 152,
}


def infer_resnet(state: Mapping[str, Tensor], prefix: str = '') -> dict:
    """Config of ``mmpretrain.ResNet`` for tensors of torchvision's names behind ``prefix``.

    Raises:
        ValueError: If the first tensors are missing, or no ResNet has that many blocks.
    """
    for key in (f'{prefix}conv1.weight', f'{prefix}{STEM}'):
        if key not in state:
            raise ValueError(f'no ResNet: {key} is missing')
    blocks = Counter(
        key.removeprefix(f'{prefix}layer').split('.')[0]
        for key in state
        if key.startswith(f'{prefix}layer') and key.endswith('.conv1.weight')
    )
    kind = 'bottleneck' if f'{prefix}layer1.0.conv3.weight' in state else 'basic'
    shape = (kind, *(blocks[str(stage)] for stage in (1, 2, 3, 4)))
    if shape not in _DEPTHS:
        raise ValueError(f'no ResNet that we know has {shape[1:]} {kind} blocks')
    backbone = dict(type='mmpretrain.ResNet', depth=_DEPTHS[shape])
    stem, width = len(state[f'{prefix}conv1.weight']), len(state[f'{prefix}{STEM}'])
    if (stem, width) != (64, 64):
        backbone |= dict(stem_channels=stem, base_channels=width)
    return backbone
