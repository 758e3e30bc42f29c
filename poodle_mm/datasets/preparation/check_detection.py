"""Check of BDD100K's detection set."""

import json
from pathlib import Path

from poodle_mm.datasets.files import list_files
from poodle_mm.datasets.preparation.check_images import check_images, note_hidden
from poodle_mm.datasets.preparation.report import CheckReport
from poodle_mm.datasets.preparation.scalabel import IMAGE_SIZE, BoxCounts, frame_boxes, read_frames

# of the 70,000 training images 137 have no entry in det_20
_SPLITS = {'train': (70_000, 69_863), 'val': (10_000, 10_000)}


def check_detection(report: CheckReport, sample: int | None = None) -> None:
    """Compare images, labels and their COCO form; ``sample`` images of a split are opened."""
    for split, (num_images, num_frames) in _SPLITS.items():
        folder = f'images/100k/{split}'
        images = list_files(Path(report.root, folder), '.jpg')
        report.count(folder, len(images), num_images)
        note_hidden(report, folder)
        names = _check_labels(report, split, num_frames, set(images))
        _check_coco(report, split, names)
        check_images(report, folder, images, sample)


def _check_labels(
    report: CheckReport, split: str, expected: int, images: set[str]
) -> set[str] | None:
    """Names of the labelled images, None if the labels cannot be read."""
    name = f'labels/det_20/det_{split}.json'
    try:
        frames = read_frames(Path(report.root, name))
    except (FileNotFoundError, ValueError) as error:
        report.count(name, 0, expected)
        if isinstance(error, ValueError):
            report.add_once(name, 'cannot be read', 'unpack the labels again', [str(error)])
        return None
    report.count(name, len(frames), expected)
    counts = BoxCounts()
    for frame in frames:
        list(frame_boxes(frame, IMAGE_SIZE, counts))
    report.add_once(name, 'invalid label', 'the converter needs --skip-invalid', counts.problems)
    names = {frame['name'] for frame in frames}
    if images:
        report.add_once(
            name,
            f'labelled image that is not in images/100k/{split}',
            'unpack the images again (the labels of 2020 need the 100k images)',
            names - images,
        )
        unlabelled = images - names
        if unlabelled and report.shard.is_first:
            report.note(
                f'images/100k/{split}',
                f'{len(unlabelled)} images have no entry in {name}; they are not used',
            )
    return names


def _check_coco(report: CheckReport, split: str, names: set[str] | None) -> None:
    """The converted file, against the one it was made from."""
    target = f'labels/det_20/det_{split}_coco.json'
    path = Path(report.root, target)
    command = (
        'python tools/dataset_converters/bdd100k_det_to_coco.py '
        f'{Path(report.root)}/labels/det_20/det_{split}.json {path}'
    )
    if not path.is_file():
        if names is not None:
            report.add_once(target, 'not converted yet', command, [target])
        return
    try:
        coco = json.loads(path.read_text(encoding='utf-8'))
        converted = {image['file_name'] for image in coco['images']}
    except (ValueError, KeyError, TypeError) as error:
        report.add_once(target, "not COCO's format", command, [f'{target} ({error})'])
        return
    if names is not None and converted != names:
        detail = f'{len(converted)} images, the labels {len(names)}'
        report.add_once(target, 'made from other labels', command, [f'{target} ({detail})'])
