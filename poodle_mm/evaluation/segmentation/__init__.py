"""Semantic segmentation on frozen features, with MMSegmentation."""

from poodle_mm.evaluation.segmentation.class_group_iou import ClassGroupIoU
from poodle_mm.evaluation.segmentation.configs import set_encoder, set_size, take_stage
from poodle_mm.evaluation.segmentation.datasets import CachedConcatDataset, CamVidDataset
from poodle_mm.evaluation.segmentation.hooks import NumClassesHook, RecalibrateBatchNormHook
from poodle_mm.evaluation.segmentation.labeller import SegmentorLabeller
from poodle_mm.evaluation.segmentation.layer_decay import EncoderLayerDecayConstructor
from poodle_mm.evaluation.segmentation.models import FrozenEncoderDecoder, LinearHead

__all__ = [
    'CachedConcatDataset',
    'CamVidDataset',
    'ClassGroupIoU',
    'EncoderLayerDecayConstructor',
    'FrozenEncoderDecoder',
    'LinearHead',
    'NumClassesHook',
    'RecalibrateBatchNormHook',
    'SegmentorLabeller',
    'set_encoder',
    'set_size',
    'take_stage',
]
