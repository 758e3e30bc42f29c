"""A ResNet bottleneck before or after an upsampling."""

import torch.nn.functional as F
from mmpretrain.models.backbones.resnet import Bottleneck
from torch import Tensor


class UpsamplingBottleneck(Bottleneck):
    """mmpretrain's bottleneck g as a step up: ``g(upsample(z))``, or ``upsample(g(z))``.

    In the first order a 1x1 convolution without bias and the bilinear upsampling commute: one mixes
    channels at each place, the other places in each channel. So the first convolution runs on the
    coarse map, with a quarter of the products, and keeps that map for its gradient instead of the
    upsampled one: the same result up to rounding.

    Args:
        channels: Channels of input and output; the inner width is an eighth.
        norm_cfg: Norm of the three layers.
        upsample_first: ``g(upsample(z))`` (Eq. 3). False: ``upsample(g(z))``, the released code's
            order: all of the block on the coarse map.
        reduce_first: False upsamples first and leaves the rest to mmpretrain: the plain path.
        conv_cfg: Kind of its convolutions; None: ``torch.nn.Conv2d``.
    """

    def __init__(
        self,
        channels: int,
        norm_cfg: dict,
        upsample_first: bool = True,
        reduce_first: bool = True,
        conv_cfg: dict | None = None,
    ) -> None:
        super().__init__(channels, channels, expansion=8, conv_cfg=conv_cfg, norm_cfg=norm_cfg)
        self.upsample_first, self.reduce_first = upsample_first, reduce_first

    def forward(self, z: Tensor, size: tuple[int, int]) -> Tensor:
        """(N, C, h, w) to (N, C, H, W); ``size`` = (H, W) as :func:`upsample_to` takes it."""
        if not self.upsample_first:
            return upsample_to(super().forward(z), size)
        if not self.reduce_first:
            return super().forward(upsample_to(z, size))
        out = self.relu(self.norm1(upsample_to(self.conv1(z), size)))
        out = self.relu(self.norm2(self.conv2(out)))
        out = self.norm3(self.conv3(out))
        out += upsample_to(z, size)
        return self.relu(out)


def upsample_to(z: Tensor, size: tuple[int, int]) -> Tensor:
    """Bilinear upsampling by two, or none where the map has the size already.

    Args:
        z: (N, C, h, w).
        size: (H, W), either (h, w), or (2h, 2w) less at most a row and a column, which are cut off:
            images whose size is no multiple of the stride.

    Raises:
        ValueError: For any other size.
    """
    own = tuple(z.shape[-2:])
    if tuple(size) == own:
        return z
    if any(n not in (2 * m, 2 * m - 1) for m, n in zip(own, size)):
        raise ValueError(
            f'SDM: a map of {own[0]}x{own[1]} cells cannot go up to {size[0]}x{size[1]}: '
            'neighbouring encoder maps must have the same size or twice the size; check strides '
            'and out_indices of the backbone'
        )
    z = F.interpolate(z, scale_factor=2, mode='bilinear', align_corners=False)
    return z[..., : size[0], : size[1]]
