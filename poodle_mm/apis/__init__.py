"""Pretraining, and using an encoder, from Python: see ``docs/apis.md``."""

from poodle_mm.apis.encoder import DenseEncoder, load_encoder, random_encoder
from poodle_mm.apis.export import export_encoder
from poodle_mm.apis.features import (
    FrameFeatures,
    cell_size,
    cells_to_pixels,
    dense_features,
    load_image,
    pixels_to_cells,
    video_features,
)
from poodle_mm.apis.pictures import draw_nearest_neighbours, draw_pca, nearest_neighbours
from poodle_mm.apis.publish import publish_model
from poodle_mm.apis.store import extract_features, save_image_features, save_video_features
from poodle_mm.apis.training import pretrain

__all__ = [
    'DenseEncoder',
    'FrameFeatures',
    'cell_size',
    'cells_to_pixels',
    'dense_features',
    'draw_nearest_neighbours',
    'draw_pca',
    'export_encoder',
    'extract_features',
    'load_encoder',
    'load_image',
    'nearest_neighbours',
    'pixels_to_cells',
    'pretrain',
    'publish_model',
    'random_encoder',
    'save_image_features',
    'save_video_features',
    'video_features',
]
