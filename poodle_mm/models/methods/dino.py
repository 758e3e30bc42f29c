"""DINO: self-distillation between views of several sizes."""

import torch
from torch import Tensor

from poodle_mm.geometry.self_distillation import multi_crop_loss, teacher_probabilities
from poodle_mm.models.methods.self_distillation import SelfDistillation, encode_views
from poodle_mm.registry import MODELS


@MODELS.register_module()
class DINO(SelfDistillation):
    """`Emerging Properties in Self-Supervised Vision Transformers
    <https://arxiv.org/abs/2104.14294>`_.

    The student tells from each view, also a small one, what the teacher says of the global views.
    A ViT's class token is its last output with ``out_type='cls_token'``; a ResNet's map is
    averaged. Arguments are those of
    :class:`~poodle_mm.models.methods.self_distillation.SelfDistillation`.
    """

    def loss(self, views: list[Tensor], samples: list | None = None) -> dict[str, Tensor]:
        """Loss of a batch and statistics of its outputs; moves the centre.

        Args:
            views: (N, 3, H, W) each, normalised; the global ones first.
            samples: Not used.
        """
        logits = self.head(encode_views(self.backbone, views))
        with torch.no_grad():
            seen = views[: self.global_views]
            outputs = self.teacher['head'](encode_views(self.teacher['backbone'], seen))
        targets = teacher_probabilities(outputs, self.centre.value, self.teacher_temperature)
        loss = multi_crop_loss(targets, logits, self.temperature)
        self.centre.update(outputs)
        return dict(loss=loss, **self.statistics(targets, logits[: self.global_views]))
