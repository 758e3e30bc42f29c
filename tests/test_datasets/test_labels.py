"""Label images of all kinds: those that hold class ids are read, all others are named."""

import numpy as np
import pytest
from PIL import Image

from poodle_mm.datasets.labels import (
    COLOURS,
    ILLEGAL,
    LABEL_IDS,
    OTHER_MODE,
    OTHER_SIZE,
    PALETTE,
    UNREADABLE,
    LabelError,
    read_label,
)

TRAIN_IDS = {*range(19), 255}


def save(path, array, palette=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(np.asarray(array))
    if palette is not None:
        image.putpalette(palette)
    image.save(path)
    return path


def test_real_labels_are_read(test_data):
    """Also BDD100K's mask with a palette of grey levels, which gives the same ids."""
    folder = test_data / 'bdd100k/sem_seg_sample'
    label = read_label(folder / 'bdd_to_rle_mask0_3channel.png', TRAIN_IDS, (720, 1280))
    assert label.shape == (720, 1280)
    assert set(np.unique(label)) == {0, 1, 2, 5, 6, 7, 8, 9, 10, 13, 14}
    read_label(folder / 'masks_gt/7d06fefd-f7be05a6.png', TRAIN_IDS)


@pytest.mark.parametrize(
    ('array', 'palette', 'reason'),
    [
        (np.zeros((4, 4, 3), np.uint8), None, COLOURS),
        (np.zeros((4, 4, 4), np.uint8), None, COLOURS),
        (np.zeros((4, 4), np.uint8), [128, 64, 128], PALETTE),
        (np.full((4, 4), 26001, np.uint16), None, OTHER_MODE),
        (np.full((4, 4), 19, np.uint8), None, LABEL_IDS),
        (np.full((4, 4), 100, np.uint8), None, ILLEGAL),
        (np.zeros((4, 5), np.uint8), None, OTHER_SIZE),
    ],
)
def test_other_images_than_labels(tmp_path, array, palette, reason):
    path = save(tmp_path / 'a.png', array, palette)
    with pytest.raises(LabelError) as error:
        read_label(path, TRAIN_IDS, (4, 4))
    assert error.value.reason == reason and str(path) in str(error.value)


def test_ignored_ids_and_palettes(tmp_path):
    ids = np.array([[0, 1, 2], [2, 11, 255]], np.uint8)
    path = save(tmp_path / 'a.png', ids, palette=[7] * 768)
    legal = {0, 1, 2, 11, 255}
    assert read_label(path, legal, any_palette=True).tolist() == ids.tolist()
    label = read_label(path, legal, ignore_index=11, any_palette=True)
    assert label.dtype == np.uint8 and label.tolist() == [[0, 1, 2], [2, 255, 255]]
    with pytest.raises(LabelError, match=r'a\.png: holds ids that are no classes \(ids \[11\]\)'):
        read_label(path, legal - {11}, any_palette=True)
    with pytest.raises(LabelError, match=r'\(3x2, image 3x4\)'):
        read_label(path, legal, (4, 3), any_palette=True)
    with pytest.raises(LabelError, match=PALETTE):
        read_label(path, legal)


def test_every_cut_of_a_label_is_noticed(tmp_path, test_data):
    whole = (test_data / 'ade20k/annotations/validation/ADE_val_00000002.png').read_bytes()
    path = tmp_path / 'a.png'
    for share in (0.0, 0.01, 0.3, 0.9):
        path.write_bytes(whole[: int(share * len(whole))])
        with pytest.raises(LabelError) as error:
            read_label(path)
        assert error.value.reason == UNREADABLE
