"""Transforms of a pair or a clip of frames."""

from poodle_mm.datasets.transforms.block_masks import BlockMasks
from poodle_mm.datasets.transforms.clip_views import ClipViews
from poodle_mm.datasets.transforms.crop import PairRandomCrop
from poodle_mm.datasets.transforms.crop_box import RandomResizedCropBox
from poodle_mm.datasets.transforms.flow import LoadCachedFlow
from poodle_mm.datasets.transforms.image_views import ImageViews
from poodle_mm.datasets.transforms.pack import PackFrameClip, PackFramePair

__all__ = [
    'BlockMasks',
    'ClipViews',
    'ImageViews',
    'LoadCachedFlow',
    'PackFrameClip',
    'PackFramePair',
    'PairRandomCrop',
    'RandomResizedCropBox',
]
