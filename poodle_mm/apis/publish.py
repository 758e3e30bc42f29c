"""A small file of the encoder alone, for others to use."""

import hashlib
from os import PathLike
from pathlib import Path

import torch

from poodle_mm.apis.encoder import load_encoder
from poodle_mm.apis.formats import file_content
from poodle_mm.checkpoints.encoder_checkpoint import read_checkpoint
from poodle_mm.utils.files import replacing
from poodle_mm.version import __version__


def publish_model(
    checkpoint: str | PathLike,
    out_dir: str | PathLike,
    with_sdm: bool = False,
    weights: str = 'online',
    name: str | None = None,
    format: str = 'poodle',
) -> Path:
    """Write the encoder of a checkpoint, perhaps with its spatial decoder, to a file of its own.

    Without decoder the keys are torchvision's, so that torchvision, mmpretrain, mmseg and mmdet
    load it without conversion; with decoder they are ``backbone.*`` and ``neck.*``.

    Args:
        checkpoint: Argument of :func:`load_encoder`.
        out_dir: Folder of the new file.
        with_sdm: Include the spatial decoder.
        weights: ``'online'``, or ``'ema'`` for the target network.
        name: First part of the file's name; default the checkpoint's stem.
        format: ``'poodle'`` and ``'mmseg'``: ``state_dict`` and ``meta['poodle_mm']`` with
            ``version``, ``weights`` and the configs ``backbone`` and ``neck`` (or None).
            ``'torchvision'`` and ``'timm'``: the tensors alone, a ViT's under timm's names.
            ``'safetensors'``: tensors, and the same meta data as JSON. All but ``'poodle'`` and
            ``'safetensors'`` make sure that the toolbox has such an encoder.

    Returns:
        ``<name>-<first 8 digits of the file's sha256>.pth``, or ``.safetensors``.
        ``torch.load(path, weights_only=True)`` reads the former. The same checkpoint gives the same
        file.

    Raises:
        FileNotFoundError, ValueError: As in :func:`load_encoder`.
        ImportError: If safetensors is not installed.
        ValueError: If the toolbox has no such encoder.
    """
    encoder = load_encoder(checkpoint, with_sdm, weights)
    found = read_checkpoint(checkpoint, weights)
    module = encoder if with_sdm else encoder.backbone
    about = dict(
        version=__version__,
        weights=weights,
        backbone=dict(found.backbone),
        neck=dict(found.neck) if with_sdm else None,
    )
    state = {
        key: value.clone(memory_format=torch.contiguous_format)
        for key, value in module.state_dict().items()
    }
    content = file_content(format, state, about, str(checkpoint))
    digest = hashlib.sha256(content).hexdigest()[:8]
    ending = 'safetensors' if format == 'safetensors' else 'pth'
    path = Path(out_dir) / f'{name or Path(checkpoint).stem}-{digest}.{ending}'
    with replacing(path) as temporary:
        temporary.write_bytes(content)
    return path
