"""PooDLe: pooled and dense self-supervised learning from naturalistic videos, for OpenMMLab.

    encoder = poodle_mm.apis.pretrain('videos/', 'work_dirs/mine')     # import poodle_mm.apis
    encoder = poodle_mm.apis.load_encoder('work_dirs/mine/iter_50000.pth')
    maps = poodle_mm.apis.dense_features(encoder, ['a.jpg', 'b.jpg'])  # (C, H / 8, W / 8) each

In a shell, ``poodle-mm --help`` (or ``python -m poodle_mm --help``) lists the commands.
"""

from poodle_mm.version import __version__

__all__ = ['__version__']
