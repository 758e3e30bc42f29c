"""CamVid as SegNet's tutorial lays it out, to the layout that our configs read."""

import os
import shutil
from pathlib import Path

from PIL import Image

from poodle_mm.catalog import CATALOG
from poodle_mm.datasets.files import file_problem, find_files
from poodle_mm.datasets.labels import read_label
from poodle_mm.utils.files import replacing
from poodle_mm.utils.progress import Progress


def convert_camvid(
    source: str | os.PathLike, target: str | os.PathLike, quality: int = 95
) -> dict[str, int]:
    """``{split}/*.png`` and ``{split}annot/*.png`` to ``images/{split}`` and ``labels/{split}``.

    Images become JPEGs, which is what ``CamVidDataset`` reads; labels are copied. Files that are
    there already are kept, so that it can be interrupted.

    Args:
        source: Folder ``CamVid`` of the SegNet tutorial.
        target: Folder to write to.
        quality: Quality of the JPEGs, 1 to 100.

    Returns:
        Number of images by split.

    Raises:
        FileNotFoundError: If a folder or an image's label is missing.
        ValueError: If a label does not hold CamVid's ids, or an image is no file.
    """
    source, target, splits = Path(source), Path(target), CATALOG['camvid'].splits
    files = {split: find_files(source / split, ('.png',)) for split in splits}
    for split, names in files.items():
        for name in Progress(names, desc=split, unit='image'):
            old_image, label = source / split / name, source / f'{split}annot' / name
            if not label.is_file():
                raise FileNotFoundError(f'{label}: no label of {old_image}')
            new_label = target / splits[split].labels / name
            if not new_label.exists():
                read_label(label, CATALOG['camvid'].label_ids)
                with replacing(new_label) as temporary:
                    shutil.copyfile(label, temporary)
            new_image = (target / splits[split].images / name).with_suffix('.jpg')
            if not new_image.exists():
                if problem := file_problem(old_image):
                    raise ValueError(f'{old_image}: {problem}')
                with Image.open(old_image) as image, replacing(new_image) as temporary:
                    image.convert('RGB').save(temporary, quality=quality)
    return {split: len(names) for split, names in files.items()}
