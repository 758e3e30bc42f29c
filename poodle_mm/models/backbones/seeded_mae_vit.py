"""mmpretrain's MAE encoder with masks that come from the samples."""

from collections.abc import Sequence

import torch
from mmengine.structures import BaseDataElement
from mmpretrain.models.selfsup import MAEViT
from torch import Tensor

from poodle_mm.registry import MODELS


@MODELS.register_module()
class SeededMAEViT(MAEViT):
    """``mmpretrain.MAEViT`` whose masks may be drawn from the seeds of the samples.

    mmpretrain draws them from the global generator of the device. Here a frame's mask depends on
    its own seed, as everything random does, so that a resumed run continues exactly.

    Args:
        **kwargs: Arguments of ``mmpretrain.MAEViT``.
    """

    def forward(self, x: Tensor, mask: bool | Tensor | None = True):
        """As mmpretrain's.

        Args:
            x: (B, 3, H, W) normalised images.
            mask: None: no masking, maps; True: masks of mmpretrain's; or the patches' ranks by
                which they are masked, (B, L) float of :func:`patch_ranks`, the smallest are kept.
        """
        self._ranks = mask if isinstance(mask, Tensor) else None
        return super().forward(x, None if mask is None else True)

    def random_masking(self, x: Tensor, mask_ratio: float = 0.75) -> tuple[Tensor, Tensor, Tensor]:
        """Keep the patches of the smallest ranks.

        Args:
            x: (B, L, C) patch tokens.
            mask_ratio: Share of the patches that is dropped.

        Returns:
            Tokens kept (B, K, C), in the order of their ranks; the mask (B, L) float, 1 where a
            patch was dropped; and for each patch its place in that order, (B, L) int64.
        """
        if self._ranks is None:
            return super().random_masking(x, mask_ratio)
        kept = int(x.shape[1] * (1 - mask_ratio))
        order = self._ranks.argsort(dim=1)
        places = order.argsort(dim=1)
        tokens = x.gather(1, order[:, :kept, None].expand(-1, -1, x.shape[2]))
        return tokens, (places >= kept).to(x.dtype), places


def patch_ranks(samples: Sequence[BaseDataElement], patches: int) -> Tensor:
    """Uniform numbers for the patches of each sample, from its ``seed``.

    Args:
        samples: B with ``seed``.
        patches: L.

    Returns:
        (B, L) float32 on the CPU.

    Raises:
        ValueError: If a sample has no seed.
    """
    if any('seed' not in sample for sample in samples):
        raise ValueError(
            'a sample has no seed, from which its mask is drawn: give PackInputs '
            "meta_keys=('seed', ...) (configs/_base_/datasets/mae_views_224.py)"
        )
    # another stream than that of the views, which seed numpy's generator with the same number
    generators = [torch.Generator().manual_seed(sample.seed ^ 1) for sample in samples]
    return torch.stack([torch.rand(patches, generator=g) for g in generators])
