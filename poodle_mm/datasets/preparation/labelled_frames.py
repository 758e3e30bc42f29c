"""Videos to a labelled data set: a frame every few seconds, and what a labeller makes of it."""

import json
import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from poodle_mm.datasets.preparation.frames import (
    FrameChoice,
    frames_at,
    open_whole,
    refuse_other_facts,
    write_rgb,
)
from poodle_mm.datasets.video.reader import FrameReadError
from poodle_mm.utils.files import write_image, write_json
from poodle_mm.utils.progress import Progress

FACTS = 'pseudo_labels.json'
"""Stands beside the folders and tells how they were made."""

MAX_CLASSES = 255
_CONVENTION = '0 = other (ignored), class i is stored as i + 1, as in ADE20K'

Labeller = Callable[[np.ndarray], np.ndarray]
"""(H, W, 3) uint8 RGB to (H, W) class ids from 0."""


@dataclass(frozen=True)
class LabelledFrames:
    """Choice of the frames that are written, and how.

    Attributes:
        every: Seconds between two frames; number k is the frame on screen at k x ``every``.
        image_suffix: ``'.jpg'`` or ``'.png'`` (lossless).
        quality: Quality of the JPEGs, 1 to 100.
    """

    every: float = 2.0
    image_suffix: str = '.jpg'
    quality: int = 95

    def __post_init__(self) -> None:
        if not self.every > 0:
            raise ValueError(f'every must be a positive number of seconds, got {self.every}')
        if self.image_suffix not in ('.jpg', '.png'):
            raise ValueError(f'image_suffix must be .jpg or .png, got {self.image_suffix!r}')
        if not 1 <= self.quality <= 100:
            raise ValueError(f'quality must be 1 to 100, got {self.quality}')


@dataclass
class Labelling:
    """Result of :func:`label_videos`.

    Attributes:
        written: Frames labelled now, by split.
        present: Frames that an earlier run had labelled.
        failed: Reason by video that could not be read to its end.
    """

    written: Counter[str] = field(default_factory=Counter)
    present: int = 0
    failed: dict[str, str] = field(default_factory=dict)


def split_videos(
    names: Sequence[str], val: Sequence[str] | None = None, share: float = 0.2
) -> dict[str, str]:
    """The split of each video; frames of one video are never in two.

    Args:
        names: Names of the videos.
        val: Those for validation, with or without their folder; None takes ``share``.
        share: Share of the videos for validation, rounded; at least one video is in each split if
            there are two. They are spread over the sorted names.

    Raises:
        ValueError: If a name of ``val`` is no video's, or ``share`` is not in [0, 1).
    """
    names = sorted(names)
    if val is None:
        if not 0 <= share < 1:
            raise ValueError(f'the share for validation must be in [0, 1), got {share}')
        number = round(share * len(names))
        number = min(max(number, share > 0), len(names) - 1)
        step = len(names) / max(number, 1)
        chosen = {names[int((i + 0.5) * step)] for i in range(number)}
    else:
        ends = {end: [n for n in names if end in (n, n.split('/')[-1])] for end in val}
        if unknown := [end for end, matches in ends.items() if not matches]:
            raise ValueError(
                f'--val {unknown[0]}: no such video; there are {", ".join(names[:20])}'
            )
        chosen = {name for matches in ends.values() for name in matches}
    return {name: 'val' if name in chosen else 'train' for name in names}


def label_videos(
    videos: dict[str, Path],
    out: str | os.PathLike,
    frames: LabelledFrames,
    splits: dict[str, str],
    label: Labeller,
    classes: Sequence[str],
    model: dict[str, str],
) -> Labelling:
    """Write ``images/{train,val}/NAME/NUMBER.jpg`` and ``annotations/{train,val}/NAME/NUMBER.png``.

    Labels are of the decoded frame, not of its JPEG. A frame is finished when its label is there:
    image and label appear whole and in this order, so that an interrupted run goes on.

    Args:
        videos: Path by name.
        out: Folder to write to.
        splits: ``'train'`` or ``'val'`` by name.
        classes: Names of the classes; class i is stored as i + 1.
        model: Description of the labeller, for the JSON.

    Returns:
        Counts, and the videos that cannot be read; frames before a fault stay.

    Raises:
        ValueError: If ``out`` was made with another model, choice or split, there are more than
            255 classes, or a label is none of theirs.
    """
    if not 0 < len(classes) <= MAX_CLASSES:
        raise ValueError(f'a PNG holds 1 to {MAX_CLASSES} classes, the model has {len(classes)}')
    out = Path(out)
    facts = vars(frames) | dict(model=model, classes=list(classes), labels=_CONVENTION)
    _write_facts(out, facts, splits)
    done = Labelling()
    for name in Progress(sorted(videos), desc='videos', unit='video'):
        try:
            _label_video(videos[name], out, name, splits[name], frames, label, len(classes), done)
        except FrameReadError as error:
            done.failed[error.path] = error.reason
    return done


def _label_video(
    video: Path,
    out: Path,
    name: str,
    split: str,
    frames: LabelledFrames,
    label: Labeller,
    num_classes: int,
    done: Labelling,
) -> None:
    with open_whole(video) as reader:
        positions, numbers = FrameChoice(fps=1 / frames.every).frames(reader.timestamps)
        targets = [out / 'annotations' / split / name / f'{k:06d}.png' for k in numbers.tolist()]
        todo = np.array([not path.is_file() for path in targets], bool)
        done.present += int((~todo).sum())
        images = zip(np.flatnonzero(todo), frames_at(reader, positions[todo]))
        for index, image in Progress(images, name, int(todo.sum()), leave=False, unit='frame'):
            ids = np.asarray(label(image))
            if ids.shape != image.shape[:2] or ids.min() < 0 or ids.max() >= num_classes:
                raise ValueError(
                    f'{video}: labels {ids.shape} from {ids.min()} to {ids.max()} for a frame of '
                    f'{image.shape[:2]} and {num_classes} classes'
                )
            target = targets[index]
            picture = out / 'images' / split / name / f'{target.stem}{frames.image_suffix}'
            write_rgb(picture, image, frames.quality)
            write_image(target, (ids + 1).astype(np.uint8))
            done.written[split] += 1


def read_facts(root: str | os.PathLike) -> dict | None:
    """Facts of a folder of :func:`label_videos`; None if it is none."""
    path = Path(root, FACTS)
    return json.loads(path.read_text(encoding='utf-8')) if path.is_file() else None


def _write_facts(out: Path, facts: dict, splits: dict[str, str]) -> None:
    """Refuse to mix two models, choices or splits in one folder; videos may be added."""
    refuse_other_facts(out / FACTS, facts)
    known = (read_facts(out) or {}).get('videos', {})
    moved = [name for name in known if splits.get(name, known[name]) != known[name]]
    if moved:
        raise ValueError(
            f'{out} has {moved[0]} in {known[moved[0]]}, now it would be in {splits[moved[0]]}: '
            'name the videos for validation, or give another folder'
        )
    write_json(out / FACTS, facts | dict(videos=known | splits), indent=1)
