"""Class groups from label files: by hand, against a naive loop on real labels, wrong files."""

import json
from dataclasses import asdict

import numpy as np
import pytest
from mmengine.config import Config
from PIL import Image

from poodle_mm.catalog import CAMVID_CLASSES
from poodle_mm.evaluation.class_groups import groups_of, label_statistics, table7
from poodle_mm.utils.files import write_json
from tests.test_datasets.test_preparation.tools import run_main


def write(folder, labels):
    folder.mkdir(parents=True, exist_ok=True)
    for number, label in enumerate(labels):
        Image.fromarray(np.asarray(label, np.uint8)).save(folder / f'{number}.png')
    return folder


@pytest.fixture
def by_hand(tmp_path):
    """Ten 10x20 images: 0 everywhere; 1 in one, 2 in two, 3 in three of them, 4 nowhere.

    Class 1 covers a half, class 2 two pixels of 200 (1 %), class 3 three of 200.
    """
    labels = np.zeros((10, 10, 20), np.uint8)
    labels[0, :, :10] = 1
    labels[1:3, 0, :2] = 2
    labels[3:6, 1, :3] = 3
    labels[:, 9, 10:] = 255
    return write(tmp_path / 'labels', labels)


def test_groups_by_hand(by_hand):
    statistics = label_statistics(by_hand, 'abcde')
    np.testing.assert_allclose(statistics.area[1:4], [0.5, 0.01, 0.015])
    zero = [0.95 - share for share in (0.5, *[0.01] * 2, *[0.015] * 3, *[0] * 4)]
    np.testing.assert_allclose(statistics.area[0], np.mean(zero))
    assert statistics.area[4] is None
    assert statistics.presence == (1, 0.1, 0.2, 0.3, 0)
    # the borders belong below: 1 % is small, 20 % is rare
    assert statistics.groups == dict(small=[2], large=[0, 1, 3], rare=[1, 2], common=[0, 3])
    assert statistics.images == 10


def test_table_is_sorted_and_complete(by_hand):
    lines = table7(label_statistics(by_hand, ['road', 'bus', 'pole', 'sign', 'train'])).splitlines()
    assert [line.split()[1] for line in lines[2:7]] == ['road', 'bus', 'sign', 'pole', 'train']
    assert lines[5] == '| pole | 1.00 | 0.20 | 20.0 | small rare |'
    assert lines[6] == '| train | – | – | 0.0 | none: never appears |'


def test_the_metric_reads_the_file(by_hand, tmp_path):
    metric = pytest.importorskip('poodle_mm.evaluation.segmentation.class_group_iou')
    path = tmp_path / 'groups.json'
    statistics = label_statistics(by_hand, 'abcde')
    write_json(path, asdict(statistics))
    groups = metric.read_groups(str(path))
    assert groups == statistics.groups
    assert metric.class_ids(groups['large'], 'abcde') == [0, 1, 3]


def test_real_labels_against_a_naive_loop(test_data):
    """CamVid: void, 11, counts as pixels of the image but is no class."""
    folder = test_data / 'camvid' / 'labels' / 'val'
    statistics = label_statistics(folder, CAMVID_CLASSES, ignore=(11,))
    labels = [np.asarray(Image.open(path)) for path in folder.iterdir()]
    for number in range(11):
        shares = [(label == number).mean() for label in labels if (label == number).any()]
        assert statistics.presence[number] == pytest.approx(len(shares) / len(labels))
        assert statistics.area[number] == pytest.approx(np.mean(shares))
        size = 'small' if np.mean(shares) <= 0.01 else 'large'
        frequency = 'common' if len(shares) > 0.2 * len(labels) else 'rare'
        assert {name for name, ids in statistics.groups.items() if number in ids} == {
            size,
            frequency,
        }


