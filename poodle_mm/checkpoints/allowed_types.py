"""Classes that a file may have built: a config in a checkpoint is somebody else's text.

Registries import whatever ``type`` names, with arguments of the file's choice. So only types on a
list are taken from a file; a user's own config may name anything.
"""

from collections.abc import Mapping
from typing import Any

_ENCODERS = {
    'mmpretrain.ResNeXt',
    'mmpretrain.ResNet',
    'mmpretrain.ResNetV1c',
    'mmpretrain.ResNetV1d',
    'mmpretrain.VisionTransformer',
    'poodle_mm.ResNet',
    'poodle_mm.SpatialDecoderModule',
    'poodle_mm.VisionTransformer',
}
# Norms, activations and convolutions that their *_cfg may name.
_PARTS = {
    'BN', 'BN1d', 'BN2d', 'Conv', 'Conv2d', 'ConvWS', 'GELU', 'GN', 'IN', 'LN', 'LN2d', 'LeakyReLU',
    'PReLU', 'ReLU', 'SiLU', 'SyncBN', 'Swish', 'nearest', 'bilinear',
}  # fmt: skip


def allow_encoder(type_name: str) -> None:
    """Let checkpoints name an encoder of your own, registered in your code.

    Args:
        type_name: Name with its scope, e.g. ``'my_project.MyResNet'``.
    """
    _ENCODERS.add(type_name)


def check_types(cfg: Mapping[str, Any], path: object) -> None:
    """Check the config of an encoder or decoder that came with a file.

    Args:
        cfg: Config whose type has its scope.
        path: File that holds it, for the message.

    Raises:
        ValueError: Naming the type that is not on the list.
    """
    if str(cfg.get('type')) not in _ENCODERS:
        raise ValueError(
            f'{path} wants an encoder of type {cfg.get("type")!r}. From a file only these are '
            f'built: {", ".join(sorted(_ENCODERS))}. If it is your own class, call '
            'poodle_mm.checkpoints.allow_encoder with its name first'
        )
    for key, value in cfg.items():
        if key != 'type':
            _check_parts(key, value, path)


def _check_parts(key: str, value: Any, path: object) -> None:
    if str(key).startswith('_'):
        raise ValueError(f'{path}: its config has the key {key!r}, which is not taken from a file')
    if isinstance(value, Mapping):
        if 'type' in value and str(value['type']) not in _PARTS:
            raise ValueError(
                f'{path}: its config has {key} of type {value["type"]!r}, which is not taken from '
                'a file'
            )
        for name, inner in value.items():
            if name != 'type':
                _check_parts(name, inner, path)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            _check_parts(key, inner, path)
