"""PixPro's head: propagation between the cells of a view, consistency with the other view."""

from mmengine.model import BaseModule
from torch import Tensor, nn

from poodle_mm.geometry.pixel_propagation import mean_positive_cosine, positive_pairs, propagate
from poodle_mm.models.heads.projection import collapse_std, projection_mlp, sample_cells
from poodle_mm.registry import MODELS


@MODELS.register_module()
class PixelPropagationHead(BaseModule):
    """Projector, pixel propagation module and loss of PixPro (§3.2, Eqs. 3 to 6).

    Args:
        in_channels: Channels of the dense map.
        hidden_channels, out_channels: Widths of the projector.
        norm_cfg: Norm inside the projector.
        sharpness: Exponent of the similarities, the paper's gamma.
        positive_ratio: Largest distance of a positive pair, share of a cell's diagonal.
        normalise_values: Give the transformed features g(x) length 1 before they are summed: the
            released code's; the paper's equation has none.
        loss_weight: Weight of ``loss_dense``, minus the mean cosine of both directions, summed. 2
            is the released code's.
    """

    def __init__(
        self,
        in_channels: int = 2048,
        hidden_channels: int = 4096,
        out_channels: int = 256,
        norm_cfg: dict | None = None,
        sharpness: float = 2.0,
        positive_ratio: float = 0.7,
        normalise_values: bool = True,
        loss_weight: float = 2.0,
        init_cfg: dict | list | None = None,
    ) -> None:
        super().__init__(init_cfg)
        if positive_ratio <= 0:
            raise ValueError(f'positive_ratio must be positive, got {positive_ratio}')
        self.projector = projection_mlp(in_channels, hidden_channels, out_channels, True, norm_cfg)
        self.transform = nn.Conv2d(out_channels, out_channels, 1)
        self.sharpness = sharpness
        self.positive_ratio = positive_ratio
        self.normalise_values = normalise_values
        self.loss_weight = loss_weight

    def predict(self, feats: Tensor) -> Tensor:
        """Online path: (B, C, h, w) dense maps to (B, out_channels, h, w) propagated ones."""
        projections = self.projector(feats)
        values = self.transform(projections)
        if self.normalise_values:
            values = nn.functional.normalize(values, dim=1)
        return propagate(projections, values, self.sharpness)

    def loss(self, predictions: Tensor, targets: Tensor, boxes: Tensor) -> dict[str, Tensor]:
        """Minus the mean cosine of the positive pairs, both directions summed.

        It is the mean over an image's pairs, then over the images; one without a pair counts as 0.

        Args:
            predictions: (2, B, C, h, w) online predictions of the two views.
            targets: (2, B, C, h, w) target projections of the same views, without gradient.
            boxes: (2, B, 4) edges of the views in their frames, see
                :func:`~poodle_mm.geometry.pixel_propagation.mirrored_box`.
        """
        targets = targets.detach()
        positive = positive_pairs(*boxes, predictions.shape[-2:], self.positive_ratio)
        back = positive.transpose(1, 2)
        cosines = mean_positive_cosine(predictions[0], targets[1], positive)
        cosines = cosines + mean_positive_cosine(predictions[1], targets[0], back)
        return dict(
            loss_dense=-self.loss_weight * cosines.mean(),
            # cells that have a partner in the other view
            positive_share=(positive.any(2).float().mean() + back.any(2).float().mean()) / 2,
            std_dense=collapse_std(sample_cells(targets)),
        )
