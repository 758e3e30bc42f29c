"""A random crop of an image that tells where it was cut."""

import mmcv
import numpy as np
from mmcv.transforms import BaseTransform

from poodle_mm.registry import TRANSFORMS


@TRANSFORMS.register_module()
class RandomResizedCropBox(BaseTransform):
    """``mmpretrain.RandomResizedCrop`` that also says which box it cut.

    In a pipeline of :class:`~poodle_mm.datasets.transforms.image_views.ImageViews` with
    ``view_keys=('crop_box', 'flip_direction')``, so that a method knows where a view lies in its
    frame; mmcv's ``RandomFlip`` leaves ``flip_direction``.

    Required keys: ``img``. Modified: ``img``, ``img_shape``. Added: ``crop_box``, whole pixel edges
    (x0, y0, x1, y1) in the image that came in.

    Args:
        **kwargs: Arguments of ``mmpretrain.RandomResizedCrop``.
    """

    def __init__(self, **kwargs) -> None:
        # here, as the import takes seconds that readers of video need not wait
        from mmpretrain.datasets.transforms import RandomResizedCrop

        self.crop = RandomResizedCrop(**kwargs)

    def transform(self, results: dict) -> dict:
        """Crop and resize one image."""
        crop, img = self.crop, results['img']
        top, left, height, width = crop.rand_crop_params(img)
        box = (left, top, left + width, top + height)
        img = mmcv.imcrop(img, np.array(box) - (0, 0, 1, 1))  # mmcv's boxes end at the last pixel
        img = mmcv.imresize(
            img, crop.scale[::-1], interpolation=crop.interpolation, backend=crop.backend
        )
        return dict(results, img=img, img_shape=img.shape, crop_box=box)

    def __repr__(self) -> str:
        return f'{type(self).__name__}({self.crop!r})'
