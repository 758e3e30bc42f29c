"""A pretrained encoder as one module: images in, one dense map out."""

import logging
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from poodle_mm.checkpoints.encoder_checkpoint import (
    EncoderCheckpoint,
    encoder_of_config,
    load_part,
    read_checkpoint,
)
from poodle_mm.engine.config import load_config
from poodle_mm.registry import MODELS
from poodle_mm.utils.modules import evaluating, last_map

# Height and width; the width is a multiple of strides and patches of 8, 14, 16, 28 and 32 pixels.
_PROBE = (32, 448)


class DenseEncoder(nn.Module):
    """Backbone and, if there is one, spatial decoder.

    Args:
        backbone: Returns a tuple of maps, fine to coarse.
        neck: Takes that tuple and returns its map in a tuple; None ends with the backbone's last
            map.

    Attributes:
        stride: Pixels per cell of the map, both ways.
        multiple: Pixels per cell of the backbone's last map; images are padded to a multiple of it.
        channels: Channels of the map.
        origin: Where the weights are from, for the legends of pictures; may be empty.

    Raises:
        ValueError: If the maps have no whole number of pixels per cell.
    """

    def __init__(self, backbone: nn.Module, neck: nn.Module | None = None) -> None:
        super().__init__()
        self.backbone = backbone
        self.neck = neck
        self.origin = ''
        with evaluating(self), torch.no_grad():
            maps = tuple(backbone(torch.zeros(1, 3, *_PROBE, device=self.device)))
            dense = maps[-1] if neck is None else neck(maps)[-1]
        widths = maps[-1].shape[-1], dense.shape[-1]
        if any(_PROBE[1] % width for width in widths):
            raise ValueError(f'an image {_PROBE[1]} pixels wide gives maps {widths} cells wide')
        self.multiple, self.stride = (_PROBE[1] // width for width in widths)
        self.channels = dense.shape[1]

    @property
    def device(self) -> torch.device:
        """Device of the weights."""
        return next(self.backbone.parameters()).device

    def forward(self, images: Tensor) -> Tensor:
        """Compute the map of images.

        Args:
            images: (N, 3, H, W) of any size, normalised; padded with zeros on the right and below
                to a multiple of ``multiple``.

        Returns:
            (N, channels, ceil(H / stride), ceil(W / stride)): cells in the padding alone are cut
            off.
        """
        height, width = images.shape[-2:]
        images = F.pad(images, (0, -width % self.multiple, 0, -height % self.multiple))
        rows, columns = -(-height // self.stride), -(-width // self.stride)
        return last_map(self.backbone, self.neck, images)[..., :rows, :columns]


def load_encoder(
    checkpoint: str | Path,
    with_sdm: bool | None = None,
    weights: str = 'online',
    device: str | torch.device = 'cpu',
) -> DenseEncoder:
    """Load a pretrained encoder for use.

    Args:
        checkpoint: A pretraining checkpoint, a file of PooDLe's authors, one of
            ``tools/publish_model.py``, an mmpretrain checkpoint, or plain ResNet weights with
            torchvision's names.
        with_sdm: Whether the spatial decoder follows the encoder; None: if the file has one.
        weights: ``'online'``, or ``'ema'`` for the target network.
        device: Device of the encoder.

    Returns:
        The encoder in eval mode, without gradients: stride 8 with the decoder, otherwise that of
        the backbone's last map (32 for an ordinary ResNet).

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file has no encoder, not every key of it, or not the part or the
            weights asked for; or if the device cannot be used.
    """
    _check_device(device)
    network = ', target network' if weights == 'ema' else ''
    found = read_checkpoint(checkpoint, weights)
    return build_encoder(found, with_sdm, device, Path(checkpoint).name + network)


def build_encoder(
    found: EncoderCheckpoint,
    with_sdm: bool | None = None,
    device: str | torch.device = 'cpu',
    origin: str = '',
) -> DenseEncoder:
    """Build the encoder that was found in a checkpoint, and load it.

    Args:
        found: The encoder; without a path its weights are random.
        with_sdm: Whether the spatial decoder follows the encoder; None: if there is one.
        device: Device of the encoder.
        origin: Where the weights are from, in words; default the file's name.

    Raises:
        ValueError: As :func:`load_encoder`.
    """
    if with_sdm and found.neck is None:
        raise ValueError(f'{found.path} has no spatial decoder: use with_sdm=False')
    modules = _modules(found, with_sdm)
    if found.path is None:
        _init_weights(modules)
        return _frozen(modules, device, origin or 'random weights')
    load_part(modules['backbone'], found.path, found.backbone_prefix, 'backbone')
    if 'neck' in modules:
        load_part(modules['neck'], found.path, found.neck_prefix, 'neck')
    return _frozen(modules, device, origin or Path(found.path).name)


def random_encoder(
    config: str | Path = 'poodle_r50_bdd.py',
    with_sdm: bool | None = None,
    device: str | torch.device = 'cpu',
) -> DenseEncoder:
    """Build the encoder of a pretraining config with random weights, as a run starts from.

    Args:
        config: Config file, or the name of one of ours.
        with_sdm: Whether the spatial decoder follows the encoder; None: if the config has one.
        device: Device of the encoder.

    Returns:
        The encoder as from :func:`load_encoder`. ``torch.manual_seed`` decides on the weights.

    Raises:
        FileNotFoundError: If there is no such config.
        ValueError: If it has no spatial decoder, and ``with_sdm`` is True.
    """
    found = encoder_of_config(load_config(config))
    if with_sdm and found.neck is None:
        raise ValueError(f'{config} has no spatial decoder: use with_sdm=False')
    return build_encoder(found, with_sdm, device)


def _init_weights(modules: dict[str, nn.Module]) -> None:
    logging.disable(logging.INFO)  # MMEngine has a line for each of its tensors
    try:
        for module in modules.values():
            module.init_weights()
    finally:
        logging.disable(logging.NOTSET)


def _modules(found: EncoderCheckpoint, with_sdm: bool | None) -> dict[str, nn.Module]:
    """``backbone`` and, if wanted and there, ``neck``."""
    backbone = dict(found.backbone)
    if backbone['type'].endswith('VisionTransformer'):
        backbone['out_type'] = 'featmap'
    modules = dict(backbone=MODELS.build(backbone))
    if found.neck is not None and with_sdm is not False:
        modules['neck'] = MODELS.build(found.neck)
    return modules


def _frozen(modules: dict[str, nn.Module], device: str | torch.device, origin: str) -> DenseEncoder:
    encoder = DenseEncoder(**modules).requires_grad_(False).to(device).eval()
    encoder.origin = f'{origin}, {"encoder + SDM" if "neck" in modules else "encoder"}'
    return encoder


def _check_device(device: str | torch.device) -> None:
    """Refuse a device that is misspelt or not there, before the file is read."""
    try:
        torch.empty(0, device=device)
    except (AssertionError, RuntimeError) as error:  # AssertionError: torch without CUDA
        reason = str(error).splitlines()[0]
        raise ValueError(f"device '{device}' cannot be used, 'cpu' always can: {reason}") from error
