"""Masks of blocks of patches, as iBOT draws them."""

from collections.abc import Sequence

import numpy as np
import torch
from mmcv.transforms import BaseTransform

from poodle_mm.datasets.transforms.image_views import seeded
from poodle_mm.registry import TRANSFORMS


@TRANSFORMS.register_module()
class BlockMasks(BaseTransform):
    """Draw a mask of patches for each global view (iBOT §3.3; BEiT's blocks).

    Each view draws one of the ratios, a share of the patches around it, and blocks that cover just
    this share, from the sample's seed alone.

    Required keys: ``seed``. Added: ``mask``, bool tensor (views, h, w); True is masked. Goes
    between ``ImageViews`` and ``mmpretrain.PackInputs``, whose ``algorithm_keys`` name it.

    Args:
        size: (h, w) of the patch map: pixels of a view by pixels of a patch.
        views: Global views.
        ratios: (ratio, variance) each; the share is uniform in ratio ± variance.
        min_patches: Patches of the smallest block.

    Raises:
        ValueError: If a share would leave [0, 1).
    """

    def __init__(
        self,
        size: tuple[int, int],
        views: int = 2,
        ratios: Sequence[tuple[float, float]] = ((0.0, 0.0), (0.3, 0.2)),
        min_patches: int = 16,
    ) -> None:
        if not all(ratio - v >= 0 and ratio + v < 1 for ratio, v in ratios):
            raise ValueError(f'ratio ± variance of BlockMasks must lie in [0, 1), got {ratios}')
        self.size = tuple(size)
        self.views = views
        self.ratios = ratios
        self.min_patches = min_patches

    def transform(self, results: dict) -> dict:
        """Add the masks of one sample."""
        rng = np.random.default_rng([results['seed'], 1])  # [seed] alone is the views'
        with seeded(int(rng.integers(2**63))):
            masks = [self._draw(rng) for _ in range(self.views)]
        results['mask'] = torch.from_numpy(np.stack(masks))
        return results

    def _draw(self, rng: np.random.Generator) -> np.ndarray:
        ratio, variance = self.ratios[rng.integers(len(self.ratios))]
        share = rng.uniform(ratio - variance, ratio + variance)
        number = int(share * self.size[0] * self.size[1])
        # here, as the import takes seconds that readers of video need not wait
        from mmpretrain.datasets.transforms import BEiTMaskGenerator

        # mmpretrain's never masks the last row and column: one more of each, which are cut off
        height, width = self.size
        blocks = BEiTMaskGenerator(
            (height + 1, width + 1), number, min_num_patches=self.min_patches
        )
        return blocks.transform({})['mask'][:height, :width].astype(bool)

    def __repr__(self) -> str:
        return (
            f'{type(self).__name__}(size={self.size}, views={self.views}, ratios={self.ratios}, '
            f'min_patches={self.min_patches})'
        )
