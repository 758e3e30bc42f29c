"""The toy simulation: known values, an integration without pixels, the script."""

import csv

import numpy as np
import pytest

from poodle_mm.experiments.figures.toy_subcrops import AREAS, SIZE, hits_by_share
from tests.test_datasets.test_preparation.tools import run_main

# percent of the frame: percent of square subcrops with at least 5 % of the disc; the source is an
# independent integration
KNOWN = {1: 11.7, 2: 16.5, 4: 23.9, 9: 36.2, 15: 46.4, 24: 57.4, 40: 71.8, 61: 92.2}


def test_known_probabilities():
    _, hits = hits_by_share([share / 100 for share in KNOWN])
    assert (100 * hits[:, 0]).tolist() == pytest.approx([*KNOWN.values()], abs=1)
    assert (hits[:, 1] < hits[:, 0]).all()


def test_equals_an_integration_of_chords():
    """No pixels: circles of real radius, chords for areas, places on a coarse grid of midpoints."""
    height, width = SIZE
    shares = np.array([0.01, 0.09, 0.4, 0.61])
    radii = np.linspace(1, width, 4000)
    x = (np.arange(2000) + 0.5) / 2000 * width / 2
    half = np.minimum(np.sqrt(np.maximum(radii[:, None] ** 2 - x**2, 0)), height / 2)
    radius = np.interp(shares, half.mean(axis=1) * 2 / height, radii)
    expected = []
    for r in radius:
        hit = []
        for area in AREAS:
            side = np.sqrt(area * height * width)
            # a quarter of the places: the others mirror them
            u = -width / 2 + (np.arange(100) + 0.5) / 100 * (width - side) / 2
            v = -height / 2 + (np.arange(60) + 0.5) / 60 * (height - side) / 2
            across = u[:, None] + (np.arange(60) + 0.5) / 60 * side
            chord = np.sqrt(np.maximum(r**2 - across**2, 0))[:, None]
            top, bottom = v[:, None], v[:, None] + side
            inside = np.minimum(bottom, chord) - np.maximum(top, -chord)
            hit.append((np.maximum(inside, 0).mean(axis=-1) >= 0.05 * side).mean())
        expected.append(100 * np.mean(hit))
    _, hits = hits_by_share(shares)
    assert (100 * hits[:, 0]).tolist() == pytest.approx(expected, abs=0.5)


def test_script_writes_what_it_says(repo, tmp_path, monkeypatch, capsys):
    tool = repo / 'tools' / 'analysis' / 'toy_subcrops.py'
    known = dict(monkeypatch=monkeypatch, capsys=capsys)
    small = ('--size', 64, 128, '--steps', 10, '--out', tmp_path / 'toy')
    code, text, _ = run_main(tool, *small, **known)
    assert code == 0 and (tmp_path / 'toy.txt').read_text() in text
    with open(tmp_path / 'toy.csv', newline='') as file:
        rows = [*csv.DictReader(file)]
    assert [round(float(row['pixels_percent'])) for row in rows] == [*range(10, 101, 10)]
    hits = [float(row['hit_0.05_percent']) for row in rows]
    assert hits == sorted(hits) and hits[-1] == 100 and f'{hits[3]:.1f} %' in text
    assert all(hit > float(row['pixels_percent']) for hit, row in zip(hits[:-1], rows))
    code, _, err = run_main(tool, *small, '--threshold', 5, **known)
    assert code == 2 and 'shares of a subcrop' in err
