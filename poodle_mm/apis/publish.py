"""A small file of the encoder alone, for others to use."""

import hashlib
import io
from os import PathLike
from pathlib import Path

import torch

from poodle_mm.apis.encoder import load_encoder
from poodle_mm.checkpoints.encoder_checkpoint import read_checkpoint
from poodle_mm.utils.files import replacing
from poodle_mm.version import __version__


def publish_model(
    checkpoint: str | PathLike,
    out_dir: str | PathLike,
    with_sdm: bool = False,
    weights: str = 'online',
    name: str | None = None,
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

    Returns:
        ``<name>-<first 8 digits of the file's sha256>.pth``: ``state_dict`` and
        ``meta['poodle_mm']`` with ``version``, ``weights`` and the configs ``backbone`` and
        ``neck`` (or None). ``torch.load(path, weights_only=True)`` reads it. The same checkpoint
        gives the same file.

    Raises:
        FileNotFoundError, ValueError: As in :func:`load_encoder`.
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
    buffer = io.BytesIO()
    torch.save(dict(meta=dict(poodle_mm=about), state_dict=state), buffer)
    content = buffer.getvalue()
    digest = hashlib.sha256(content).hexdigest()[:8]
    path = Path(out_dir) / f'{name or Path(checkpoint).stem}-{digest}.pth'
    with replacing(path) as temporary:
        temporary.write_bytes(content)
    return path
