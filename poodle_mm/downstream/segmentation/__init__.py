"""Semantic segmentation on frozen features, with MMSegmentation."""

from poodle_mm.downstream.segmentation.cached_dataset import CachedConcatDataset
from poodle_mm.downstream.segmentation.camvid import CamVidDataset
from poodle_mm.downstream.segmentation.class_group_metric import ClassGroupIoUMetric
from poodle_mm.downstream.segmentation.frozen_features_hook import FrozenFeaturesHook
from poodle_mm.downstream.segmentation.frozen_segmentor import FrozenEncoderDecoder
from poodle_mm.downstream.segmentation.linear_head import LinearHead
from poodle_mm.downstream.segmentation.linear_readout import (
    linear_readout,
    linear_readout_config,
    training_labels,
)

__all__ = [
    'CachedConcatDataset',
    'CamVidDataset',
    'ClassGroupIoUMetric',
    'FrozenEncoderDecoder',
    'FrozenFeaturesHook',
    'LinearHead',
    'linear_readout',
    'linear_readout_config',
    'training_labels',
]
