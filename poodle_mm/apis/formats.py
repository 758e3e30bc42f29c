"""Files that other toolboxes open, and what they cannot hold."""

import importlib.util
import io
import json
from collections.abc import Mapping
from typing import Any

import torch
import torchvision
from torch import Tensor

from poodle_mm.checkpoints.state_dict import compare_state, some
from poodle_mm.checkpoints.vit_keys import vit_to_timm

FORMATS = ('poodle', 'torchvision', 'timm', 'mmseg', 'safetensors')


def file_content(
    format: str, state: dict[str, Tensor], about: Mapping[str, Any], source: str
) -> bytes:
    """Content of a published file.

    Args:
        format: One of ``FORMATS``.
        state: Tensors of the encoder, or of encoder and decoder.
        about: Configs ``backbone`` and ``neck``, and what else belongs into the file.
        source: Name of the checkpoint for messages.

    Raises:
        ImportError: If safetensors is not installed.
        ValueError: If the toolbox has no such encoder; with the formats to use instead.
    """
    if format not in FORMATS:
        raise ValueError(f'format must be one of {", ".join(FORMATS)}, got {format!r}')
    if format == 'safetensors':
        if importlib.util.find_spec('safetensors') is None:
            raise ImportError('safetensors is missing: pip install "poodle_mm[export]"')
        from safetensors.torch import save

        return save(state, dict(format='pt', poodle_mm=json.dumps(about)))
    content: dict[str, Any] = dict(meta=dict(poodle_mm=about), state_dict=state)
    if format != 'poodle':
        state = _for_toolbox(format, state, about, source)
        content = content if format == 'mmseg' else state
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()


def _for_toolbox(
    format: str, state: dict[str, Tensor], about: Mapping[str, Any], source: str
) -> dict[str, Tensor]:
    """Tensors under the toolbox's names."""
    if about['neck']:
        raise ValueError(
            f'{format} has no spatial decoder: publish {source} without it, or as poodle or '
            'safetensors, which poodle_mm.apis.load_encoder reads'
        )
    backbone = about['backbone']
    if backbone['type'].endswith('VisionTransformer'):
        if format == 'timm':
            return vit_to_timm(state)
        instead = 'poodle, for mmpretrain.VisionTransformer in OpenMMLab, or timm'
        raise ValueError(f'{format} builds its ViTs otherwise: publish {source} as {instead}')
    if format == 'mmseg':
        return state
    model = f'resnet{backbone["depth"]}'
    with torch.device('meta'):
        expected = torchvision.models.get_model(model).state_dict()
    expected = {key: value for key, value in expected.items() if not key.startswith('fc.')}
    if problems := compare_state(expected, state):
        reasons = '; '.join(f'{kind}: {some(names, 2)}' for kind, names in problems.items())
        raise ValueError(
            f"{format}'s {model} cannot hold the encoder of {source} ({reasons}): publish it as "
            'mmseg (the config then needs the same widths), poodle or safetensors'
        )
    return state
