"""BDD100K's detection labels (det_20, Scalabel's format): reading and checking."""

import json
import math
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from poodle_mm.catalog import BOX_CLASSES

NAME_MAPPING = {
    'bike': 'bicycle',
    'caravan': 'car',
    'motor': 'motorcycle',
    'person': 'pedestrian',
    'van': 'car',
}
"""Other names of the classes, as BDD100K's toolkit maps them (2018 labels)."""

IGNORE_MAPPING = {'other person': 'pedestrian', 'other vehicle': 'car', 'trailer': 'truck'}
"""Distractors: regions of these classes that count neither as hit nor as miss."""

IMAGE_SIZE = (720, 1280)
"""(H, W) of every image of BDD100K."""

_FLAGS = ('crowd', 'ignored', 'occluded', 'truncated')
_CORNERS = ('x1', 'y1', 'x2', 'y2')


@dataclass
class Box:
    """A labelled box.

    Attributes:
        label_id: The label's id in the file.
        category: One of :data:`BOX_CLASSES`.
        corners: (x1, y1, x2, y2): the first and the last pixel that belong to it.
        crowd: Whether detections in it count neither as hit nor as miss.
    """

    label_id: str
    category: str
    corners: tuple[float, float, float, float]
    crowd: bool


@dataclass
class BoxCounts:
    """Content of a label file.

    Attributes:
        classes: Boxes by class.
        crowd: Those of them that are crowd or distractors.
        mapped: Boxes by the name that was replaced.
        flags: Boxes by attribute that is set.
        without_box: Labels that are no boxes (lanes, drivable areas), left out.
        problems: Mistakes, each with the frame's name.
    """

    classes: Counter[str] = field(default_factory=Counter)
    crowd: Counter[str] = field(default_factory=Counter)
    mapped: Counter[str] = field(default_factory=Counter)
    flags: Counter[str] = field(default_factory=Counter)
    without_box: int = 0
    problems: list[str] = field(default_factory=list)


def read_frames(path: str | os.PathLike) -> list[dict]:
    """Frames of a label file: a list, or ``{"frames": [...]}``.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not such a file, or two frames have one name.
    """
    try:
        with open(path, encoding='utf-8') as file:
            content = json.load(file)
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f'{path}: not a whole JSON file: {error}') from error
    frames = content.get('frames') if isinstance(content, dict) else content
    if not isinstance(frames, list):
        raise ValueError(
            f'{path}: neither a list of frames nor an object with "frames": not det_20 in '
            "Scalabel's format"
        )
    for number, frame in enumerate(frames):
        if not isinstance(frame, dict) or not isinstance(frame.get('name'), str):
            raise ValueError(f'{path}: frame number {number} has no "name"')
        if not isinstance(frame.get('labels') or [], list):
            raise ValueError(f'{path}: "labels" of frame {frame["name"]} is no list')
        if 'labels' not in frame and isinstance(frame.get('frames'), list):
            raise ValueError(
                f'{path}: frame {frame["name"]} has its boxes in "frames[].objects", the layout of '
                '2018: take the labels of 2020 (det_20)'
            )
    names = Counter(frame['name'] for frame in frames)
    twice = [name for name, count in names.items() if count > 1]
    if twice:
        raise ValueError(f'{path}: {len(twice)} names stand for several frames: {twice[:5]}')
    return frames


def frame_boxes(frame: Mapping, size: tuple[int, int], counts: BoxCounts) -> Iterator[Box]:
    """Sound boxes of a frame of ``size`` (H, W) pixels; the others go to ``counts.problems``."""
    for number, label in enumerate(frame.get('labels') or []):
        if not isinstance(label, Mapping):
            counts.problems.append(f'{frame["name"]}: label {number} is {label!r}, no object')
            continue
        if label.get('box2d') is None:
            counts.without_box += 1
            continue
        label_id = str(label.get('id', number))
        where = f'{frame["name"]}: label {label_id}'
        # any JSON may stand here, also what cannot be a key
        name = label.get('category')
        category = NAME_MAPPING.get(name, name) if isinstance(name, str) else None
        distractor = category in IGNORE_MAPPING
        category = IGNORE_MAPPING.get(category, category)
        flags = label.get('attributes') or {}
        if category not in BOX_CLASSES:
            problem = f'unknown category {name!r}'
        else:
            problem = _flag_problem(flags) or _box_problem(label['box2d'], size)
        if problem:
            counts.problems.append(f'{where}: {problem}')
            continue
        counts.flags.update(flag for flag in _FLAGS if flags.get(flag))
        if name != category:
            counts.mapped[f'{name} -> {category}'] += 1
        crowd = distractor or bool(flags.get('crowd') or flags.get('ignored'))
        counts.classes[category] += 1
        counts.crowd[category] += crowd
        yield Box(label_id, category, tuple(label['box2d'][key] for key in _CORNERS), crowd)


def _flag_problem(flags: Mapping) -> str:
    if not isinstance(flags, Mapping):
        return f'attributes is {flags!r}, no object'
    for flag in _FLAGS:
        # 0 and 1 compare equal to False and True
        if flag in flags and flags[flag] not in (False, True):
            return f'attribute {flag} is {flags[flag]!r}, neither true nor false'
    return ''


def _box_problem(box: Mapping, size: tuple[int, int]) -> str:
    values = [box.get(key) for key in _CORNERS] if isinstance(box, Mapping) else [None]
    # text would be joined instead of added, and true counts as 1
    if not all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        return f'box2d needs the numbers x1, y1, x2, y2, got {box}'
    (x1, y1, x2, y2), (height, width) = values, size
    text = f'box ({x1:g}, {y1:g}, {x2:g}, {y2:g})'
    if not all(map(math.isfinite, values)):
        return f'{text} is not finite'
    if x2 < x1 or y2 < y1:
        return f'{text} is inverted: x1 <= x2 and y1 <= y2 are needed'
    # labels go up to the right and lower edge (1280, 720) instead of the last pixel
    if x1 < 0 or y1 < 0 or x2 > width or y2 > height:
        return f'{text} leaves the image of {width}x{height} pixels'
    return ''
