"""What each data set should look like, and the check of it."""

import json
import os
from collections.abc import Callable
from pathlib import Path

from poodle_mm.datasets.files import list_files
from poodle_mm.datasets.preparation.check_detection import check_detection
from poodle_mm.datasets.preparation.check_folders import Folders, LabelFormat, check_folders
from poodle_mm.datasets.preparation.check_videos import check_videos
from poodle_mm.datasets.preparation.check_wt_sem import check_wt_sem
from poodle_mm.datasets.preparation.report import CheckReport
from poodle_scenes.classes import SCENE_CLASSES

_TRAIN_IDS = {*range(len(SCENE_CLASSES)), 255}
_WALKING_TOURS_VIDEOS = 10


def check_data(dataset: str, root: str | os.PathLike, sample: int | None = None) -> CheckReport:
    """Check a data set.

    Args:
        dataset: One of :data:`CHECKS`.
        root: Its folder.
        sample: How many files of each folder are opened; None opens all images and labels, and
            decodes a frame of 100 videos.

    Raises:
        FileNotFoundError: If there is no such folder.
        ValueError: If there is no such data set or ``sample`` is not positive.
    """
    if dataset not in CHECKS:
        raise ValueError(f'unknown data set {dataset!r}: one of {", ".join(CHECKS)}')
    if sample is not None and sample < 1:
        raise ValueError(f'sample must be positive, got {sample}')
    if not Path(root).is_dir():
        raise FileNotFoundError(f'{root}: no such folder; docs/data.md tells what it should hold')
    report = CheckReport(dataset, root)
    CHECKS[dataset](report, sample)
    return report


def _bdd100k(report: CheckReport, sample: int | None) -> None:
    for split, count, optional in (('train', 70_000, False), ('val', 10_000, True)):
        check_videos(report, f'videos/{split}', count, optional, sample or 100)
    form = LabelFormat('.jpg', '.png', _TRAIN_IDS)
    for split, count in (('train', 7000), ('val', 1000)):
        labels = f'labels/sem_seg/masks/{split}'
        check_folders(report, Folders(f'images/10k/{split}', labels, count), form, sample)
    check_folders(report, Folders('images/10k/test', None, 2000, optional=True), form, sample)


def _cityscapes(report: CheckReport, sample: int | None) -> None:
    form = LabelFormat('_leftImg8bit.png', '_gtFine_labelTrainIds.png', _TRAIN_IDS)
    for split, count in (('train', 2975), ('val', 500)):
        folders = Folders(f'leftImg8bit/{split}', f'gtFine/{split}', count)
        check_folders(report, folders, form, sample)


def _ade20k(report: CheckReport, sample: int | None) -> None:
    form = LabelFormat('.jpg', '.png', range(151))
    for split, count in (('training', 20_210), ('validation', 2000)):
        folders = Folders(f'images/{split}', f'annotations/{split}', count)
        check_folders(report, folders, form, sample)


def _camvid(report: CheckReport, sample: int | None) -> None:
    form = LabelFormat('.jpg', '.png', range(12))
    for split, count in (('train', 367), ('val', 101), ('test', 233)):
        check_folders(report, Folders(f'images/{split}', f'labels/{split}', count), form, sample)


def _walking_tours(report: CheckReport, sample: int | None) -> None:
    check_videos(
        report, 'videos', _WALKING_TOURS_VIDEOS, sample=sample or 100, size=(720, 1280),
        with_table=True,
    )  # fmt: skip


def _videos(report: CheckReport, sample: int | None) -> None:
    check_videos(report, '.', sample=sample or 100)


def _scenes(report: CheckReport, sample: int | None) -> None:
    meta = Path(report.root, 'meta.json')
    counts = json.loads(meta.read_text())['counts'] if meta.is_file() else {}
    if not counts:
        advice = 'run tools/make_scenes.py again with the same arguments: it goes on'
        report.add('meta.json', 'missing: the set is unfinished', advice, ['meta.json'])
    form = LabelFormat('.png', '.png', _TRAIN_IDS)
    for split in ('train', 'val', 'test'):
        optional = not counts.get(split)
        check_videos(report, f'videos/{split}', counts.get(split), optional, sample or 100)
        images = len(list_files(Path(report.root, 'images', split), '.png'))
        folders = Folders(f'images/{split}', f'labels/{split}', images, optional)
        check_folders(report, folders, form, sample)
        boxes = Path(report.root, 'annotations', f'{split}.json')
        listed = len(json.loads(boxes.read_text())['images']) if boxes.is_file() else 0
        report.count(f'annotations/{split}.json', listed, images, optional=True)


CHECKS: dict[str, Callable[[CheckReport, int | None], None]] = {
    'bdd100k': _bdd100k,
    'bdd100k-det': check_detection,
    'cityscapes': _cityscapes,
    'ade20k': _ade20k,
    'wt-sem': check_wt_sem,
    'camvid': _camvid,
    'walking-tours': _walking_tours,
    'videos': _videos,
    'scenes': _scenes,
}
"""Check by name of a data set."""
