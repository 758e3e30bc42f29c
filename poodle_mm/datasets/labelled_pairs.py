"""Pairs of frames that both have labels: neighbours in the sequences of a labelled data set."""

from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np

from poodle_mm.catalog import CATALOG
from poodle_mm.datasets.files import find_files
from poodle_mm.datasets.frame_folders import parse_frame_name
from poodle_mm.datasets.images import read_image
from poodle_mm.datasets.labels import read_label

FPS = dict(camvid=30.0, scenes=10.0)
"""Data sets whose images are frames of sequences, with the frame numbers of a second."""


@dataclass(frozen=True)
class LabelledPair:
    """Two labelled frames of a sequence.

    Attributes:
        images, labels: Files of the frames t and t + Δ.
        frames: Their numbers.
        ignore_index: Id of pixels without a class in the files.
        scene: Description of a synthetic scene, which gives the exact flow; None for real frames.
    """

    images: tuple[Path, Path]
    labels: tuple[Path, Path]
    frames: tuple[int, int]
    ignore_index: int
    scene: Path | None = None

    def read(self) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Images, uint8 RGB (H, W, 3), and classes, uint8 (H, W) with 255 for none.

        Raises:
            FileError: If a file cannot be read or is damaged, or label and image differ in size.
        """
        images = [read_image(path) for path in self.images]
        labels = [
            read_label(path, size=image.shape[:2], ignore_index=self.ignore_index)
            for path, image in zip(self.labels, images)
        ]
        return images, labels


def labelled_pairs(
    data: str, root: str | Path, split: str, seconds: tuple[float, float] = (0.5, 1.0)
) -> list[LabelledPair]:
    """Each labelled frame with the first one that follows it at a distance within ``seconds``.

    Args:
        data: ``'scenes'`` or ``'camvid'``.
        root: Root of the data.
        split: Name of a split.
        seconds: Smallest and largest distance, both included.

    Raises:
        FileNotFoundError: If there are no images, or one has no labels.
        ValueError: For other data or splits, or if no two frames are so far apart.
    """
    if data not in FPS:
        raise ValueError(f'{data}: labelled sequences are those of {", ".join(FPS)}')
    described = CATALOG[data]
    if split not in described.splits:
        raise ValueError(f'{data} has no split {split!r}, but {", ".join(described.splits)}')
    root, folders = Path(root), described.splits[split]
    paths = find_files(root / folders.images, (described.img_suffix,))
    named = sorted((*parsed, path) for path in paths if (parsed := parse_frame_name(path)))
    low, high = (FPS[data] * each for each in seconds)
    pairs = []
    for _, sequence in groupby(named, lambda frame: frame[0]):
        frames = [(number, path) for _, number, path in sequence]
        for index, (number, path) in enumerate(frames):
            later = ((n, p) for n, p in frames[index + 1 :] if low <= n - number <= high)
            if (partner := next(later, None)) is None:
                continue
            images = [root / folders.images / each for each in (path, partner[1])]
            labels = [
                root / folders.labels / Path(each).with_suffix(described.seg_map_suffix)
                for each in (path, partner[1])
            ]
            if missing := [label for label in labels if not label.is_file()]:
                raise FileNotFoundError(f'{missing[0]}: an image of {data} has no labels')
            scene = None
            if data == 'scenes':
                stem = Path(path).stem.rpartition('_')[0]
                scene = root / described.videos[split].folder / f'{stem}.json'
            pairs.append(
                LabelledPair(
                    tuple(images),
                    tuple(labels),
                    (number, partner[0]),
                    described.ignore_index,
                    scene,
                )
            )
    if not pairs:
        raise ValueError(
            f'{root / folders.images}: no two frames of a sequence are {seconds[0]:g} to '
            f'{seconds[1]:g} s apart'
        )
    return pairs
