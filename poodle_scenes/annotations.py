"""COCO's format for the boxes of labelled frames."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from mmengine.fileio import load

from poodle_mm.catalog import BOX_CLASSES
from poodle_scenes.boxes import MIN_PIXELS, MIN_SIDE

LabelledFrame = tuple[str, np.ndarray, np.ndarray]
"""File name of a labelled frame, its boxes and their categories, see `object_boxes`."""


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
            annotations.append(
                dict(
                    id=len(annotations) + 1,
                    image_id=image_id,
                    category_id=category + 1,
                    bbox=[x0, y0, x1 - x0, y1 - y0],
                    area=(x1 - x0) * (y1 - y0),
                    iscrowd=0,
                )
            )
    return dict(
        info=dict(
            description='Visible parts of objects in synthetic driving scenes',
            min_pixels=MIN_PIXELS,
            min_side=MIN_SIDE,
        ),
        categories=[dict(id=k, name=name) for k, name in enumerate(BOX_CLASSES, start=1)],
        images=images,
        annotations=annotations,
    )


def count_boxes(path: str | Path) -> dict[str, int]:
    """Boxes of each category in a COCO file, in its order of categories."""
    coco = load(path)
    ids = [annotation['category_id'] for annotation in coco['annotations']]
    return {category['name']: ids.count(category['id']) for category in coco['categories']}
