"""Transforms of a pair of frames."""

from .crop import PairRandomCrop
from .flow import LoadCachedFlow, LoadSceneFlow
from .image_views import ImageViews
from .pack import PackFramePair

__all__ = ['ImageViews', 'LoadCachedFlow', 'LoadSceneFlow', 'PackFramePair', 'PairRandomCrop']
