"""The algorithm, its spatial decoder, heads and target network."""

from poodle_mm.models.backbones.resnet import ResNet
from poodle_mm.models.backbones.seeded_mae_vit import SeededMAEViT
from poodle_mm.models.backbones.vision_transformer import VisionTransformer
from poodle_mm.models.heads.dense_head import DenseFlowHead
from poodle_mm.models.heads.dino_head import DINOHead
from poodle_mm.models.heads.pixel_propagation_head import PixelPropagationHead
from poodle_mm.models.heads.pooled_head import PooledHead
from poodle_mm.models.heads.standardised_dense_head import StandardisedDenseHead
from poodle_mm.models.methods.dino import DINO
from poodle_mm.models.methods.dora import DoRA
from poodle_mm.models.methods.ibot import IBOT
from poodle_mm.models.methods.mae import MAE
from poodle_mm.models.methods.pixpro import PixPro
from poodle_mm.models.methods.poodle import PooDLe
from poodle_mm.models.necks.feature_pyramid import FeaturePyramid
from poodle_mm.models.necks.simple_feature_pyramid import SimpleFeaturePyramid
from poodle_mm.models.necks.spatial_decoder import SpatialDecoderModule
from poodle_mm.models.target_network import CosineMomentumEMA

__all__ = [
    'DINO',
    'IBOT',
    'MAE',
    'CosineMomentumEMA',
    'DINOHead',
    'DenseFlowHead',
    'DoRA',
    'FeaturePyramid',
    'PixPro',
    'PixelPropagationHead',
    'PooDLe',
    'PooledHead',
    'ResNet',
    'SeededMAEViT',
    'SimpleFeaturePyramid',
    'SpatialDecoderModule',
    'StandardisedDenseHead',
    'VisionTransformer',
]
