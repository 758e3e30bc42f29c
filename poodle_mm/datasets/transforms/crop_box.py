"""A random crop of an image that remembers where it was cut."""

import numpy as np
from mmpretrain.datasets.transforms import RandomResizedCrop

from poodle_mm.registry import TRANSFORMS


@TRANSFORMS.register_module()
class RandomResizedCropBox(RandomResizedCrop):
    """``mmpretrain.RandomResizedCrop`` that also says which box it cut.

    In a pipeline of :class:`~poodle_mm.datasets.transforms.image_views.ImageViews` with
    ``view_keys=('crop_box', 'flip_direction')``, so that a method knows where a view lies in its
    frame; mmcv's ``RandomFlip`` leaves ``flip_direction``.

    Required keys: ``img``. Modified: ``img``, ``img_shape``. Added: ``crop_box``, whole pixel edges
    (x0, y0, x1, y1) in the image that came in.

    Args:
        **kwargs: Arguments of ``mmpretrain.RandomResizedCrop``.
    """

    def rand_crop_params(self, img: np.ndarray) -> tuple[int, int, int, int]:
        """Draw (top, left, height, width) of the crop in pixels."""
        self._drawn = super().rand_crop_params(img)
        return self._drawn

    def transform(self, results: dict) -> dict:
        """Crop and resize one image."""
        results = super().transform(results)
        top, left, height, width = self._drawn
        results['crop_box'] = (left, top, left + width, top + height)
        return results
