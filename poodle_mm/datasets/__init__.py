"""From files to pairs of frames: runs in the data loader's workers, decodes, crops, resizes."""

from .collate import frame_pair_collate
from .frame_pair_dataset import FramePairDataset
from .frame_pair_sample import FramePairSample
from .mixed_dataset import MixedPairDataset
from .sampler import PairSampler
from .transforms import (
    ImageViews,
    LoadCachedFlow,
    LoadSceneFlow,
    PackFramePair,
    PairRandomCrop,
)
from .video_reader import FrameReadError, VideoReader

__all__ = [
    'FramePairDataset',
    'FramePairSample',
    'FrameReadError',
    'ImageViews',
    'LoadCachedFlow',
    'LoadSceneFlow',
    'MixedPairDataset',
    'PackFramePair',
    'PairRandomCrop',
    'PairSampler',
    'VideoReader',
    'frame_pair_collate',
]
