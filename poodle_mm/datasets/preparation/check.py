"""Check of a data set by its name: what the catalog tells of it against what is there."""

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from poodle_mm.catalog import CATALOG, Videos
from poodle_mm.datasets.files import list_files
from poodle_mm.datasets.preparation.check_detection import check_detection
from poodle_mm.datasets.preparation.check_folders import check_folders
from poodle_mm.datasets.preparation.check_videos import check_videos
from poodle_mm.datasets.preparation.check_wt_sem import check_wt_sem
from poodle_mm.datasets.preparation.report import CheckReport
from poodle_mm.datasets.remote.urls import is_url, url_or_folder
from poodle_mm.utils.shards import WHOLE, Shard

CHECKS = (*CATALOG, 'bdd100k-det', 'videos')
"""Names of what can be checked: data sets, BDD100K's boxes, any tree of videos."""


def check_data(
    dataset: str, root: str | os.PathLike, sample: int | None = None, shard: Shard = WHOLE
) -> CheckReport:
    """Check a data set.

    Args:
        dataset: One of :data:`CHECKS`.
        root: Folder of the data set; of ``'videos'`` also a URL.
        sample: Number of files of each folder that are opened; None opens all images and labels,
            and decodes a frame of 100 videos.
        shard: Part of the files to open.

    Raises:
        FileNotFoundError: If there is no such folder.
        ValueError: If there is no such data set, ``sample`` is not positive, or images are to be
            read from a URL.
    """
    if dataset not in CHECKS:
        raise ValueError(f'unknown data set {dataset!r}: one of {", ".join(CHECKS)}')
    if sample is not None and sample < 1:
        raise ValueError(f'sample must be positive, got {sample}')
    if is_url(root) and dataset != 'videos':
        raise ValueError(f'{root}: of URLs only videos are checked (check_data videos URL)')
    if not is_url(root) and not Path(root).is_dir():
        raise FileNotFoundError(
            f'{Path(root).absolute()}: no such folder; docs/data.md tells what it should hold'
        )
    report = CheckReport(dataset, url_or_folder(root) if is_url(root) else root, shard)
    _SPECIAL.get(dataset, _check_catalog)(report, sample)
    return report


def _check_catalog(report: CheckReport, sample: int | None) -> None:
    data = CATALOG[report.title]
    for videos in data.videos.values():
        check_videos(report, videos, sample or 100)
    for split in data.splits.values():
        check_folders(report, split, data, sample)


def _check_scenes(report: CheckReport, sample: int | None) -> None:
    """The folder itself tells how many scenes there should be."""
    meta = Path(report.root, 'meta.json')
    counts = json.loads(meta.read_text())['counts'] if meta.is_file() else {}
    if not counts:
        advice = 'run tools/make_scenes.py again with the same arguments: it goes on'
        report.add_once('meta.json', 'missing: the set is unfinished', advice, ['meta.json'])
    data = CATALOG['scenes']
    for name, split in data.splits.items():
        count = counts.get(name)
        videos = replace(data.videos[name], count=count, optional=not count)
        check_videos(report, videos, sample or 100)
        images = len(list_files(Path(report.root, split.images), data.img_suffix))
        check_folders(report, replace(split, count=images, optional=not count), data, sample)
        boxes = Path(report.root, 'annotations', f'{name}.json')
        listed = len(json.loads(boxes.read_text())['images']) if boxes.is_file() else 0
        report.count(f'annotations/{name}.json', listed, images, optional=True)


_SPECIAL: dict[str, Callable[[CheckReport, int | None], None]] = {
    'bdd100k-det': check_detection,
    'wt-sem': check_wt_sem,
    'scenes': _check_scenes,
    'videos': lambda report, sample: check_videos(report, Videos('.'), sample or 100),
}
