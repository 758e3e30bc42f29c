"""Check of a split of a labelled data set: images, labels, and that they belong together."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

from poodle_mm.datasets.files import list_files
from poodle_mm.datasets.preparation.check_images import check_images, check_labels, note_hidden
from poodle_mm.datasets.preparation.report import CheckReport

_OLD_BDD_SUFFIX = '_train_id.png'


@dataclass(frozen=True)
class Folders:
    """A split of a labelled data set.

    Attributes:
        images: Folder of the images, relative to the root.
        labels: Folder of the labels; None where the split has none.
        count: Number of images; None where unknown.
        optional: Whether the split may be absent.
    """

    images: str
    labels: str | None
    count: int | None
    optional: bool = False


@dataclass(frozen=True)
class LabelFormat:
    """How a data set names and encodes.

    Attributes:
        image_suffix: End of the images' names.
        label_suffix: End of the labels' names, which begin as the image's.
        ids: Legal ids.
    """

    image_suffix: str
    label_suffix: str
    ids: Collection[int]


def check_folders(
    report: CheckReport, folders: Folders, form: LabelFormat, sample: int | None = None
) -> None:
    """Compare names, then open images and labels.

    Args:
        report: Is added to.
        folders: The split.
        form: Names and ids.
        sample: How many of its images and labels are opened; None opens all.
    """
    root = Path(report.root)
    images = list_files(root / folders.images, form.image_suffix)
    report.count(folders.images, len(images), folders.count, folders.optional)
    note_hidden(report, folders.images)
    if folders.labels is None:
        check_images(report, folders.images, images, sample)
        return
    labels = list_files(root / folders.labels, form.label_suffix)
    report.count(folders.labels, len(labels), folders.count, folders.optional)
    note_hidden(report, folders.labels)
    if labels and all(name.endswith(_OLD_BDD_SUFFIX) for name in labels):
        report.add(
            folders.labels,
            f'labels of 2018, named *{_OLD_BDD_SUFFIX}',
            "take BDD100K's labels of 2020 (labels/sem_seg/masks), or set "
            f"seg_map_suffix='{_OLD_BDD_SUFFIX}' in the config",
            labels,
        )
        form = replace(form, label_suffix=_OLD_BDD_SUFFIX)
    by_stem = {name.removesuffix(form.image_suffix): name for name in images}
    label_by_stem = {name.removesuffix(form.label_suffix): name for name in labels}
    if not labels and images:
        _advise_on_missing_labels(report, folders, form)
    elif images:
        report.add(
            folders.images,
            f'image without its label in {folders.labels}',
            'copy or unpack the labels again',
            (name for stem, name in by_stem.items() if stem not in label_by_stem),
        )
        report.add(
            folders.labels,
            f'label without its image in {folders.images}',
            'copy or unpack the images again',
            (name for stem, name in label_by_stem.items() if stem not in by_stem),
        )
    both = sorted(by_stem.keys() & label_by_stem.keys())
    sizes = check_images(report, folders.images, [by_stem[stem] for stem in both], sample)
    wanted = {label_by_stem[stem]: sizes.get(by_stem[stem]) for stem in both}
    check_labels(report, folders.labels, wanted, form.ids, sample)


def _advise_on_missing_labels(report: CheckReport, folders: Folders, form: LabelFormat) -> None:
    root = Path(report.root, folders.labels)
    advice = 'unpack the labels to this folder'
    if list_files(root, '_gtFine_labelIds.png'):
        advice = f'python tools/dataset_converters/cityscapes_train_ids.py {root}'
    report.add(folders.labels, f'no file *{form.label_suffix}', advice, [folders.labels])
