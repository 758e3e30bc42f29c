"""The last stage of a ResNet as the shared head of a C4 detector."""

from mmdet.registry import MODELS
from mmpretrain.models import ResNet
from torch import Tensor


@MODELS.register_module()
class ResNetLastStage(ResNet):
    """``layer4`` of mmpretrain's ResNet, without what comes before it.

    MMDetection's own ``ResLayer`` has a fixed width, and it is the whole ResNet that an encoder's
    config describes.

    Args:
        frozen: No gradient, and batch norm with the statistics of the checkpoint.
        **kwargs: As for the encoder.
    """

    def __init__(self, frozen: bool = True, **kwargs) -> None:
        self._frozen = False
        super().__init__(norm_eval=frozen, **kwargs)
        for name, _ in list(self.named_children()):
            if name != 'layer4':
                delattr(self, name)
        self._frozen = frozen
        self._freeze_stages()

    def forward(self, x: Tensor) -> Tensor:
        """Regions (N, C, h, w) of the third stage's map to (N, 2C, h/2, w/2)."""
        return self.layer4(x)

    def _freeze_stages(self) -> None:
        if self._frozen:
            self.layer4.requires_grad_(False)
            self.layer4.eval()
