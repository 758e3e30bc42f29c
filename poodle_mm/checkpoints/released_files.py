"""Published weights by name: the file, downloaded once or put there by hand, and its encoder."""

import hashlib
from collections.abc import Mapping
from difflib import get_close_matches
from http.client import HTTPException
from pathlib import Path

import torch
from mmengine.registry import DefaultScope

from poodle_mm.checkpoints.encoder_checkpoint import (
    EncoderCheckpoint,
    load_part,
    read_checkpoint,
    read_plain,
)
from poodle_mm.checkpoints.files import load_file, tensors_of
from poodle_mm.checkpoints.release import is_release
from poodle_mm.checkpoints.released_weights import RELEASED, ReleasedWeights
from poodle_mm.checkpoints.state_dict import non_finite
from poodle_mm.registry import MODELS
from poodle_mm.utils.files import replacing

_VIT_S = dict(embed_dims=384, num_layers=12, num_heads=6, feedforward_channels=1536)
_ENCODERS = {
    'R50': dict(type='mmpretrain.ResNet', depth=50),
    'ViT-S': dict(type='mmpretrain.VisionTransformer', arch=_VIT_S, img_size=224, patch_size=16),
}


def weights_folder(folder: str | Path | None = None) -> Path:
    """Folder of published weights; by default torch.hub's, which ``$TORCH_HOME`` moves."""
    return Path(folder) if folder else Path(torch.hub.get_dir()) / 'checkpoints'


def is_released_name(name: str) -> bool:
    """Whether an argument names published weights and no file."""
    return name in RELEASED and not Path(name).is_file()


def similar_name(name: str) -> str:
    """A hint for a name that is neither a file nor published weights; empty if none is near."""
    close = get_close_matches(name, RELEASED, 1, 0.7)
    return f'; did you mean {close[0]}? (--list-weights has all)' if close else ''


def find_released(name: str, folder: str | Path | None = None, download: bool = True) -> Path:
    """The file of published weights; downloaded if need be, and only taken whole.

    Args:
        name: Name in ``RELEASED``.
        folder: Argument of :func:`weights_folder`.
        download: Whether to try the address if the file is not there.

    Raises:
        FileNotFoundError: If it is not there and cannot be downloaded, saying where from and where
            to.
        ValueError: If the file has another hash, or is not what it should be.
    """
    weights = RELEASED[name]
    path = weights_folder(folder) / weights.file
    if path.is_file():
        _check_hash(weights, path)
        return path
    if weights.url is None or not download:
        raise FileNotFoundError(f'{name} is not here. {how_to_get(weights, path)}')
    with replacing(path) as temporary:
        try:
            torch.hub.download_url_to_file(weights.url, str(temporary), weights.sha256)
        except (OSError, RuntimeError, HTTPException) as error:  # no network; another hash
            raise FileNotFoundError(
                f'cannot download {name} ({error}). {how_to_get(weights, path)}'
            ) from error
        try:
            encoder_of(weights, temporary)  # half a file is none
        except ValueError as error:
            raise ValueError(
                f'what {weights.url} sent was not taken: '
                f'{str(error).replace(str(temporary), weights.file)}'
            ) from error
    return path


def get_released(name: str, folder: str | Path | None = None) -> Path:
    """As :func:`find_released`, and the content is checked, too, if the file was there.

    Raises:
        FileNotFoundError: As :func:`find_released`.
        ValueError: Likewise, for a damaged file, or if there are no such weights.
    """
    if name not in RELEASED:
        raise ValueError(f'no published weights {name!r}: there are {", ".join(RELEASED)}')
    path = find_released(name, folder)
    encoder_of(RELEASED[name], path)
    return path


def how_to_get(weights: ReleasedWeights, path: Path) -> str:
    """Where the file comes from and where it belongs, in a sentence or two."""
    source = f'Download {weights.url}' if weights.url else f'See {weights.page}'
    note = f' ({weights.note})' if weights.note else ''
    return f'{source}{note} and put the file at {path}'


def released_encoder(
    name: str, folder: str | Path | None = None, weights: str = 'online'
) -> EncoderCheckpoint:
    """The encoder (and decoder) of published weights.

    Args:
        name, folder: Arguments of :func:`find_released`.
        weights: ``'online'``, or ``'ema'`` for files of PooDLe's authors.

    Raises:
        FileNotFoundError, ValueError: As :func:`find_released` and :func:`encoder_of`.
    """
    return encoder_of(RELEASED[name], find_released(name, folder), weights)


def encoder_of(
    released: ReleasedWeights, path: str | Path, weights: str = 'online'
) -> EncoderCheckpoint:
    """The encoder in a file, checked to the last tensor.

    Args:
        released: Entry that the file belongs to.
        path: The file.
        weights: See :func:`released_encoder`.

    Raises:
        ValueError: If the file is damaged, holds another encoder or no target network, or a tensor
            is missing, left over, of another shape or not finite.
    """
    loaded = load_file(path)
    tensors = tensors_of(loaded, path)
    if broken := non_finite(dict(state_dict=tensors)):
        raise ValueError(f'{path}: {broken}')
    if is_release(tensors):
        found = read_checkpoint(path, weights)
    elif weights != 'online':
        raise ValueError(f'{released.name} has no target network: use its online weights')
    else:
        found = read_plain(path)
    expected = _ENCODERS[released.arch]
    if not _same(expected, found.backbone):
        raise ValueError(f'{path} holds {found.backbone}, and {released.name} is {expected}')
    parts = {found.backbone_prefix: found.backbone, found.neck_prefix: found.neck}
    for prefix, part in parts.items():
        if part:
            with DefaultScope.overwrite_default_scope('poodle_mm'):
                load_part(MODELS.build(dict(part)), path, prefix or '', released.name)
    return found


def _same(expected: Mapping, found: Mapping) -> bool:
    """Whether an encoder is the expected one; dilation, which is the readout's, may differ."""
    free = ('type', 'out_indices', 'strides', 'dilations', 'contract_dilation')
    kinds = [cfg['type'].split('.')[-1] for cfg in (expected, found)]
    cores = [{k: v for k, v in cfg.items() if k not in free} for cfg in (expected, found)]
    return kinds[0] == kinds[1] and cores[0] == cores[1]


def _check_hash(weights: ReleasedWeights, path: Path) -> None:
    if weights.sha256 is None:
        return
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if not found.startswith(weights.sha256):
        raise ValueError(
            f'{path} is damaged or another file: its SHA-256 begins with {found[:8]}, that of '
            f'{weights.name} with {weights.sha256}. Delete it and run again'
        )
