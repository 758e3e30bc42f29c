"""Synthetic driving scenes with exact flow, visibility, labels and boxes."""

from poodle_mm.catalog import IGNORE_INDEX as IGNORE
from poodle_mm.catalog import STREET_CLASSES as SCENE_CLASSES
from poodle_mm.catalog import STREET_PALETTE as SCENE_PALETTE
from poodle_scenes.boxes import count_boxes, object_boxes, render_objects
from poodle_scenes.flow import exact_flow
from poodle_scenes.preview import draw_preview
from poodle_scenes.scene import (
    RENDERER_VERSION,
    Scene,
    SceneSpec,
    build_scene,
    load_scene,
    render_colour,
    render_frame,
    render_labels,
)
from poodle_scenes.writer import write_scenes

__all__ = [
    'IGNORE',
    'RENDERER_VERSION',
    'SCENE_CLASSES',
    'SCENE_PALETTE',
    'Scene',
    'SceneSpec',
    'build_scene',
    'count_boxes',
    'draw_preview',
    'exact_flow',
    'load_scene',
    'object_boxes',
    'render_colour',
    'render_frame',
    'render_labels',
    'render_objects',
    'write_scenes',
]
