"""Check of a split of a labelled data set: images, labels, and that they belong together."""

from dataclasses import replace
from pathlib import Path

from poodle_mm.catalog import DataSet, Split
from poodle_mm.datasets.files import list_files
from poodle_mm.datasets.preparation.check_images import check_images, check_labels, note_hidden
from poodle_mm.datasets.preparation.cityscapes import LABEL_IDS_SUFFIX
from poodle_mm.datasets.preparation.report import CheckReport

_OLD_BDD_SUFFIX = '_train_id.png'


def check_folders(
    report: CheckReport, split: Split, data: DataSet, sample: int | None = None
) -> None:
    """Compare names, then open ``sample`` images and labels, or all, and add to the report."""
    root = Path(report.root)
    images = list_files(root / split.images, data.img_suffix)
    report.count(split.images, len(images), split.count, split.optional)
    note_hidden(report, split.images)
    if split.labels is None:
        check_images(report, split.images, images, sample)
        return
    labels = list_files(root / split.labels, data.seg_map_suffix)
    report.count(split.labels, len(labels), split.count, split.optional)
    note_hidden(report, split.labels)
    if labels and all(name.endswith(_OLD_BDD_SUFFIX) for name in labels):
        report.add_once(
            split.labels,
            f'labels of 2018, named *{_OLD_BDD_SUFFIX}',
            "take BDD100K's labels of 2020 (labels/sem_seg/masks), or set "
            f"seg_map_suffix='{_OLD_BDD_SUFFIX}' in the config",
            labels,
        )
        data = replace(data, seg_map_suffix=_OLD_BDD_SUFFIX)
    by_stem = {name.removesuffix(data.img_suffix): name for name in images}
    label_by_stem = {name.removesuffix(data.seg_map_suffix): name for name in labels}
    if not labels and images:
        advice = 'unpack the labels to this folder'
        if list_files(root / split.labels, LABEL_IDS_SUFFIX):
            script = 'tools/dataset_converters/cityscapes_train_ids.py'
            advice = f'python {script} {root / split.labels}'
        report.add_once(split.labels, f'no file *{data.seg_map_suffix}', advice, [split.labels])
    elif images:
        report.add_once(
            split.images,
            f'image without its label in {split.labels}',
            'copy or unpack the labels again',
            (name for stem, name in by_stem.items() if stem not in label_by_stem),
        )
        report.add_once(
            split.labels,
            f'label without its image in {split.images}',
            'copy or unpack the images again',
            (name for stem, name in label_by_stem.items() if stem not in by_stem),
        )
    both = sorted(by_stem.keys() & label_by_stem.keys())
    sizes = check_images(report, split.images, [by_stem[stem] for stem in both], sample)
    wanted = {label_by_stem[stem]: sizes.get(by_stem[stem]) for stem in both}
    check_labels(report, split.labels, wanted, data.label_ids, sample)
