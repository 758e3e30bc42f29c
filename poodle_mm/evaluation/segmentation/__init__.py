"""Semantic segmentation on frozen features, with MMSegmentation."""

from poodle_mm.evaluation.segmentation.batch_norm_hook import RecalibrateBatchNormHook
from poodle_mm.evaluation.segmentation.cached_dataset import CachedConcatDataset
from poodle_mm.evaluation.segmentation.camvid import CamVidDataset
from poodle_mm.evaluation.segmentation.class_group_iou import ClassGroupIoU
from poodle_mm.evaluation.segmentation.configs import set_encoder, set_size
from poodle_mm.evaluation.segmentation.frozen_segmentor import FrozenEncoderDecoder
from poodle_mm.evaluation.segmentation.labeller import SegmentorLabeller
from poodle_mm.evaluation.segmentation.layer_decay import EncoderLayerDecayConstructor
from poodle_mm.evaluation.segmentation.linear_head import LinearHead
from poodle_mm.evaluation.segmentation.num_classes_hook import NumClassesHook

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
]
