"""Pooled head: invariance of flow-informed subcrops (PooDLe §3, Eq. 2)."""

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from poodle_mm.models.heads.projection import collapse_std, projection_mlp
from poodle_mm.registry import MODELS


class PooledProjector(nn.Module):
    """Linear perceptron at each location of a map, then the average over space (§3).

    Args:
        mlp: The perceptron.
        pool_first: The average first, then the perceptron: the released code's order.
    """

    def __init__(self, mlp: nn.Module, pool_first: bool = False) -> None:
        super().__init__()
        self.mlp = mlp
        self.pool_first = pool_first

    def forward(self, feats: Tensor) -> Tensor:
        """(N, C, h, w) encoder maps to (N, out_channels) pooled projections."""
        if self.pool_first:
            return self.mlp(feats.mean(dim=(2, 3)))
        vectors = self.mlp(feats.flatten(2).transpose(1, 2).flatten(0, 1))
        return vectors.unflatten(0, (feats.shape[0], -1)).mean(dim=1)


@MODELS.register_module()
class PooledHead(BaseModule):
    """Projector, predictor and loss of the pooled objective.

    Args:
        in_channels: Channels of the encoder's last map.
        hidden_channels, out_channels: Widths of projector and predictor.
        norm_cfg: Norm inside both.
        loss_weight: Weight of ``loss_pool``, which sums both directions.
        pool_first: See :class:`PooledProjector`.
        hidden_bias, out_bias: See :func:`~poodle_mm.models.heads.projection.projection_mlp`.
    """

    def __init__(
        self,
        in_channels: int = 2048,
        hidden_channels: int = 4096,
        out_channels: int = 256,
        norm_cfg: dict | None = None,
        loss_weight: float = 1.0,
        pool_first: bool = False,
        hidden_bias: bool = True,
        out_bias: bool = True,
        init_cfg: dict | list | None = None,
    ) -> None:
        super().__init__(init_cfg)
        widths, options = (hidden_channels, out_channels), (False, norm_cfg, hidden_bias, out_bias)
        self.projector = PooledProjector(projection_mlp(in_channels, *widths, *options), pool_first)
        self.predictor = projection_mlp(out_channels, *widths, *options)
        self.loss_weight = loss_weight
        self.of_subcrops = torch.empty(0)  # losses of the last step's N pairs of subcrops

    def predict(self, feats: Tensor) -> Tensor:
        """Online path: (N, C, h, w) maps of subcrops to (N, out_channels) predictions."""
        return self.predictor(self.projector(feats))

    def loss(self, predictions: Tensor, targets: Tensor) -> dict[str, Tensor]:
        """Symmetrised loss: ``|n(q(p_t)) - n(p_{t+Δ})|^2`` plus the reverse, mean over pairs.

        Args:
            predictions: (2, N, C) online predictions of N = B*K subcrops, [0] of frame t, [1] of
                frame t+Δ.
            targets: (2, N, C) target projections of their partners in the other frame, without
                gradient.
        """
        targets = targets.detach()
        cosine = nn.functional.cosine_similarity(predictions.float(), targets.float(), dim=-1)
        distance = 2 - 2 * cosine
        self.of_subcrops = self.loss_weight * distance.detach().sum(0)
        return dict(
            loss_pool=self.loss_weight * distance.mean(dim=1).sum(),
            std_pool=collapse_std(targets.flatten(0, 1)),
        )
