"""A segmentor of which only the head learns."""

import torch
from mmseg.models.segmentors import EncoderDecoder
from mmseg.registry import MODELS
from torch import Tensor


@MODELS.register_module()
class FrozenEncoderDecoder(EncoderDecoder):
    """``EncoderDecoder`` whose backbone and neck stay as they are: no gradient, no new statistics.

    Their parameters do not require gradients, they stay in eval mode whatever ``train`` asks for,
    and they run under ``torch.no_grad`` (PooDLe §4.2, linear readout).
    """

    def __init__(self, **kwargs) -> None:
        super().__init__(**kwargs)
        self.features.requires_grad_(False)

    @property
    def features(self) -> torch.nn.Sequential:
        """Backbone and neck: images to feature maps."""
        parts = [self.backbone, self.neck] if self.with_neck else [self.backbone]
        return torch.nn.Sequential(*parts)

    def train(self, mode: bool = True) -> 'FrozenEncoderDecoder':
        super().train(mode)
        self.features.eval()
        return self

    def extract_feat(self, inputs: Tensor) -> list[Tensor]:
        with torch.no_grad():
            return super().extract_feat(inputs)
