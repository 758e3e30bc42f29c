"""The algorithm, its spatial decoder, heads and target network."""

from poodle_mm.models.backbones.resnet import ResNet
from poodle_mm.models.backbones.vision_transformer import VisionTransformer
from poodle_mm.models.heads.dense_head import DenseFlowHead
from poodle_mm.models.heads.dino_head import DINOHead
from poodle_mm.models.heads.pooled_head import PooledHead
from poodle_mm.models.methods.dino import DINO
from poodle_mm.models.methods.dora import DoRA
from poodle_mm.models.methods.ibot import IBOT
from poodle_mm.models.methods.poodle import PooDLe
from poodle_mm.models.necks.simple_feature_pyramid import SimpleFeaturePyramid
from poodle_mm.models.necks.spatial_decoder import SpatialDecoderModule
from poodle_mm.models.target_network import CosineMomentumEMA

__all__ = [
    'DINO',
    'IBOT',
    'CosineMomentumEMA',
    'DINOHead',
    'DenseFlowHead',
    'DoRA',
    'PooDLe',
    'PooledHead',
    'ResNet',
    'SimpleFeaturePyramid',
    'SpatialDecoderModule',
    'VisionTransformer',
]
