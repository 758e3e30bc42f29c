"""The empirical simulation of subcrops: by hand, against naive loops, its figures."""

import csv

import numpy as np
import pytest
from PIL import Image

from poodle_mm.catalog import CATALOG, STREET_CLASSES
from poodle_mm.datasets.transforms.crop import place_box
from poodle_mm.evaluation.empirical_subcrops import (
    SubcropDraws,
    SubcropSimulation,
    draw_boxes,
    label_subcrops,
    quantile_bins,
    relative_change,
    simulate_subcrops,
)
from poodle_mm.experiments.figures.empirical_subcrops import foreground_of
from tests.test_datasets.test_preparation.tools import run_main

SCENES = CATALOG['scenes']
FOREGROUND = [STREET_CLASSES.index(name) for name in foreground_of('scenes')]


@pytest.fixture
def files(tmp_path):
    """Two images of noise, with pixels of no class."""
    folder = tmp_path / 'root' / 'labels' / 'train'
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for number, size in enumerate([(30, 50), (24, 60)]):
        label = rng.choice([0, 5, 10, 13, 255], size=size, p=[0.5, 0.05, 0.2, 0.15, 0.1])
        label[8:14, 10:20] = 13
        Image.fromarray(label.astype(np.uint8)).save(folder / f'{number}.png')
    return sorted(folder.iterdir())


def test_label_of_a_subcrop_by_hand():
    """Classes 0 and 1 are background."""
    shares = [
        [0.6, 0.3, 0.1, 0.0],  # a tenth is not more than a tenth
        [0.6, 0.29, 0.06, 0.05],  # together they are
        [0.2, 0.0, 0.3, 0.5],
        [0.0, 0.0, 0.05, 0.0],  # the rest has no class
        [0.1, 0.3, 0.0, 0.0],
    ]
    assert label_subcrops(np.array(shares), [2, 3]).tolist() == [0, 2, 3, -1, 1]


def test_bins_by_hand():
    sizes, hits = np.array([3.0, 1, 0, 2, 4, 5]), np.array([30.0, 10, 99, 20, 40, 90])
    assert quantile_bins(sizes, hits, bins=2) == [(2, 20, 3), (4.5, 65, 2)]
    assert [count for *_, count in quantile_bins(sizes, hits)] == [1] * 5


def test_change_by_hand():
    """A quarter of the labelled pixels gets a half of the labels: twice as many."""
    simulation = SubcropSimulation(
        images=1,
        image_pixels=np.array([0.6, 0.2, 0.0]),
        pixels=np.zeros((2, 3)),
        hits=np.zeros((2, 3)),
        labels=np.array([[3, 5, 0], [2, 0, 0]]),
    )
    pixels, subcrops, change = relative_change(simulation)
    assert pixels.tolist() == pytest.approx([0.75, 0.25, 0])
    assert subcrops.tolist() == [0.5, 0.5, 0]
    assert change[:2].tolist() == pytest.approx([-1 / 3, 1]) and np.isnan(change[2])


def test_boxes_are_uniform_within_the_crop():
    draws = SubcropDraws(subcrops=20_000, area=(0.02, 0.06), aspect=(0.5, 2))
    crop = (100, 50, 500, 250)
    boxes = draw_boxes(np.random.default_rng(0), crop, draws)
    x0, y0, x1, y1 = boxes.T
    assert (x0.min(), y0.min(), x1.max(), y1.max()) == crop
    area = (x1 - x0) * (y1 - y0) / (400 * 200)
    assert area.mean() == pytest.approx(0.04, rel=0.01)
    assert area.min() > 0.019 and area.max() < 0.062
    logarithms = np.log((x1 - x0) / (y1 - y0))
    assert abs(logarithms.mean()) < 0.02 and np.abs(logarithms).max() < np.log(2.1)
    left = (x0 - 100) / (400 - (x1 - x0))
    np.testing.assert_allclose(np.quantile(left, [0.1, 0.5, 0.9]), [0.1, 0.5, 0.9], atol=0.02)


def test_equals_naive_loops(files):
    draws = SubcropDraws(subcrops=40, area=(0.02, 0.2))
    found = simulate_subcrops(files, SCENES, FOREGROUND, draws, seed=3)
    row = 0
    for index, file in enumerate(files):
        label = np.asarray(Image.open(file))
        rng = np.random.default_rng((3, index))
        for _ in range(2):
            crop, _ = place_box(rng, label.shape, rng.uniform(0.16, 0.45))
            hits, labels = np.zeros(19), np.zeros(19)
            for x0, y0, x1, y1 in draw_boxes(rng, crop, draws):
                part = label[y0:y1, x0:x1].ravel().tolist()
                counts = {c: part.count(c) for c in (0, 5, 10, 13)}
                for c, count in counts.items():
                    hits[c] += count >= 0.05 * len(part)
                kind = (5, 13) if counts[5] + counts[13] > 0.1 * len(part) else (0, 10)
                labels[max(kind, key=counts.get)] += max(counts[c] for c in kind) > 0
            cut = label[crop[1] : crop[3], crop[0] : crop[2]]
            shares = [(cut == c).mean() for c in range(19)]
            np.testing.assert_allclose(found.pixels[row], shares)
            np.testing.assert_allclose(found.hits[row], hits / 40)
            assert found.labels[row].tolist() == labels.tolist()
            row += 1
    whole = [np.mean([(np.asarray(Image.open(f)) == c).mean() for f in files]) for c in range(19)]
    np.testing.assert_allclose(found.image_pixels, whole)


def test_foreground_of_each_data_set():
    assert foreground_of('camvid') == ['pole', 'sign', 'car', 'pedestrian', 'bicyclist']
    paper = 'wall,pole,traffic light,traffic sign,person,rider,car,truck,bus,train,motorcycle'
    assert foreground_of('bdd100k') == [*paper.split(','), 'bicycle']
    assert foreground_of('camvid', ['sky', 'road'])[:2] == ['building', 'pole']
    with pytest.raises(ValueError, match='no class lake'):
        foreground_of('camvid', ['lake'])
    with pytest.raises(ValueError, match='area must be'):
        SubcropDraws(area=(0.3, 0.2))


def test_script_writes_both_figures(repo, files, tmp_path, monkeypatch, capsys):
    tool = repo / 'tools' / 'analysis' / 'empirical_subcrops.py'
    known = dict(monkeypatch=monkeypatch, capsys=capsys)
    out = tmp_path / 'made' / 'figure'
    root = files[0].parents[2]
    arguments = ('scenes', root, '--subcrops', 50, '--area', 0.05, 0.1, '--out', out)
    code, text, _ = run_main(tool, *arguments, **known)
    assert code == 0 and 'scenes train, 2 images, 4 crops of 50 subcrops' in text
    tables = []
    for name in ('figure.csv', 'figure_classes.csv'):
        with open(out.with_name(name), newline='') as file:
            tables.append([*csv.DictReader(file)])
        assert out.with_name(name).with_suffix('.png').stat().st_size > 10_000
    hits, change = tables
    assert [row['class'] for row in hits] == ['all objects'] * 8 + ['pole'] * 4 + ['car'] * 4
    assert {row['class']: row['kind'] for row in change} == dict(
        road='background', sky='background', pole='foreground', car='foreground'
    )
    assert sum(float(row['subcrops_percent']) for row in change) == pytest.approx(100)
    code, _, err = run_main(tool, *arguments, '--background', 'lake', **known)
    assert code == 2 and 'no class lake' in err
