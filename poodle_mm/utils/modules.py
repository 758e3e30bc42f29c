"""Small jobs on modules that several rooms have."""

from collections.abc import Iterator
from contextlib import contextmanager

from mmengine.model import is_model_wrapper
from torch import Tensor, nn


def bare_model(model: nn.Module) -> nn.Module:
    """The model itself, without DDP around it."""
    return model.module if is_model_wrapper(model) else model


@contextmanager
def evaluating(module: nn.Module) -> Iterator[None]:
    """Eval mode within; afterwards each submodule is in the mode it was in."""
    modes = {part: part.training for part in module.modules()}
    try:
        module.eval()
        yield
    finally:
        for part, training in modes.items():
            part.training = training


def last_map(backbone: nn.Module, neck: nn.Module | None, images: Tensor) -> Tensor:
    """The last map of encoder and decoder.

    Args:
        backbone: Encoder; returns its maps from fine to coarse.
        neck: Decoder on these maps, or None.
        images: (B, 3, H, W), normalised.

    Returns:
        (B, C, h, w) of the decoder if there is one, else of the encoder.
    """
    maps = backbone(images)
    return maps[-1] if neck is None else neck(maps)[-1]


def map_before_norm(backbone: nn.Module, images: Tensor) -> Tensor:
    """The encoder's last map as its last layer leaves it: without a ViT's final norm.

    Args:
        backbone: Encoder; returns its maps from fine to coarse.
        images: (B, 3, H, W), normalised.
    """
    if not getattr(backbone, 'final_norm', False):
        return backbone(images)[-1]
    backbone.final_norm = False
    try:
        return backbone(images)[-1]
    finally:
        backbone.final_norm = True
