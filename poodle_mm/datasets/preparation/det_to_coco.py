"""BDD100K's detection labels (det_20) to COCO's format."""

import os
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from poodle_mm.catalog import BOX_CLASSES
from poodle_mm.datasets.files import file_problem
from poodle_mm.datasets.preparation.scalabel import IMAGE_SIZE, BoxCounts, frame_boxes, read_frames
from poodle_mm.utils.files import write_json
from poodle_mm.utils.progress import Progress


def convert_frames(
    frames: Sequence[dict], image_root: str | os.PathLike | None = None
) -> tuple[dict, BoxCounts]:
    """Frames in Scalabel's format to a COCO data set.

    Scalabel's corners are pixels that belong to the box, so that its width is x2 - x1 + 1; COCO's
    box is (x1, y1, width, height). Crowds, ignored boxes and distractors (``other person`` ...)
    become ``iscrowd``: COCO's evaluation ignores them, MMDetection does not train on them. Frames
    without boxes are kept. All this is as in BDD100K's and Scalabel's own tools.

    Args:
        frames: Result of :func:`~poodle_mm.datasets.preparation.scalabel.read_frames`.
        image_root: Folder of the images, whose sizes are then read; None takes each frame's
            ``size`` where it has one, else 1280x720.

    Returns:
        The data set, without the boxes that have problems, and what was counted.
    """
    category_ids = {name: number for number, name in enumerate(BOX_CLASSES, start=1)}
    counts = BoxCounts()
    images, annotations = [], []
    for image_id, frame in enumerate(Progress(frames, desc='frames', leave=False), start=1):
        size = _image_size(frame, image_root, counts)
        if size is None:
            continue
        height, width = size
        images.append(dict(id=image_id, file_name=frame['name'], height=height, width=width))
        for box in frame_boxes(frame, size, counts):
            x1, y1, x2, y2 = box.corners
            w, h = x2 - x1 + 1, y2 - y1 + 1
            annotations.append(
                dict(
                    id=len(annotations) + 1,
                    image_id=image_id,
                    category_id=category_ids[box.category],
                    bbox=[x1, y1, w, h],
                    area=w * h,
                    iscrowd=int(box.crowd),
                    scalabel_id=box.label_id,
                )
            )
    coco = dict(
        info=dict(description='BDD100K detection; width of a box = x2 - x1 + 1 (Scalabel)'),
        categories=[dict(id=number, name=name) for name, number in category_ids.items()],
        images=images,
        annotations=annotations,
    )
    return coco, counts


def convert_file(
    source: str | os.PathLike,
    target: str | os.PathLike,
    image_root: str | os.PathLike | None = None,
    skip_invalid: bool = False,
) -> tuple[dict, BoxCounts]:
    """Convert a label file; ``target`` is written whole or not at all.

    Args:
        source, target: JSON in Scalabel's and in COCO's format.
        image_root: See :func:`convert_frames`.
        skip_invalid: Leave out what has a problem instead of refusing the file.

    Returns:
        Result of :func:`convert_frames`.

    Raises:
        FileNotFoundError: If ``source`` or ``image_root`` is missing.
        ValueError: If ``source`` is no such file, or holds an invalid box, category, attribute or
            the name of an image that is missing or broken; the first ones are named.
    """
    if image_root is not None and not Path(image_root).is_dir():
        raise FileNotFoundError(f'{image_root}: no such folder of images')
    coco, counts = convert_frames(read_frames(source), image_root)
    if counts.problems and not skip_invalid:
        first = '; '.join(counts.problems[:5])
        raise ValueError(
            f'{source}: {len(counts.problems)} problems: {first}; nothing was written '
            '(--skip-invalid leaves these out)'
        )
    write_json(target, coco)
    return coco, counts


def counts_table(coco: dict, counts: BoxCounts) -> str:
    """Table of a conversion, for the terminal."""
    with_box = len({annotation['image_id'] for annotation in coco['annotations']})
    lines = [f'{"class":16}{"boxes":>10}{"crowd":>10}']
    lines += [f'{n:16}{counts.classes[n]:10}{counts.crowd[n]:10}' for n in BOX_CLASSES]
    lines += [
        f'{"all":16}{counts.classes.total():10}{counts.crowd.total():10}',
        f'images: {len(coco["images"])}, {len(coco["images"]) - with_box} of them without boxes',
    ]
    for title, counter in (('renamed', counts.mapped), ('attributes', counts.flags)):
        if counter:
            entries = ', '.join(f'{k} {v}' for k, v in sorted(counter.items()))
            lines.append(f'{title}: {entries}')
    if counts.without_box:
        lines.append(f'labels without a box, left out: {counts.without_box}')
    if counts.problems:
        lines.append(f'invalid, left out: {len(counts.problems)}')
        lines += [f'  {problem}' for problem in counts.problems[:10]]
    return '\n'.join(lines)


def _image_size(
    frame: dict, image_root: str | os.PathLike | None, counts: BoxCounts
) -> tuple[int, int] | None:
    """(H, W), or None if the image has a problem."""
    if image_root is None:
        size = frame.get('size')
        return (size['height'], size['width']) if size else IMAGE_SIZE
    path = Path(image_root, frame['name'])
    if not (problem := file_problem(path) if path.exists() else 'no such image'):
        try:
            with Image.open(path) as image:
                return image.height, image.width
        except OSError:
            problem = 'not an image'
    counts.problems.append(f'{frame["name"]}: {problem} in {image_root}')
    return None
