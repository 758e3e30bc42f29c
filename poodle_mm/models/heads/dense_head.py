"""Dense head: flow equivariance of feature maps (PooDLe §3, Eq. 1)."""

import torch.utils.checkpoint as cp
from mmengine.model import BaseModule
from torch import Tensor

from poodle_mm.geometry.affine import invert_affine, scale_affine, warp_affine
from poodle_mm.geometry.equivariance import flow_equivariance_loss
from poodle_mm.models.heads.projection import collapse_std, projection_mlp, sample_cells
from poodle_mm.registry import MODELS


@MODELS.register_module()
class DenseFlowHead(BaseModule):
    """Projector, predictor and loss of the dense objective.

    The predictor runs on the feature grid; un-warping by the affine, upsampling to the crop and
    warping by the flow are ONE bilinear look-up per map. The paper chains these interpolations:
    close, not the same. (The released code predicts on the feature grid, too, and chains the rest.)

    Args:
        in_channels: Channels of the dense map.
        hidden_channels, out_channels: Widths of projector and predictor.
        norm_cfg: Norm inside both.
        with_cp: Activation checkpointing of projector and predictor.
        loss_weight: Weight of ``loss_dense``, which sums both directions.
        unwarp_first: Undo the affine on the feature grid, before the predictor: the literal order
            of Eq. 1, q(A^-1 p), with one interpolation more.
        mean_over: See :func:`~poodle_mm.geometry.equivariance.flow_equivariance_loss`.
        hidden_bias, out_bias: See :func:`~poodle_mm.models.heads.projection.projection_mlp`.
        blocked: False computes the loss by upsampling both maps to every pixel, which takes twenty
            times the time and memory and gives the same number: to compare with.
    """

    def __init__(
        self,
        in_channels: int = 2048,
        hidden_channels: int = 4096,
        out_channels: int = 256,
        norm_cfg: dict | None = None,
        with_cp: bool = False,
        loss_weight: float = 1.0,
        blocked: bool = True,
        unwarp_first: bool = False,
        mean_over: str = 'valid',
        hidden_bias: bool = True,
        out_bias: bool = True,
        init_cfg: dict | list | None = None,
    ) -> None:
        super().__init__(init_cfg)
        widths, options = (hidden_channels, out_channels), (True, norm_cfg, hidden_bias, out_bias)
        self.projector = projection_mlp(in_channels, *widths, *options)
        self.predictor = projection_mlp(out_channels, *widths, *options)
        self.unwarp_first = unwarp_first
        self.mean_over = mean_over
        self.with_cp = with_cp
        self.loss_weight = loss_weight
        self.blocked = blocked
        self.of_pairs: dict[str, Tensor] = {}  # the last step's, (B,) each

    def predict(self, feats: Tensor, affine: Tensor | None = None, stride: int = 1) -> Tensor:
        """Online path: (N, C, h, w) dense map to (N, out_channels, h, w) predictions.

        Args:
            feats: Dense maps of the views.
            affine: (N, 2, 3) crop pixel to view pixel; needed with ``unwarp_first``.
            stride: Pixels per cell.
        """

        def passes(x: Tensor) -> Tensor:
            return self.predictor(self.unwarp(self.projector(x), affine, stride))

        if self.with_cp and feats.requires_grad:
            return cp.checkpoint(passes, feats, use_reentrant=False)
        return passes(feats)

    def unwarp(self, maps: Tensor, affine: Tensor | None, stride: int) -> Tensor:
        """Maps of views on the grid of their crops with ``unwarp_first``, else as they are."""
        if not self.unwarp_first or affine is None:
            return maps
        return warp_affine(maps, invert_affine(scale_affine(affine, stride)))

    def loss(
        self, predictions: Tensor, targets: Tensor, affine: Tensor, flow: Tensor, visible: Tensor
    ) -> dict[str, Tensor]:
        """Symmetrised loss of a batch of pairs: the sum of both directions.

        Args:
            predictions: (2, B, C, h, w) online predictions on the views of frames t and t+Δ.
            targets: (2, B, C, h, w) target projections of the same views, without gradient.
            affine: (2, B, 2, 3) crop pixel to view pixel.
            flow: (2, B, 2, H, W) ``[0]`` t to t+Δ, ``[1]`` t+Δ to t, pixels of the crop.
            visible: (2, B, H, W) bool, the pixel is seen in the other frame.
        """
        height, width = flow.shape[-2:]
        cells_h, cells_w = predictions.shape[-2:]
        if height % cells_h or width % cells_w or height // cells_h != width // cells_w:
            raise ValueError(
                f'a crop of {height}x{width} pixels does not divide into a {cells_h}x{cells_w} '
                "feature map: use crops that are multiples of the encoder's stride"
            )
        result = flow_equivariance_loss(
            predictions.flatten(0, 1),
            targets.flip(0).flatten(0, 1),
            affine.flatten(0, 1),
            affine.flip(0).flatten(0, 1),
            flow.flatten(0, 1),
            visible.flatten(0, 1),
            stride=height // cells_h,
            blocked=self.blocked,
            unwarped=self.unwarp_first,
            mean_over=self.mean_over,
        )
        self.of_pairs = dict(
            loss_dense=self.loss_weight * result.samples.unflatten(0, (2, -1)).sum(0),
            valid_share=result.valid_share.unflatten(0, (2, -1)).mean(0),
        )
        return dict(
            # The mean over the 2B (pair, direction) samples, times 2, sums the two directions.
            loss_dense=2 * self.loss_weight * result.loss,
            valid_share=result.valid_share.mean(),
            std_dense=map_spread(targets),
        )


def map_spread(maps: Tensor) -> Tensor:
    """:func:`~poodle_mm.models.heads.projection.collapse_std` of (2, B, C, h, w) maps."""
    return collapse_std(sample_cells(maps))
