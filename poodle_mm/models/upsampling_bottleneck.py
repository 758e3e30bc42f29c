"""A ResNet bottleneck of an upsampled map, with its first convolution before the upsampling."""

import torch.nn.functional as F
from mmpretrain.models.backbones.resnet import Bottleneck
from torch import Tensor


class UpsamplingBottleneck(Bottleneck):
    """mmpretrain's bottleneck of ``upsample2(z)``: same parameters, same result up to rounding.

    A 1x1 convolution without bias and a bilinear upsampling commute: one mixes channels at each
    place, the other places in each channel. So the first convolution runs on the coarse map, with
    a quarter of the products, and keeps that map for its gradient instead of the upsampled one.

    Args:
        channels: Of the input and of the output; the inner width is an eighth.
        norm_cfg: Norm of its three layers.
        reduce_first: False upsamples first and leaves the rest to mmpretrain: the plain path.
    """

    def __init__(self, channels: int, norm_cfg: dict, reduce_first: bool = True) -> None:
        super().__init__(channels, channels, expansion=8, norm_cfg=norm_cfg)
        self.reduce_first = reduce_first

    def forward(self, z: Tensor, size: tuple[int, int]) -> Tensor:
        """(N, C, h, w) to (N, C, H, W), ``size`` = (H, W) being 2h and 2w or one less."""
        if not self.reduce_first:
            return super().forward(upsample2(z, size))
        out = self.relu(self.norm1(upsample2(self.conv1(z), size)))
        out = self.relu(self.norm2(self.conv2(out)))
        out = self.norm3(self.conv3(out))
        out += upsample2(z, size)
        return self.relu(out)


def upsample2(z: Tensor, size: tuple[int, int]) -> Tensor:
    """Bilinear, twice as large; a row or column beyond ``size`` (H, W) is cut off."""
    z = F.interpolate(z, scale_factor=2, mode='bilinear', align_corners=False)
    return z[..., : size[0], : size[1]]
