"""Projector and predictor: the 2-layer perceptrons of BYOL (PooDLe appendix A)."""

import torch
from mmcv.cnn import build_norm_layer
from torch import Tensor, nn


def projection_mlp(
    in_channels: int,
    hidden_channels: int = 4096,
    out_channels: int = 256,
    conv: bool = False,
    norm_cfg: dict | None = None,
    hidden_bias: bool = True,
    out_bias: bool = True,
) -> nn.Sequential:
    """Two layers with batch norm and ReLU between, as in BYOL.

    Args:
        in_channels: Channels of the input.
        hidden_channels: Width of the hidden layer.
        out_channels: Channels of the output.
        conv: 1x1 convolutions over (N, C, h, w) instead of linear layers over (N, C).
        norm_cfg: OpenMMLab norm config; default batch norm of the matching dimension.
        hidden_bias: Bias of the first layer.
        out_bias: Bias of the second layer (released code; BYOL has none).
    """
    norm_cfg = norm_cfg or dict(type='BN' if conv else 'BN1d')
    if conv:
        first = nn.Conv2d(in_channels, hidden_channels, 1, bias=hidden_bias)
        second = nn.Conv2d(hidden_channels, out_channels, 1, bias=out_bias)
    else:
        first = nn.Linear(in_channels, hidden_channels, bias=hidden_bias)
        second = nn.Linear(hidden_channels, out_channels, bias=out_bias)
    norm = build_norm_layer(norm_cfg, hidden_channels)[1]
    return nn.Sequential(first, norm, nn.ReLU(inplace=True), second)


@torch.no_grad()
def collapse_std(projections: Tensor) -> Tensor:
    """Spread of L2-normalised projections: about 1 when healthy, 0 when collapsed.

    The standard deviation over the samples, averaged over channels and times sqrt(C): vectors
    spread evenly over the sphere give 1 (SimSiam's statistic).

    Args:
        projections: (N, C) float.
    """
    normed = nn.functional.normalize(projections.detach().float(), dim=1)
    return normed.std(dim=0, unbiased=False).mean() * normed.shape[1] ** 0.5


def sample_cells(maps: Tensor, cells: int = 64) -> Tensor:
    """(2, B, C, h, w) maps to (N, C) vectors: about ``cells`` evenly spaced cells of each map."""
    vectors = maps.flatten(3).permute(0, 1, 3, 2)
    index = torch.linspace(0, vectors.shape[2] - 1, min(cells, vectors.shape[2])).long()
    return vectors[:, :, index.to(maps.device, non_blocking=True)].flatten(0, 2)
