"""MAE: mmpretrain's class, with masks from the samples' seeds and a health statistic."""

from collections.abc import Sequence

import torch
from mmengine.structures import BaseDataElement
from mmpretrain.models.selfsup import MAE as MMPretrainMAE
from torch import Tensor

from poodle_mm.models.backbones.seeded_mae_vit import patch_ranks
from poodle_mm.registry import MODELS


@MODELS.register_module()
class MAE(MMPretrainMAE):
    """Masked autoencoder on single frames (https://arxiv.org/abs/2111.06377).

    ``mmpretrain.MAE`` with an encoder of type :class:`SeededMAEViT`. It also returns
    ``explained_variance`` of the masked patches: 1 for a perfect reconstruction, 0 for one no
    better than the mean patch.

    Args:
        **kwargs: Arguments of ``mmpretrain.MAE``.
    """

    def loss(
        self, inputs: Tensor, data_samples: Sequence[BaseDataElement], **kwargs
    ) -> dict[str, Tensor]:
        """Loss of the reconstruction.

        Args:
            inputs: (B, 3, H, W) normalised frames.
            data_samples: B samples with ``seed``.
        """
        ranks = patch_ranks(data_samples, self.backbone.num_patches)
        latent, mask, places = self.backbone(inputs, ranks.to(inputs.device, non_blocking=True))
        prediction = self.neck(latent, places)
        with torch.no_grad():
            target = self.head.construct_target(inputs)
            explained = explained_variance(prediction, target, mask)
        return dict(loss=self.head.loss(prediction, inputs, mask), explained_variance=explained)


def explained_variance(prediction: Tensor, target: Tensor, mask: Tensor) -> Tensor:
    """``1 - |p - t|^2 / |t - mean(t)|^2`` over masked patches, the mean being their mean patch.

    Args:
        prediction, target: (B, L, D).
        mask: (B, L), 1 for the patches that count.

    Returns:
        Scalar, at most 1.
    """
    prediction, target, weights = prediction.float(), target.float(), mask.float()[..., None]
    mean = (target * weights).sum(dim=(0, 1)) / weights.sum()
    error, spread = (((x - target) ** 2 * weights).sum() for x in (prediction, mean))
    return 1 - error / spread
