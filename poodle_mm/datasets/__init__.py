"""From files to pairs of frames: runs in the data loader's workers, decodes, crops, resizes."""

from poodle_mm.datasets.collate import frame_pair_collate
from poodle_mm.datasets.frame_pair_dataset import FramePairDataset
from poodle_mm.datasets.frame_pair_sample import FramePairSample
from poodle_mm.datasets.mixed_dataset import MixedPairDataset
from poodle_mm.datasets.sampler import PairSampler
from poodle_mm.datasets.transforms import (
    BlockMasks,
    ImageViews,
    LoadCachedFlow,
    PackFramePair,
    PairRandomCrop,
)
from poodle_mm.datasets.video.reader import FrameReadError, VideoReader

__all__ = [
    'BlockMasks',
    'FramePairDataset',
    'FramePairSample',
    'FrameReadError',
    'ImageViews',
    'LoadCachedFlow',
    'MixedPairDataset',
    'PackFramePair',
    'PairRandomCrop',
    'PairSampler',
    'VideoReader',
    'frame_pair_collate',
]
