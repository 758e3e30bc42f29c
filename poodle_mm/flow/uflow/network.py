"""UFlow's network: a PWC-Net with fewer layers and normalised features; smaller ones by options.

Facts from "What Matters in Unsupervised Optical Flow" (Jonschkowski et al., 2020) and the settings
of its released code. Pyramid level l (0 to 4) has stride ``2 ** (l + 1)``: level 0 is at 1/2,
level 4 at 1/32 of the image. Flow is decoded at levels 4, 3, 2 and 1, so that it comes out at 1/4;
level 0 is only a step to level 1.
"""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from poodle_mm.geometry.cost_volume import cost_volume, normalise_features
from poodle_mm.geometry.warp import normalise_points, pixel_grid

NUM_LEVELS = 5
DECODED_LEVELS = (4, 3, 2, 1)  # coarse to fine
IMAGE_STRIDE = 2**NUM_LEVELS  # images must have sides that are multiples of it
NEGATIVE_SLOPE = 0.1

Widths = Sequence[int]

# Arguments of UFlowNetwork by name: UFlow's own network, and one for CPUs (1.0 M parameters).
NETWORKS: dict[str, dict[str, Any]] = dict(
    uflow={},
    small=dict(
        channels=(12, 16, 32, 64, 96),
        layers=(1, 2, 2, 2, 2),
        decoder=((32, 24, 16), (48, 48, 32), (96, 64, 32), (128, 96, 64, 32)),
        refinement=((24, 1), (24, 2), (24, 4)),
        max_displacement=(2, 3, 4, 4),
        dense=False,
    ),
)


