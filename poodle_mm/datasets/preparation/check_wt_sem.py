"""Check of WT-Sem, the published one or one of the user's own videos."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from poodle_mm.catalog import CATALOG
from poodle_mm.datasets.files import list_files
from poodle_mm.datasets.labels import LabelError, read_label
from poodle_mm.datasets.preparation.check_folders import check_folders
from poodle_mm.datasets.preparation.check_images import spread
from poodle_mm.datasets.preparation.labelled_frames import read_facts
from poodle_mm.datasets.preparation.report import CheckReport


def check_wt_sem(report: CheckReport, sample: int | None = None) -> None:
    """Compare names and numbers, open images and labels, and tell how labels seem to be stored.

    Folders of ``tools/dataset_converters/pseudo_label.py`` are known by their JSON, which gives
    the number of classes; how many frames they hold is then the user's business.
    """
    data = CATALOG['wt-sem']
    facts = read_facts(report.root)
    folder = Path(report.root, data.splits['train'].images)
    suffix = next((end for end in ('.jpg', '.png', '.jpeg') if list_files(folder, end)), '.jpg')
    if suffix != data.img_suffix:
        report.note(
            data.splits['train'].images,
            f"images are {suffix} files: set img_suffix='{suffix}' of the data sets in the config",
        )
        data = replace(data, img_suffix=suffix)
    if facts:
        data = replace(data, num_classes=len(facts['classes']))
    for split in data.splits.values():
        check_folders(report, replace(split, count=None) if facts else split, data, sample)
    if not facts:
        _note_convention(report, data.splits['train'].labels, data.num_classes)


def _note_convention(report: CheckReport, labels: str, last: int) -> None:
    """Tell ADE20K's ids (0 = other, 1 to 150) from ids that begin with the first class."""
    folder = Path(report.root, labels)
    found = np.zeros(256, bool)
    for name in spread(list_files(folder, '.png'), 200):
        try:
            found[np.unique(read_label(folder / name))] = True
        except LabelError:  # the check has told of it
            continue
    if found[0] and not found[last]:
        report.note(
            labels,
            f'0 occurs and {last} does not, so that ids may begin with the first '
            'class instead of "other" (wall, 0 or 1, is in most images with walls): look at a '
            'label, and if so set reduce_zero_label=False of the data sets in the config',
        )
