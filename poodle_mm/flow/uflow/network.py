"""UFlow's network: a PWC-Net with fewer layers and normalised features.

Facts from "What Matters in Unsupervised Optical Flow" (Jonschkowski et al., 2020) and the settings
of its released code. Pyramid level l (0 to 4) has stride ``2 ** (l + 1)``: level 0 is at 1/2,
level 4 at 1/32 of the image. Flow is decoded at levels 4, 3, 2 and 1, so that it comes out at 1/4;
level 0 is only a step to level 1.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from poodle_mm.geometry.cost_volume import cost_volume, normalise_features
from poodle_mm.geometry.warp import normalise_points, pixel_grid

NUM_LEVELS = 5
DECODED_LEVELS = (4, 3, 2, 1)  # coarse to fine
IMAGE_STRIDE = 2**NUM_LEVELS  # images must have sides that are multiples of it

CHANNELS = 32  # of features and of context
MAX_DISPLACEMENT = 4
COSTS = (2 * MAX_DISPLACEMENT + 1) ** 2
NEGATIVE_SLOPE = 0.1
DECODER_CHANNELS = (128, 128, 96, 64, CHANNELS)
REFINEMENT = ((128, 1), (128, 2), (128, 4), (96, 8), (64, 16), (32, 1))  # channels, dilation


class FlowDecoder(nn.Module):
    """Densely connected 3 x 3 convolutions of one level, then its flow.

    Args:
        in_channels: Channels of everything that the level knows, concatenated.
    """

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.convs = nn.ModuleList()
        for out_channels in DECODER_CHANNELS:
            self.convs.append(_conv(in_channels, out_channels))
            in_channels += out_channels
        self.head = nn.Conv2d(DECODER_CHANNELS[-1], 2, 3, padding=1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """``(context (B, 32, h, w), flow (B, 2, h, w))`` of inputs (B, in_channels, h, w)."""
        for conv in self.convs:
            context = conv(x)
            x = torch.cat([x, context], dim=1)
        return context, self.head(context)


class UFlowNetwork(nn.Module):
    """Flow at a quarter of the images' size; 5.7 M parameters.

    At each level the features of the second frame are warped by the flow found so far, and a
    decoder, a different one per level, adds what is still missing. A network of dilated
    convolutions refines the flow of the last level.

    UFlow's level dropout belongs to training and is not in here: the outputs of a member of
    ``decoders`` (context and flow together) or of ``refinement`` can be zeroed by a forward hook.

    Convolutions start from Glorot's uniform distribution with biases of zero, as UFlow's do.
    """

    def __init__(self) -> None:
        super().__init__()
        self.pyramid = nn.ModuleList(
            nn.Sequential(
                _conv(CHANNELS if level else 3, CHANNELS, stride=2),
                _conv(CHANNELS, CHANNELS),
                _conv(CHANNELS, CHANNELS),
            )
            for level in range(NUM_LEVELS)
        )
        coarsest, *finer = DECODED_LEVELS
        self.decoders = nn.ModuleDict({str(coarsest): FlowDecoder(COSTS + CHANNELS)})
        self.context_upsamplers = nn.ModuleDict()  # each to the level that names it
        for level in finer:
            self.decoders[str(level)] = FlowDecoder(CHANNELS + 2 + COSTS + CHANNELS)
            self.context_upsamplers[str(level)] = nn.ConvTranspose2d(
                CHANNELS, CHANNELS, 4, stride=2, padding=1
            )
        layers, in_channels = [], CHANNELS + 2
        for out_channels, dilation in REFINEMENT:
            layers.append(_conv(in_channels, out_channels, dilation=dilation))
            in_channels = out_channels
        self.refinement = nn.Sequential(*layers, nn.Conv2d(in_channels, 2, 3, padding=1))
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
        features = self.encode(torch.cat([a, b]))
        partners = [x.roll(len(a), dims=0) for x in features]
        flow_ab, flow_ba = self.decode(features, partners).chunk(2)
        return flow_ab, flow_ba

    def encode(self, images: Tensor) -> list[Tensor]:
        """Features (B, 32, H / 2 ** (l + 1), W / 2 ** (l + 1)) of levels l = 0 … 4."""
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
        flow = context = None
        for level in DECODED_LEVELS:
            a, b = features_a[level], features_b[level]
            known = []
            if flow is not None:
                context = self.context_upsamplers[str(level)](context)
                flow = 2 * F.interpolate(flow, scale_factor=2, mode='bilinear')
                b = warp_features(b, flow)
                known = [context, flow]
            costs = cost_volume(*normalise_features(a, b), MAX_DISPLACEMENT)
            costs = F.leaky_relu(costs, NEGATIVE_SLOPE)
            context, residual = self.decoders[str(level)](torch.cat([*known, costs, a], dim=1))
            flow = residual if flow is None else flow + residual
        return flow + self.refinement(torch.cat([context, flow], dim=1))


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


def _conv(in_channels: int, out_channels: int, stride: int = 1, dilation: int = 1) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 3, stride, padding=dilation, dilation=dilation),
        nn.LeakyReLU(NEGATIVE_SLOPE),
    )
