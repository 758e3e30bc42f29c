"""From files to pairs and clips of frames: the loader's workers decode, crop, resize."""

from poodle_mm.datasets.collate import frame_clip_collate, frame_pair_collate
from poodle_mm.datasets.frame_clip_dataset import FrameClipDataset
from poodle_mm.datasets.frame_pair_dataset import FramePairDataset
from poodle_mm.datasets.frame_pair_sample import FrameClipSample, FramePairSample
from poodle_mm.datasets.mixed_dataset import MixedPairDataset
from poodle_mm.datasets.sampler import PairSampler
from poodle_mm.datasets.transforms import (
    BlockMasks,
    ClipViews,
    ImageViews,
    LoadCachedFlow,
    PackFrameClip,
    PackFramePair,
    PairRandomCrop,
    RandomResizedCropBox,
)
from poodle_mm.datasets.video.reader import FrameReadError, VideoReader

__all__ = [
    'BlockMasks',
    'ClipViews',
    'FrameClipDataset',
    'FrameClipSample',
    'FramePairDataset',
    'FramePairSample',
    'FrameReadError',
    'ImageViews',
    'LoadCachedFlow',
    'MixedPairDataset',
    'PackFrameClip',
    'PackFramePair',
    'PairRandomCrop',
    'PairSampler',
    'RandomResizedCropBox',
    'VideoReader',
    'frame_clip_collate',
    'frame_pair_collate',
]
