"""Spatial decoder module (SDM): top-down decoder with lateral connections (PooDLe §3, Eq. 3)."""

from collections.abc import Sequence

import torch.utils.checkpoint as cp
from mmcv.cnn import build_norm_layer
from mmengine.model import BaseModule
from torch import Tensor, nn

from poodle_mm.models.necks.upsampling_bottleneck import UpsamplingBottleneck, upsample_to
from poodle_mm.registry import MODELS


class DecoderBlock(BaseModule):
    """One step up: ``z' = g(upsample(z)) + lateral(encoder map)``, channels kept.

    Where the encoder map has the size of z already (a dilated encoder, ablation row 4), nothing is
    upsampled.

    Args:
        channels: Channels of z and z'.
        lateral_channels: Channels of the encoder map that has the size of z'.
        block: ``'bottleneck'`` for g = one ResNet bottleneck of inner width channels / 8, or
            None for g = identity (ablation row 4).
        lateral: ``'linear'`` (one 1x1 convolution, appendix A), ``'mlp'`` (two with norm and ReLU
            between, §4.1), or None for no lateral (ablation row 3).
        norm_cfg: Norm of the bottleneck and of the lateral MLP.
        upsample_first, reduce_first, conv_cfg: See :class:`UpsamplingBottleneck`.
    """

    def __init__(
        self,
        channels: int,
        lateral_channels: int,
        block: str | None = 'bottleneck',
        lateral: str | None = 'linear',
        norm_cfg: dict | None = None,
        upsample_first: bool = True,
        reduce_first: bool = True,
        conv_cfg: dict | None = None,
        init_cfg: dict | list | None = None,
    ) -> None:
        super().__init__(init_cfg)
        norm_cfg = norm_cfg or dict(type='BN')
        if block not in ('bottleneck', None):
            raise ValueError(f"SDM block must be 'bottleneck' or None, got {block!r}")
        if lateral not in ('linear', 'mlp', None):
            raise ValueError(f"SDM lateral must be 'linear', 'mlp' or None, got {lateral!r}")
        self.block = self.lateral = None
        if block:
            self.block = UpsamplingBottleneck(
                channels, norm_cfg, upsample_first, reduce_first, conv_cfg
            )
        if lateral == 'linear':
            self.lateral = nn.Conv2d(lateral_channels, channels, 1)
        elif lateral == 'mlp':
            self.lateral = nn.Sequential(
                nn.Conv2d(lateral_channels, channels, 1, bias=False),
                build_norm_layer(norm_cfg, channels)[1],
                nn.ReLU(inplace=True),
                nn.Conv2d(channels, channels, 1),
            )

    def forward(self, z: Tensor, skip: Tensor) -> Tensor:
        size = tuple(skip.shape[-2:])
        z = upsample_to(z, size) if self.block is None else self.block(z, size)
        return z if self.lateral is None else self.lateral(skip).add_(z)


@MODELS.register_module()
class SpatialDecoderModule(BaseModule):
    """Decoder that brings the encoder's last map to a finer stride with laterals.

    With a ResNet-50 at 512x1024: (512, 64, 128), (1024, 32, 64) and (2048, 16, 32) in, one map
    (2048, 64, 128) of stride 8 out.

    Args:
        in_channels: Channels of the encoder maps, fine to coarse; one decoder block per map
            before the last. ResNet-50: ``[512, 1024, 2048]``.
        block, lateral: See :class:`DecoderBlock`; None switches that part off (Table 4).
        norm_cfg: Norm layers of the blocks.
        with_cp: Activation checkpointing of each block: less memory, one more forward. Running
            statistics of its norms are then updated twice a step.
        upsample_first: ``g(upsample(z)) + lateral``, as Eq. 3 has it; False: ``upsample(g(z)) +
            lateral``, as the released code does, which costs less.
        frozen: For downstream use: no gradients, batch norms stay in eval mode.
        reduce_first: The blocks' first 1x1 convolution runs before the upsampling, with which it
            commutes: less memory and time. False: after it, the plain path.
        conv_cfg: Kind of the blocks' convolutions, None: ``torch.nn.Conv2d``; such as
            ``dict(type='Conv2d', padding_mode='reflect')``. Laterals are 1x1: nothing to pad.
    """

    def __init__(
        self,
        in_channels: Sequence[int] = (512, 1024, 2048),
        block: str | None = 'bottleneck',
        lateral: str | None = 'linear',
        norm_cfg: dict | None = None,
        with_cp: bool = False,
        frozen: bool = False,
        upsample_first: bool = True,
        reduce_first: bool = True,
        conv_cfg: dict | None = None,
        init_cfg: dict | list | None = None,
    ) -> None:
        super().__init__(init_cfg)  # by default torch's own initialisation, as the released code
        if len(in_channels) < 2:
            raise ValueError(
                f'SDM needs at least two encoder maps, got in_channels={list(in_channels)}'
            )
        if block == 'bottleneck' and in_channels[-1] % 8:
            raise ValueError(
                f'SDM bottleneck is channels / 8 wide: {in_channels[-1]} is no multiple of 8'
            )
        self.in_channels = list(in_channels)
        self.out_channels = in_channels[-1]
        self.with_cp = with_cp
        self.blocks = nn.ModuleList(
            DecoderBlock(
                self.out_channels,
                channels,
                block,
                lateral,
                norm_cfg,
                upsample_first=upsample_first,
                reduce_first=reduce_first,
                conv_cfg=conv_cfg,
            )
            for channels in reversed(in_channels[:-1])
        )
        self.frozen = frozen
        self.requires_grad_(not frozen)

    def train(self, mode: bool = True) -> 'SpatialDecoderModule':
        return super().train(mode and not self.frozen)

    def forward(self, feats: Sequence[Tensor]) -> tuple[Tensor]:
        """Decode the encoder's maps.

        Args:
            feats: (N, C_i, h_i, w_i), fine to coarse, each size half the one before, rounded up, or
                the same.

        Returns:
            One map (N, C_last, h_0, w_0), in a tuple as OpenMMLab's necks return it.
        """
        found = [f.shape[1] for f in feats]
        if found != self.in_channels:
            raise ValueError(
                f'SDM expects encoder maps of {self.in_channels} channels, got {found}: '
                "check neck.in_channels against the backbone's depth and out_indices"
            )
        z = feats[-1]
        for block, skip in zip(self.blocks, reversed(feats[:-1])):
            if self.with_cp and z.requires_grad:
                z = cp.checkpoint(block, z, skip, use_reentrant=False)
            else:
                z = block(z, skip)
        return (z,)