def test_ade20k_counts_from_one(tmp_path, test_data):
    get_classes = pytest.importorskip('mmseg.utils').get_classes
    folder = write(tmp_path / 'a', [[[0, 1], [1, 2]]])
    statistics = label_statistics(folder, ['wall', 'building'], reduce_zero_label=True)
    assert statistics.area == (0.5, 0.25)
    real = test_data / 'ade20k' / 'annotations' / 'validation'
    statistics = label_statistics(real, get_classes('ade20k'), reduce_zero_label=True)
    labels = [np.asarray(Image.open(path)) for path in real.iterdir()]
    sky = statistics.classes.index('sky')
    assert statistics.area[sky] == pytest.approx(np.mean([(a == 3).mean() for a in labels]))
    write(tmp_path / 'b', [[[255, 1]]])
    with pytest.raises(ValueError, match=r'0\.png.*\[255\]'):
        label_statistics(tmp_path / 'b', ['wall'], reduce_zero_label=True)


@pytest.mark.parametrize(
    ('kind', 'other', 'chosen'),
    [
        # 0 and 255 are no class; class i is stored as i + 1
        ('ADE20KDataset', (0, 255), dict(wall=1, building=2, sky=3)),
        # 11 is void
        ('CamVidDataset', (11, 255), dict(sky=0, building=1, pole=2)),
    ],
)
def test_groups_of_a_config(tmp_path, kind, other, chosen):
    """The first class fills half of all ten images, the second one pixel of two, the third none."""
    pytest.importorskip('poodle_mm.evaluation.segmentation')
    first, second, _ = chosen
    labels = np.full((10, 10, 20), other[0], np.uint8)
    labels[:, :5] = chosen[first]
    labels[:2, 9, 0] = chosen[second]
    labels[:, 8] = other[1]
    write(tmp_path / 'labels', labels)
    (tmp_path / 'images').mkdir()
    for number in range(10):
        (tmp_path / 'images' / f'{number}.jpg').touch()
    folders = dict(img_path='images', seg_map_path='labels')
    dataset = dict(type=kind, data_root=str(tmp_path), data_prefix=folders, img_suffix='.jpg')
    found = groups_of(Config(dict(train_dataloader=dict(dataset=dataset))))
    assert found == dict(small=[second], large=[first], rare=[second], common=[first])


@pytest.mark.parametrize(
    ('label', 'message'),
    [
        (np.full((4, 4), 5), r'2\.png: holds ids that are no classes \(ids \[5\]\)'),
        (np.zeros((4, 4, 3)), r'2\.png: a colour map'),
    ],
)
def test_a_wrong_file_is_named(tmp_path, label, message):
    write(tmp_path, [np.zeros((4, 4)), np.zeros((4, 4)), label])
    with pytest.raises(ValueError, match=message):
        label_statistics(tmp_path, 'abcde')


def test_no_labels(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'_labelTrainIds\.png'):
        label_statistics(tmp_path, 'ab', suffix='_labelTrainIds.png')


def test_tool(repo, by_hand, tmp_path, test_data, monkeypatch, capsys):
    tool = repo / 'tools' / 'analysis' / 'class_groups.py'
    arguments = dict(monkeypatch=monkeypatch, capsys=capsys)
    out = tmp_path / 'groups.json'
    code, text, _ = run_main(
        tool, '--labels', by_hand, '--num-classes', 5, '--out', out, **arguments
    )
    assert code == 0 and '10 images' in text
    assert json.loads(out.read_text())['groups']['small'] == [2]
    names = ('--classes', 'a', 'b')
    code, _, err = run_main(tool, '--labels', by_hand, '--num-classes', 5, *names, **arguments)
    assert code == 2 and '--num-classes 5, but 2 names' in err
    code, _, err = run_main(tool, '--labels', by_hand, **arguments)
    assert code == 2 and '--classes' in err
    labels = test_data / 'cityscapes' / 'gtFine'
    code, text, _ = run_main(tool, '--labels', labels, '--classes', 'cityscapes', **arguments)
    assert code == 0 and '5 images' in text and 'traffic light' in text
