"""Boxes of what can be seen of each object, as BDD100K's detection labels have them."""

import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from poodle_mm.catalog import BOX_CLASSES, STREET_CLASSES
from poodle_scenes.raster import rasterize
from poodle_scenes.scene import Scene

MIN_PIXELS = 16
"""Visible pixels below which an object has no box."""

MIN_SIDE = 3
"""Pixels of width or height below which an object has no box."""

LabelledFrame = tuple[str, np.ndarray, np.ndarray]
"""File name of a labelled frame, its boxes and their categories, see :func:`object_boxes`."""

_CATEGORY = np.full(len(STREET_CLASSES), -1)
"""Train id → index in BOX_CLASSES; -1 for classes without boxes."""
for _index, _name in enumerate(BOX_CLASSES):
    _CATEGORY[STREET_CLASSES.index({'pedestrian': 'person'}.get(_name, _name))] = _index


def render_objects(scene: Scene, t: float) -> np.ndarray:
    """Objects int32 (H, W) at pixel centres, time t in seconds; -1 for ground and sky."""
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
    boxes = np.array([_extent(objects == number) for number in numbers], np.int64).reshape(-1, 4)
    keep = (boxes[:, 2:] - boxes[:, :2] >= min_side).all(axis=1)
    return boxes[keep], category[numbers[keep]]


def _extent(mask: np.ndarray) -> tuple[int, int, int, int]:
    v, u = mask.nonzero()
    return u.min(), v.min(), u.max() + 1, v.max() + 1


def to_coco(frames: Iterable[LabelledFrame], size: tuple[int, int]) -> dict:
    """Labelled frames as a COCO detection set with BDD100K's 10 categories (ids from 1).

    Args:
        frames: file names, boxes and categories.
        size: (H, W) of the frames.
    """
    images, annotations = [], []
    for image_id, (name, boxes, categories) in enumerate(frames, start=1):
        images.append(dict(id=image_id, file_name=name, height=size[0], width=size[1]))
        for (x0, y0, x1, y1), category in zip(boxes.tolist(), categories.tolist()):
            annotation = dict(
                id=len(annotations) + 1,
                image_id=image_id,
                category_id=category + 1,
                bbox=[x0, y0, x1 - x0, y1 - y0],
                area=(x1 - x0) * (y1 - y0),
                iscrowd=0,
            )
            annotations.append(annotation)
    description = 'Visible parts of objects in synthetic driving scenes'
    return dict(
        info=dict(description=description, min_pixels=MIN_PIXELS, min_side=MIN_SIDE),
        categories=[dict(id=k, name=name) for k, name in enumerate(BOX_CLASSES, start=1)],
        images=images,
        annotations=annotations,
    )


def count_boxes(path: str | Path) -> dict[str, int]:
    """Boxes of each category in a COCO file, in its order of categories."""
    coco = json.loads(Path(path).read_text(encoding='utf-8'))
    ids = [annotation['category_id'] for annotation in coco['annotations']]
    return {category['name']: ids.count(category['id']) for category in coco['categories']}
