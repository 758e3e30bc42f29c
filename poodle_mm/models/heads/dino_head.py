"""Head of DINO and iBOT: a perceptron, a bottleneck on the sphere, and prototypes."""

from itertools import pairwise

import torch.nn.functional as F
from mmengine.model import BaseModule
from mmengine.model.weight_init import trunc_normal_
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

from poodle_mm.registry import MODELS


@MODELS.register_module()
class DINOHead(BaseModule):
    """Features to logits over prototypes (DINO, appendix C).

    ``num_layers`` linear layers with GELU between, L2 normalisation, and a weight-normalised layer
    without bias. With unit magnitudes the logits are cosines.

    Args:
        in_channels: Channels of the features.
        out_channels: Prototypes, K (DINO: 65536; iBOT: 8192).
        hid_channels: Width of the perceptron.
        bottleneck_channels: Its outputs.
        num_layers: Its linear layers, at least 1.
        norm_last_layer: Fix the magnitudes of the prototypes at 1. False trains them, which DINO
            and iBOT do for the small ViT only.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int = 65536,
        hid_channels: int = 2048,
        bottleneck_channels: int = 256,
        num_layers: int = 3,
        norm_last_layer: bool = True,
        init_cfg: dict | list | None = None,
    ) -> None:
        super().__init__(init_cfg)
        if num_layers < 1:
            raise ValueError(f'num_layers of DINOHead must be at least 1, got {num_layers}')
        widths = [in_channels, *[hid_channels] * (num_layers - 1), bottleneck_channels]
        layers: list[nn.Module] = []
        for before, after in pairwise(widths):
            layers += [nn.Linear(before, after), nn.GELU()]
        self.mlp = nn.Sequential(*layers[:-1])
        self.last_layer = weight_norm(nn.Linear(bottleneck_channels, out_channels, bias=False))
        magnitude = self.last_layer.parametrizations.weight.original0
        nn.init.ones_(magnitude)
        magnitude.requires_grad_(not norm_last_layer)
        self.out_channels = out_channels

    def init_weights(self) -> None:
        """Draw the perceptron's weights (normal, 0.02); the prototypes keep torch's."""
        super().init_weights()
        for layer in self.mlp:
            if isinstance(layer, nn.Linear):
                trunc_normal_(layer.weight, std=0.02)
                nn.init.zeros_(layer.bias)

    def forward(self, feats: Tensor) -> Tensor:
        """(..., in_channels) features to (..., out_channels) logits."""
        return self.last_layer(F.normalize(self.mlp(feats), dim=-1))
