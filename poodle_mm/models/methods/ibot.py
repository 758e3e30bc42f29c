"""iBOT: DINO, and the teacher's view of patches that are masked for the student."""

import torch
from torch import Tensor

from poodle_mm.geometry.self_distillation import (
    information,
    masked_patch_loss,
    multi_crop_loss,
    teacher_probabilities,
)
from poodle_mm.models.heads.centre import Centre
from poodle_mm.models.methods.self_distillation import SelfDistillation, encode_views
from poodle_mm.registry import MODELS

_LOGGED_PATCHES = 256


@MODELS.register_module()
class IBOT(SelfDistillation):
    """`Image BERT Pre-Training with Online Tokenizer <https://arxiv.org/abs/2111.07832>`_.

    Class and patch tokens share the head. The encoder is our ``VisionTransformer`` with
    ``use_mask_token=True`` and ``out_type='cls_token'``; ``BlockMasks`` draws the masks.

    Args:
        patch_weight: Weight of the loss on masked patches.
        **kwargs: Arguments of
            :class:`~poodle_mm.models.methods.self_distillation.SelfDistillation`.

    Raises:
        ValueError: If the encoder has no mask token.
    """

    def __init__(self, *, patch_weight: float = 1.0, **kwargs) -> None:
        super().__init__(**kwargs)
        if getattr(self.backbone, 'mask_token', None) is None:
            raise ValueError(
                "IBOT masks patches: its backbone is dict(type='VisionTransformer', "
                'use_mask_token=True, ...)'
            )
        self.patch_weight = patch_weight
        self.patch_centre = Centre(self.head.out_channels, self.centre.momentum)

    def loss(self, views: list[Tensor], samples: list) -> dict[str, Tensor]:
        """Losses of a batch and statistics of its outputs; moves the centres.

        Args:
            views: (N, 3, H, W) each, normalised; the global ones first, all of one size.
            samples: N data samples whose ``mask`` is (global views, h, w) bool.

        Raises:
            ValueError: If a sample has no mask for each global view, or one that does not fit.
        """
        if any('mask' not in s or len(s.mask) != self.global_views for s in samples):
            raise ValueError(
                'a sample has no mask for each of the global views: put BlockMasks('
                f"views={self.global_views}, ...) after ImageViews, and give PackInputs 'mask' in "
                'algorithm_keys (configs/_base_/datasets/ibot_views_224.py)'
            )
        images = torch.cat(views[: self.global_views])
        mask = torch.stack([sample.mask for sample in samples], dim=1).flatten(0, 1)
        split = (self.global_views, -1)

        token, patches = self.backbone.tokens(images, mask)
        tokens = token.unflatten(0, split)
        if local := views[self.global_views :]:
            tokens = torch.cat([tokens, encode_views(self.backbone, local)])
        logits, patch_logits = self.head(tokens), self.head(_vectors(patches)[mask])
        with torch.no_grad():
            token, patches = self.teacher['backbone'].tokens(images)
            outputs = self.teacher['head'](token.unflatten(0, split))
            patch_outputs = self.teacher['head'](_vectors(patches))

        temperature = self.teacher_temperature
        targets = teacher_probabilities(outputs, self.centre.value, temperature)
        patch_centre = self.patch_centre.value
        patch_targets = teacher_probabilities(patch_outputs[mask], patch_centre, temperature)
        losses = dict(
            loss_class=multi_crop_loss(targets, logits, self.temperature),
            loss_patch=self.patch_weight
            * masked_patch_loss(patch_targets, patch_logits, mask, self.temperature),
            masked_share=mask.float().mean(),
            information_patch=information(
                teacher_probabilities(_some(patch_outputs), patch_centre, temperature)
            ),
        )
        self.centre.update(outputs)
        self.patch_centre.update(patch_outputs)
        return losses | self.statistics(targets, logits[: self.global_views])


def _vectors(patches: Tensor) -> Tensor:
    """(N, C, h, w) to (N, h, w, C)."""
    return patches.permute(0, 2, 3, 1)


def _some(outputs: Tensor) -> Tensor:
    """Evenly spaced ones of (N, h, w, K) outputs, for a statistic."""
    flat = outputs.flatten(0, 2)
    return flat[:: -(-len(flat) // _LOGGED_PATCHES)]
