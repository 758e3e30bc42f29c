"""Dense head whose targets are standardised over the batch."""

from torch import Tensor, nn

from poodle_mm.models.heads.dense_head import DenseFlowHead, map_spread
from poodle_mm.registry import MODELS


@MODELS.register_module()
class StandardisedDenseHead(DenseFlowHead):
    """``DenseFlowHead`` that takes away what the target's projections of all places share.

    Each channel of the target's projections gets mean 0 and variance 1 over the batch and all
    places (batch norm without weights or running statistics) before they are compared, so that a
    constant is no solution. Not the paper's: a remedy for the collapse of its appendix G.

    ``std_dense`` remains the spread of the projections as they are.

    Args:
        out_channels: Width of the projections.
        **kwargs: Arguments of ``DenseFlowHead``.
    """

    def __init__(self, *, out_channels: int = 256, **kwargs) -> None:
        super().__init__(out_channels=out_channels, **kwargs)
        self.standardise = nn.BatchNorm2d(out_channels, affine=False, track_running_stats=False)

    def loss(
        self, predictions: Tensor, targets: Tensor, affine: Tensor, flow: Tensor, visible: Tensor
    ) -> dict[str, Tensor]:
        """:meth:`DenseFlowHead.loss` with standardised targets."""
        standard = self.standardise(targets.detach().flatten(0, 1)).view_as(targets)
        losses = super().loss(predictions, standard, affine, flow, visible)
        return losses | dict(std_dense=map_spread(targets))