class FlowDecoder(nn.Module):
    """3 x 3 convolutions of one level, then its flow.

    Args:
        in_channels: Channels of everything that the level knows, concatenated.
        widths: Channels of the convolutions; the last ones are the context.
        dense: Give each convolution the inputs of the one before it, too.
        separable: Make them of a depthwise and a 1 x 1 convolution.
    """

    def __init__(
        self, in_channels: int, widths: Widths, dense: bool = True, separable: bool = False
    ) -> None:
        super().__init__()
        self.dense = dense
        self.convs = nn.ModuleList()
        for out_channels in widths:
            self.convs.append(_conv(in_channels, out_channels, separable=separable))
            in_channels = in_channels + out_channels if dense else out_channels
        self.head = nn.Conv2d(widths[-1], 2, 3, padding=1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """``(context (B, C, h, w), flow (B, 2, h, w))`` of inputs (B, in_channels, h, w)."""
        for conv in self.convs:
            context = conv(x)
            x = torch.cat([x, context], dim=1) if self.dense else context
        return context, self.head(context)


class UFlowNetwork(nn.Module):
    """Flow at a quarter of the images' size; UFlow's own, with 5.7 M parameters, by default.

    At each level the features of the second frame are warped by the flow found so far, and a
    decoder, a different one per level, adds what is still missing. A network of dilated
    convolutions refines the flow of the last level.

    Convolutions start from Glorot's uniform distribution with biases of zero, as UFlow's do.

    Args:
        channels: Channels of the pyramid's levels 0 … 4, or one number for all.
        layers: Convolutions of these levels, the one with stride 2 included; or one number.
        decoder: Channels of the decoders' convolutions, or a sequence of such for the levels
            1 … 4; the last ones are the context that the next level gets.
        refinement: (channels, dilation) of the last convolutions; empty for none.
        max_displacement: Reach of the cost volume in cells of the level, for the levels 1 … 4, or
            one number.
        normalise_costs: Normalise the features before the cost volume.
        dense: Connect the decoders' convolutions densely.
        separable: Make all convolutions but those with 3 or 2 channels separable.

    Raises:
        ValueError: If a sequence has another length than there are levels.
    """

    def __init__(
        self,
        channels: int | Widths = 32,
        layers: int | Widths = 3,
        decoder: Widths | Sequence[Widths] = (128, 128, 96, 64, 32),
        refinement: Sequence[Widths] = ((128, 1), (128, 2), (128, 4), (96, 8), (64, 16), (32, 1)),
        max_displacement: int | Widths = 4,
        normalise_costs: bool = True,
        dense: bool = True,
        separable: bool = False,
    ) -> None:
        super().__init__()
        channels = _per_level('channels', channels, range(NUM_LEVELS))
        layers = _per_level('layers', layers, range(NUM_LEVELS))
        decoded = sorted(DECODED_LEVELS)
        one_for_all = isinstance(decoder[0], int)
        widths = _per_level('decoder', [decoder] * 4 if one_for_all else decoder, decoded)
        self.max_displacement = _per_level('max_displacement', max_displacement, decoded)
        self.normalise_costs = normalise_costs
        self.pyramid = nn.ModuleList()
        for level, width in channels.items():
            convs = [_conv(channels.get(level - 1, 3), width, stride=2, separable=separable)]
            convs += [_conv(width, width, separable=separable) for _ in range(1, layers[level])]
            self.pyramid.append(nn.Sequential(*convs))
        self.decoders = nn.ModuleDict()
        self.context_upsamplers = nn.ModuleDict()  # each to the level that names it
        context = 0
        for level in DECODED_LEVELS:
            known = (2 * self.max_displacement[level] + 1) ** 2 + channels[level]
            if context:
                self.context_upsamplers[str(level)] = nn.ConvTranspose2d(
                    context, context, 4, stride=2, padding=1
                )
                known += context + 2
            self.decoders[str(level)] = FlowDecoder(known, widths[level], dense, separable)
            context = widths[level][-1]
        convs, in_channels = [], context + 2
        for width, dilation in refinement:
            convs.append(_conv(in_channels, width, dilation=dilation, separable=separable))
            in_channels = width
        self.refinement = None
        if convs:
            self.refinement = nn.Sequential(*convs, nn.Conv2d(in_channels, 2, 3, padding=1))
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
                nn.init.xavier_uniform_(module.weight)
                nn.init.zeros_(module.bias)

    def forward(self, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        """Flow in both directions; the features of each frame are computed once.

        Args:
            a: (B, 3, H, W) frames t, RGB in [0, 1], H and W multiples of 32.
            b: (B, 3, H, W) frames t + Δ.

        Returns:
            ``(flow_ab, flow_ba)``, each (B, 2, H/4, W/4), channels (du, dv) in cells of that
            grid: four pixels each.

        Raises:
            ValueError: If a side is no multiple of 32.
        """
        flow_ab, flow_ba = self.flows(a, b)[-1].chunk(2)
        return flow_ab, flow_ba

    def flows(self, a: Tensor, b: Tensor, keep: Tensor | None = None) -> list[Tensor]:
        """Flow in both directions at each decoded level, coarse to fine, and the refined one.

        Args:
            a, b: Arguments of :meth:`forward`.
            keep: Level dropout: (5, B) bool, False where context and flow that a level (or the
                flow that the refinement) adds are zeroed, for both directions of a pair. None
                keeps all.

        Returns:
            Flows (2B, 2, h, w) in cells of their grids, t to t + Δ first; the last two are at 1/4.
        """
        features = self.encode(torch.cat([a, b]))
        partners = [x.roll(len(a), dims=0) for x in features]
        return self.decode_levels(features, partners, None if keep is None else keep.repeat(1, 2))

    def encode(self, images: Tensor) -> list[Tensor]:
        """Features (B, C, H / 2 ** (l + 1), W / 2 ** (l + 1)) of levels l = 0 … 4."""
        height, width = images.shape[-2:]
        if height % IMAGE_STRIDE or width % IMAGE_STRIDE:
            raise ValueError(
                f'UFlowNetwork needs images whose sides are multiples of {IMAGE_STRIDE}, '
                f'got {height} x {width}'
            )
        x = 2 * images - 1
        features = []
        for level in self.pyramid:
            x = level(x)
            features.append(x)
        return features

    def decode(self, features_a: Sequence[Tensor], features_b: Sequence[Tensor]) -> Tensor:
        """Flow from a to b (B, 2, H/4, W/4) in cells, of the features of levels 0 … 4."""
        return self.decode_levels(features_a, features_b)[-1]

    def decode_levels(
        self,
        features_a: Sequence[Tensor],
        features_b: Sequence[Tensor],
        keep: Tensor | None = None,
    ) -> list[Tensor]:
        """Flow from a to b at each level, see :meth:`flows`; ``keep`` is (5, B) here, too."""
        flow = context = None
        flows = []
        for step, level in enumerate(DECODED_LEVELS):
            a, b = features_a[level], features_b[level]
            known = []
            if flow is not None:
                context = self.context_upsamplers[str(level)](context)
                flow = 2 * F.interpolate(flow, scale_factor=2, mode='bilinear')
                b = warp_features(b, flow)
                known = [context, flow]
            matched = normalise_features(a, b) if self.normalise_costs else (a, b)
            costs = cost_volume(*matched, self.max_displacement[level])
            costs = F.leaky_relu(costs, NEGATIVE_SLOPE, inplace=True)
            context, residual = self.decoders[str(level)](torch.cat([*known, costs, a], dim=1))
            if keep is not None:
                kept = keep[step, :, None, None, None]
                context, residual = context * kept, residual * kept
            flow = residual if flow is None else flow + residual
            flows.append(flow)
        if self.refinement is not None:
            refined = self.refinement(torch.cat([context, flow], dim=1))
            flow = flow + (refined if keep is None else refined * keep[-1, :, None, None, None])
        return [*flows, flow]


def warp_features(features: Tensor, flow: Tensor) -> Tensor:
    """Features of the other frame where the flow leads, zero where it leaves that frame.

    Zeros as in UFlow and as in the cost volume; :func:`poodle_mm.geometry.warp.sample_bilinear`
    would repeat the border.

    Args:
        features: (B, C, h, w) of frame b.
        flow: (B, 2, h, w) from a to b, in cells.

    Returns:
        (B, C, h, w) on the grid of frame a; bilinear.
    """
    size = flow.shape[-2:]
    points = pixel_grid(size, flow.device, flow.dtype) + flow.movedim(1, -1)
    grid = normalise_points(points, size)
    return F.grid_sample(features, grid, 'bilinear', 'zeros', align_corners=False)


def _conv(
    in_channels: int,
    out_channels: int,
    stride: int = 1,
    dilation: int = 1,
    separable: bool = False,
) -> nn.Module:
    spatial = dict(stride=stride, padding=dilation, dilation=dilation)
    if separable and in_channels > 3:
        convs = [
            nn.Conv2d(in_channels, in_channels, 3, groups=in_channels, **spatial),
            nn.Conv2d(in_channels, out_channels, 1),
        ]
    else:
        convs = [nn.Conv2d(in_channels, out_channels, 3, **spatial)]
    return nn.Sequential(*convs, nn.LeakyReLU(NEGATIVE_SLOPE, inplace=True))


def _per_level(key: str, value: Any, levels: Sequence[int]) -> dict[int, Any]:
    """Level to value, of one value for all or one each."""
    values = [value] * len(levels) if isinstance(value, int) else list(value)
    if len(values) != len(levels):
        raise ValueError(
            f'UFlowNetwork: {key} needs one value, or {len(levels)} for the levels '
            f'{levels[0]} to {levels[-1]}, got {value}'
        )
    return dict(zip(levels, values))
