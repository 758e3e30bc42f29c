"""Cityscapes' train ids against the official ones, CamVid's layout."""

import os
import shutil

import numpy as np
import pytest
from PIL import Image

from poodle_mm.datasets.files import list_files
from poodle_mm.datasets.labels import LabelError, read_label
from poodle_mm.datasets.preparation.camvid import convert_camvid
from poodle_mm.datasets.preparation.check import check_data
from poodle_mm.datasets.preparation.cityscapes import convert_tree, to_train_ids
from tests.test_datasets.test_labels import save

SPLITS = ('train', 'val', 'test')


def test_real_train_ids(test_data, tmp_path):
    """The official labelTrainIds of real images come out, pixel by pixel."""
    source = test_data / 'cityscapes' / 'gtFine' / 'train' / 'aachen'
    wanted = sorted(source.glob('*_gtFine_labelTrainIds.png'))
    for path in source.glob('*_gtFine_labelIds.png'):
        shutil.copy(path, tmp_path)
    assert convert_tree(tmp_path, workers=2) == (5, 0)
    for path in wanted:
        np.testing.assert_array_equal(read_label(tmp_path / path.name), read_label(path))
    assert convert_tree(tmp_path) == (0, 5)


def test_all_label_ids():
    """The table of Cityscapes' label definitions, written out."""
    want = {
        7: 0, 8: 1, 11: 2, 12: 3, 13: 4, 17: 5, 19: 6, 20: 7, 21: 8, 22: 9, 23: 10, 24: 11, 25: 12,
        26: 13, 27: 14, 28: 15, 31: 16, 32: 17, 33: 18,
    }  # fmt: skip
    ids = np.arange(34, dtype=np.uint8)[None]
    np.testing.assert_array_equal(to_train_ids(ids)[0], [want.get(i, 255) for i in range(34)])
    with pytest.raises(ValueError, match=r'0 to 33, got 40'):
        to_train_ids(np.array([[40]], np.uint8))


def test_a_wrong_cityscapes_label_is_named(tmp_path):
    path = save(tmp_path / 'a_gtFine_labelIds.png', np.full((4, 4), 200, np.uint8))
    with pytest.raises(ValueError, match=r'a_gtFine_labelIds\.png.*got 200'):
        convert_tree(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(ValueError, match=r'a_gtFine_labelIds\.png: truncated'):
        convert_tree(tmp_path)
    with pytest.raises(FileNotFoundError, match='labelIds'):
        convert_tree(tmp_path / 'nowhere')


def segnet(test_data, root, count=2):
    """The tutorial's layout (PNG images) from a few real frames."""
    for split in SPLITS:
        for path in sorted((test_data / 'camvid' / 'labels' / split).iterdir())[:count]:
            image = Image.open(test_data / 'camvid' / 'images' / split / f'{path.stem}.jpg')
            (root / split).mkdir(parents=True, exist_ok=True)
            (root / f'{split}annot').mkdir(parents=True, exist_ok=True)
            image.save(root / split / path.name)
            shutil.copy(path, root / f'{split}annot')
    return root


def test_camvid_layout(test_data, tmp_path):
    source = segnet(test_data, tmp_path / 'CamVid')
    assert convert_camvid(source, tmp_path / 'out') == dict(train=2, val=2, test=2)
    report = check_data('camvid', tmp_path / 'out')
    assert not report.problems and [part.found for part in report.parts] == [2] * 6
    for split in SPLITS:
        for name in list_files(source / split, '.png'):
            image = np.asarray(Image.open(source / split / name)).astype(int)
            jpeg = Image.open(tmp_path / 'out' / 'images' / split / name.replace('.png', '.jpg'))
            assert np.abs(np.asarray(jpeg) - image).mean() < 3
            label = tmp_path / 'out' / 'labels' / split / name
            assert label.read_bytes() == (source / f'{split}annot' / name).read_bytes()
    (tmp_path / 'out' / 'images' / 'val').joinpath(name).with_suffix('.jpg').unlink(missing_ok=True)
    assert convert_camvid(source, tmp_path / 'out') == dict(train=2, val=2, test=2)


def test_camvid_refuses_colours_and_missing_labels(test_data, tmp_path):
    source = segnet(test_data, tmp_path / 'CamVid', count=1)
    (label,) = (source / 'valannot').iterdir()
    save(label, np.zeros((360, 480, 3), np.uint8))
    with pytest.raises(ValueError, match=f'{label.name}: a colour map'):
        convert_camvid(source, tmp_path / 'out')
    label.unlink()
    with pytest.raises(FileNotFoundError, match=f'{label.name}: no label of'):
        convert_camvid(source, tmp_path / 'out')


def test_a_pipe_named_like_an_image_is_not_opened(tmp_path):
    """Opening it would wait for ever; a folder of such a name is none of the files."""
    os.mkfifo(tmp_path / 'a_gtFine_labelIds.png')
    (tmp_path / 'b_gtFine_labelIds.png').mkdir()
    with pytest.raises(LabelError, match=r'a_gtFine_labelIds\.png: .*not a regular file'):
        convert_tree(tmp_path)
    for split in SPLITS:
        save(tmp_path / 'CamVid' / split / 'a.png', np.zeros((4, 4, 3), np.uint8))
        save(tmp_path / 'CamVid' / f'{split}annot' / 'a.png', np.zeros((4, 4), np.uint8))
    pipe = tmp_path / 'CamVid' / 'train' / 'b.png'
    os.mkfifo(pipe)
    save(tmp_path / 'CamVid' / 'trainannot' / 'b.png', np.zeros((4, 4), np.uint8))
    with pytest.raises(ValueError, match=r'train/b\.png: not a regular file'):
        convert_camvid(tmp_path / 'CamVid', tmp_path / 'out')
