"""Boxes of what can be seen of each object, as BDD100K's detection labels have them."""

import numpy as np
import torch
from torchvision.ops import masks_to_boxes

from poodle_mm.catalog import BOX_CLASSES
from poodle_scenes.classes import SCENE_CLASSES
from poodle_scenes.raster import rasterize
from poodle_scenes.scene import Scene

MIN_PIXELS = 16
"""Visible pixels below which an object has no box."""

MIN_SIDE = 3
"""Pixels of width or height below which an object has no box."""

_DET_NAME = {'person': 'pedestrian'} | {name: name for name in BOX_CLASSES}
_CATEGORY = np.array(
    [BOX_CLASSES.index(_DET_NAME[n]) if n in _DET_NAME else -1 for n in SCENE_CLASSES]
)
"""Train id → index in BOX_CLASSES; -1 for classes without boxes."""


def render_objects(scene: Scene, t: float) -> np.ndarray:
    """Number of the object at each pixel centre.

    Args:
        scene: the scene.
        t: seconds; frame k is at ``k / fps``.

    Returns:
        int32 (H, W), indices of objects as in ``scene.objects``; -1 for ground and sky.
    """
    ids, _ = rasterize(scene.view(t), scene.alpha, scene.spec.size)
    return np.concatenate([scene.objects, np.int32([-1, -1])])[ids]


def object_boxes(
    scene: Scene, t: float, min_pixels: int = MIN_PIXELS, min_side: int = MIN_SIDE
) -> tuple[np.ndarray, np.ndarray]:
    """Tight boxes of the visible part of each object of a class in ``BOX_CLASSES``.

    Args:
        scene: the scene.
        t: seconds; frame k is at ``k / fps``.
        min_pixels: visible pixels below which an object is left out.
        min_side: width or height of the box, in pixels, below which an object is left out.

    Returns:
        boxes: int64 (K, 4), edges (x0, y0, x1, y1): one visible pixel has a box of side 1.
        categories: int64 (K,), indices in ``BOX_CLASSES``.
    """
    objects = render_objects(scene, t)
    category = np.full(scene.objects.max(initial=-1) + 1, -1)
    category[scene.objects] = _CATEGORY[scene.surfaces.class_id]
    numbers, pixels = np.unique(objects, return_counts=True)
    numbers = numbers[(numbers >= 0) & (pixels >= min_pixels)]
    numbers = numbers[category[numbers] >= 0]
    masks = torch.from_numpy(objects == numbers[:, None, None])
    boxes = masks_to_boxes(masks).numpy().astype(np.int64)
    boxes[:, 2:] += 1
    keep = (boxes[:, 2:] - boxes[:, :2] >= min_side).all(axis=1)
    return boxes[keep], category[numbers[keep]]
