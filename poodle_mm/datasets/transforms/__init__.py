"""Transforms of a pair of frames."""

from .crop import PairRandomCrop
from .flow import LoadCachedFlow, LoadSceneFlow
from .pack import PackFramePair

__all__ = ['LoadCachedFlow', 'LoadSceneFlow', 'PackFramePair', 'PairRandomCrop']
