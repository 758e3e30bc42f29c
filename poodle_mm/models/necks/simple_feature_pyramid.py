"""Simple feature pyramid: maps of several strides from a ViT's last one (ViTDet)."""

import math
from collections.abc import Sequence

from mmengine.model import BaseModule
from mmpretrain.models.utils import LayerNorm2d
from torch import Tensor, nn

from poodle_mm.models.necks.spatial_decoder import SpatialDecoderModule
from poodle_mm.registry import MODELS


@MODELS.register_module()
class SimpleFeaturePyramid(BaseModule):
    """Maps of several strides from the encoder's last map alone.

    As in `Exploring Plain Vision Transformer Backbones for Object Detection
    <https://arxiv.org/abs/2203.16527>`_ (ViTDet, §3): transposed convolutions that halve the stride
    and the channels, or max pooling, then a 1x1 and a 3x3 convolution, each with a layer norm.

    Args:
        in_channels: Channels of the encoder's last map.
        patch_size: Its stride in pixels.
        out_channels: Channels of each map of the pyramid.
        strides: Strides of the pyramid, fine to coarse, each a power of two times or below
            ``patch_size``.
        decoder: Arguments of :class:`SpatialDecoderModule`, which then decodes the pyramid top-down
            to one map of the finest stride, for PooDLe's dense head. None: the pyramid itself.
    """

    def __init__(
        self,
        in_channels: int,
        patch_size: int = 16,
        out_channels: int = 256,
        strides: Sequence[int] = (4, 8, 16, 32),
        decoder: dict | None = None,
        init_cfg: dict | list | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.in_channels, self.out_channels = in_channels, out_channels
        if list(strides) != sorted(set(strides)):
            raise ValueError(f'strides must ascend, fine to coarse, got {tuple(strides)}')
        self.levels = nn.ModuleList(
            _level(in_channels, _halvings(patch_size, stride), out_channels) for stride in strides
        )
        self.decoder = None
        if decoder is not None:
            self.decoder = SpatialDecoderModule([out_channels] * len(strides), **decoder)

    def forward(self, feats: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Make the pyramid.

        Args:
            feats: Maps of the encoder; the last one, (N, C, h, w), is used.

        Returns:
            Maps (N, out_channels, h_i, w_i) in the order of ``strides``, or the decoder's one.
        """
        if feats[-1].shape[1] != self.in_channels:
            raise ValueError(
                f'SimpleFeaturePyramid expects {self.in_channels} channels, got '
                f"{feats[-1].shape[1]}: set neck.in_channels to the encoder's width"
            )
        maps = tuple(level(feats[-1]) for level in self.levels)
        return maps if self.decoder is None else self.decoder(maps)


def _halvings(patch_size: int, stride: int) -> int:
    """How often the stride is halved; below 0: doubled."""
    halvings = math.log2(patch_size / stride)
    if halvings != int(halvings):
        raise ValueError(f'a stride of {stride} is no power of two times a patch of {patch_size}')
    return int(halvings)


def _level(channels: int, halvings: int, out_channels: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for step in range(halvings):
        if step:
            layers += [LayerNorm2d(channels), nn.GELU()]
        layers.append(nn.ConvTranspose2d(channels, channels // 2, 2, stride=2))
        channels //= 2
    # ceil: of an odd number of cells the last one is kept, as strided convolutions do
    layers += [nn.MaxPool2d(2, ceil_mode=True) for _ in range(-halvings)]
    for kernel, width in ((1, channels), (3, out_channels)):
        convolution = nn.Conv2d(width, out_channels, kernel, padding=kernel // 2, bias=False)
        layers += [convolution, LayerNorm2d(out_channels)]
    return nn.Sequential(*layers)
