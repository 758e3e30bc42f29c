"""Shares of the pixels by class: by hand, and real labels against a count of all pixels."""

import csv

import numpy as np
import pytest
from PIL import Image

from poodle_mm.catalog import CAMVID_CLASSES, CATALOG
from poodle_mm.datasets.label_files import label_files, read_classes
from tests.test_datasets.test_preparation.tools import run_main


@pytest.fixture
def street(tmp_path):
    """Six images of 10 x 10 pixels: road, in all of them sky above it, in one a pole."""
    folder = tmp_path / 'street' / 'labels' / 'train'
    folder.mkdir(parents=True)
    for number in range(6):
        label = np.zeros((10, 10), np.uint8)
        label[:3] = 10
        label[9] = 255
        if number == 0:
            label[8, 0] = 5
        Image.fromarray(label).save(folder / f'{number}.png')
    return tmp_path / 'street'


def test_shares_by_hand(repo, street, tmp_path, monkeypatch, capsys):
    tool = repo / 'tools' / 'analysis' / 'class_distribution.py'
    known = dict(monkeypatch=monkeypatch, capsys=capsys)
    out = tmp_path / 'made' / 'classes'
    code, text, _ = run_main(tool, 'scenes', street, '--out', out, **known)
    assert code == 0 and 'pole (0.17 % of the pixels)' in text and 'no class: 10.0 %' in text
    with open(out.with_suffix('.csv'), newline='') as file:
        rows = [*csv.DictReader(file)]
    assert [row['class'] for row in rows[:3]] == ['road', 'sky', 'pole']
    found = [float(row['pixels_percent']) for row in rows]
    assert found == pytest.approx([60 - 1 / 6, 30, 1 / 6, *[0] * 16])
    assert float(rows[2]['image_percent']) == 1 and rows[2]['size'] == 'small'
    assert rows[2]['frequency'] == 'rare' and rows[3]['size'] == ''
    code, _, err = run_main(tool, 'scenes', street, '--split', 'val', '--out', out, **known)
    assert code == 2 and 'root must be that of scenes' in err
    code, _, err = run_main(tool, 'bdd100k', street, '--split', 'test', '--out', out, **known)
    assert code == 2 and 'labels of train, val' in err


def test_files_are_spread_evenly(test_data):
    root = test_data / 'camvid'
    every = label_files('camvid', root, 'val')
    assert len(every) == 101 and label_files('camvid', root, 'val', 200) == every
    assert label_files('camvid', root, 'val', 2) == [every[25], every[75]]
    label = read_classes(every[0], CATALOG['camvid'])
    raw = np.asarray(Image.open(every[0]))
    assert (label == 255).sum() == (raw == len(CAMVID_CLASSES)).sum() > 0
    assert (label[raw < 11] == raw[raw < 11]).all()


def test_ade20k_counts_from_one(tmp_path):
    Image.fromarray(np.array([[0, 1, 150]], np.uint8)).save(tmp_path / 'a.png')
    assert read_classes(tmp_path / 'a.png', CATALOG['ade20k']).tolist() == [[255, 0, 149]]
