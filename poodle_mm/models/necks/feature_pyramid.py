"""A feature pyramid network as decoder: its finest level."""

from collections import OrderedDict
from collections.abc import Sequence

from mmengine.model import BaseModule
from torch import Tensor, nn
from torchvision.ops import FeaturePyramidNetwork

from poodle_mm.registry import MODELS


@MODELS.register_module()
class FeaturePyramid(BaseModule):
    """torchvision's FPN; the finest level alone goes on, P3 with a ResNet's last three stages.

    Args:
        in_channels: Channels of the encoder's maps, from fine to coarse.
        out_channels: Channels of the result.
    """

    def __init__(
        self,
        in_channels: Sequence[int] = (512, 1024, 2048),
        out_channels: int = 256,
        init_cfg: dict | list | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.pyramid = FeaturePyramidNetwork(list(in_channels), out_channels)
        for level in range(1, len(in_channels)):
            # their outputs are not used, so that their weights would get no gradient
            self.pyramid.layer_blocks[level] = nn.Identity()

    def forward(self, feats: Sequence[Tensor]) -> tuple[Tensor]:
        """Encoder maps, fine to coarse, to (B, out_channels, h, w) of the finest one's size."""
        maps = OrderedDict((str(level), x) for level, x in enumerate(feats))
        return (self.pyramid(maps)['0'],)
