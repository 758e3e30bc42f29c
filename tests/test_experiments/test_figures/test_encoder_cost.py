"""Operations of the encoders: the later paper's numbers, the script."""

import csv

import pytest

from poodle_mm.experiments.figures.encoder_cost import ENCODERS, encoder_cost
from tests.test_datasets.test_preparation.tools import run_main

# 10^9 operations at 512 x 1024; those with a note are not the published network
OURS = {
    'R50': 43.3,
    'R50 + SDM': 60.5,
    'R50 + SDM,\nEq. 3': 69.1,
    'R50 + FPN,\nP3 alone': 50.0,
    'R50 + FPN,\nP2–P5 (guess)': 124.4,
    'R50, dilated': 200.7,
    'ViT-S/16': 82.9,
}


@pytest.mark.parametrize('encoder', ENCODERS, ids=lambda encoder: encoder.config)
def test_published_numbers(encoder):
    every, products, _ = encoder_cost(encoder)
    assert round(every, 1) == OURS[encoder.name]
    assert 0.98 * every < products < every
    if not encoder.note or encoder.part == 'pyramid':
        assert round(every, 1) == encoder.published


def test_script(repo, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr('poodle_mm.experiments.figures.encoder_cost.ENCODERS', ENCODERS[:1])
    tool = repo / 'tools' / 'analysis' / 'encoder_cost.py'
    arguments = '--size', 256, 512, '--out', tmp_path / 'cost'
    code, text, _ = run_main(tool, *arguments, monkeypatch=monkeypatch, capsys=capsys)
    assert code == 0 and 'one image of 256 x 512 pixels' in text
    with open(tmp_path / 'cost.csv', newline='') as file:
        (row,) = csv.DictReader(file)
    # a quarter of the pixels, a quarter of the operations; no published number
    assert float(row['gflops']) == pytest.approx(43.27 / 4, abs=0.02)
    assert row['published_gflops'] == '' and '| R50 | – | 10.8 |' in text
