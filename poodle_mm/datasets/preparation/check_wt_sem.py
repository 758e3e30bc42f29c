"""Check of WT-Sem, the published one or one of the user's own videos."""

from pathlib import Path

import numpy as np

from poodle_mm.datasets.files import list_files
from poodle_mm.datasets.labels import LabelError, read_label
from poodle_mm.datasets.preparation.check_folders import Folders, LabelFormat, check_folders
from poodle_mm.datasets.preparation.check_images import spread
from poodle_mm.datasets.preparation.labelled_frames import read_facts
from poodle_mm.datasets.preparation.report import CheckReport

_COUNTS = dict(train=25_910, val=6_170)
_CLASSES = 150
_LOOK_AT = 200


def check_wt_sem(report: CheckReport, sample: int | None = None) -> None:
    """Compare names and numbers, open images and labels, and tell how labels seem to be stored.

    Folders of ``tools/dataset_converters/pseudo_label.py`` are known by their JSON, which gives
    the number of classes; how many frames they hold is then the user's business.

    Args:
        report: Is added to.
        sample: How many files of each folder are opened; None opens all.
    """
    root = Path(report.root)
    facts = read_facts(root)
    classes = len(facts['classes']) if facts else _CLASSES
    suffix = _image_suffix(root)
    if suffix != '.jpg':
        report.notes.append(
            f"images are {suffix} files: set img_suffix='{suffix}' of the data sets in the config"
        )
    form = LabelFormat(suffix, '.png', range(classes + 1))
    for split, count in _COUNTS.items():
        expected = None if facts else count
        folders = Folders(f'images/{split}', f'annotations/{split}', expected)
        check_folders(report, folders, form, sample)
    if not facts:
        _note_convention(report)


def _image_suffix(root: Path) -> str:
    """Of the first kind that there is."""
    kinds = ('.jpg', '.png', '.jpeg')
    return next((k for k in kinds if list_files(root / 'images' / 'train', k)), kinds[0])


def _note_convention(report: CheckReport) -> None:
    """Tell ADE20K's ids (0 = other, 1 to 150) from ids that begin with the first class."""
    folder = Path(report.root, 'annotations', 'train')
    found = np.zeros(256, bool)
    for name in spread(list_files(folder, '.png'), _LOOK_AT):
        try:
            found[np.unique(read_label(folder / name))] = True
        except LabelError:  # the check has told of it
            continue
    if found[0] and not found[_CLASSES]:
        report.notes.append(
            'annotations/train: 0 occurs and 150 does not, so that ids may begin with the first '
            'class instead of "other" (wall, 0 or 1, is in most images with walls): look at a '
            'label, and if so set reduce_zero_label=False of the data sets in the config'
        )
