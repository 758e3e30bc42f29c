"""A pretrained encoder as one module: images in, one dense map out."""

from pathlib import Path

import torch
from torch import Tensor, nn

from poodle_mm.checkpoints.encoder_checkpoint import load_part, read_checkpoint
from poodle_mm.registry import MODELS
from poodle_mm.utils.modules import evaluating, last_map

_PROBE = 64  # pixels; a multiple of every stride of a ResNet and of a ViT's patches of 8 or 16


class DenseEncoder(nn.Module):
    """Backbone and, if there is one, spatial decoder.

    Args:
        backbone: Returns a tuple of maps, fine to coarse.
        neck: Takes that tuple and returns its map in a tuple; None ends with the backbone's last
            map.

    Attributes:
        stride: Pixels per cell of the map, both ways.
        multiple: Heights and widths of images must be a multiple of it; :func:`dense_features`
            pads to it.
        channels: Channels of the map.
    """

    def __init__(self, backbone: nn.Module, neck: nn.Module | None = None) -> None:
        super().__init__()
        self.backbone = backbone
        self.neck = neck
        with evaluating(self), torch.no_grad():
            maps = tuple(backbone(torch.zeros(1, 3, _PROBE, _PROBE, device=self.device)))
            self.multiple = _PROBE // maps[-1].shape[-1]
            dense = maps[-1] if neck is None else neck(maps)[-1]
        self.stride = _PROBE // dense.shape[-1]
        self.channels = dense.shape[1]

    @property
    def device(self) -> torch.device:
        """Device of the weights."""
        return next(self.backbone.parameters()).device

    def forward(self, images: Tensor) -> Tensor:
        """Normalised images (N, 3, H, W) to a map (N, channels, H / stride, W / stride)."""
        return last_map(self.backbone, self.neck, images)


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
            weights asked for.
    """
    found = read_checkpoint(checkpoint, weights)
    if with_sdm and found.neck is None:
        raise ValueError(f'{checkpoint} has no spatial decoder: use with_sdm=False')
    is_vit = found.backbone['type'].endswith('VisionTransformer')
    layout = dict(out_type='featmap') if is_vit else {}
    backbone = MODELS.build(dict(found.backbone, **layout))
    load_part(backbone, found.path, found.backbone_prefix, 'backbone')
    neck = None
    if found.neck is not None and with_sdm is not False:
        neck = MODELS.build(found.neck)
        load_part(neck, found.path, found.neck_prefix, 'neck')
    return DenseEncoder(backbone, neck).requires_grad_(False).to(device).eval()
