"""PooDLe: pooled and dense self-supervised learning from naturalistic videos, for OpenMMLab."""

from poodle_mm.version import __version__

__all__ = ['__version__']
