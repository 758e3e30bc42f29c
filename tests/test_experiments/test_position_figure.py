"""Position share of checkpoints: the figure, its numbers and the command."""

import csv
import runpy
import sys

import cv2
import numpy as np
import pytest
import torch

from poodle_mm.apis import dense_features, load_encoder
from poodle_mm.apis.features import load_image
from poodle_mm.experiments.figures.position_share import write_position_shares
from poodle_mm.geometry.position_share import content_and_place, position_share
from poodle_mm.visualization.place_figure import draw_places
from tests.test_evaluation.tiny import save_checkpoint


@pytest.fixture
def checkpoint(tmp_path):
    save_checkpoint(tmp_path / 'epoch_1.pth')
    return tmp_path / 'epoch_1.pth'


@pytest.fixture
def photos(tmp_path):
    rng = np.random.default_rng(0)
    for name in 'abcd':
        image = rng.integers(0, 255, (64, 96, 3), np.uint8)
        (tmp_path / 'photos').mkdir(exist_ok=True)
        cv2.imwrite(str(tmp_path / 'photos' / f'{name}.png'), image)
    return tmp_path / 'photos'


def test_script(checkpoint, photos, tmp_path, monkeypatch, capsys, repo):
    """Shares are those of the API's maps; a network without a decoder has one row."""
    out = tmp_path / 'share'
    arguments = [
        f'A={checkpoint}',
        'none',
        '--images',
        photos,
        '--shown',
        '2',
        '--out',
        out,
        '--shift',
        32,
    ]
    monkeypatch.setattr(sys, 'argv', ['position_share.py', *map(str, arguments), '--debug'])
    runpy.run_path(str(repo / 'tools/analysis/position_share.py'), run_name='__main__')
    with open(tmp_path / 'share.csv', newline='') as file:
        rows = [*csv.DictReader(file)]
    layers = [('A', 'encoder'), ('A', 'decoder'), ('scratch', 'encoder')]
    assert [(row['network'], row['layer']) for row in rows] == layers
    assert {row['images'] for row in rows} == {'4'}
    files = sorted(photos.iterdir())
    for row, with_sdm in zip(rows, (False, True)):
        encoder = load_encoder(checkpoint, with_sdm)
        expected = position_share(dense_features(encoder, files))
        assert float(row['share']) == pytest.approx(expected, abs=1e-4)
        whole = [load_image(file) for file in files]
        windows = [
            torch.stack([*dense_features(encoder, [part[..., u : u + 64] for part in whole])])
            for u in (0, 32)
        ]
        found = tuple(float(row[key]) for key in ('content', 'place', 'neither'))
        cells = 32 * windows[0].shape[-1] // 64
        assert found == pytest.approx(content_and_place(*windows, cells), abs=1e-3)
    assert f'A, encoder {float(rows[0]["share"]):.3f}' in capsys.readouterr().out
    assert cv2.imread(str(tmp_path / 'share.png')).std() > 0


def test_windows_that_do_not_fit(checkpoint, photos, tmp_path):
    with pytest.raises(
        ValueError, match='64 pixels apart need images wider than 128 pixels, these have 96'
    ):
        write_position_shares(tmp_path / 'x', ['none'], photos)
    with pytest.raises(ValueError, match='has a stride of'):
        write_position_shares(tmp_path / 'x', ['none'], photos, shift=33)
    write_position_shares(tmp_path / 'x', ['none'], photos, shift=0)
    assert 'content' not in (tmp_path / 'x.csv').read_text()


def test_no_decoder_to_show(photos, tmp_path):
    with pytest.raises(ValueError, match='none of the checkpoints has a decoder'):
        write_position_shares(tmp_path / 'x', ['none'], photos, layers=['decoder'], shift=32)


def test_a_column_each(tmp_path):
    """Pictures lie where they belong: a colour for each column and row, read back."""
    photos = [np.full((20, 40, 3), shade, np.uint8) for shade in (50, 100)]
    maps = [np.full((5, 10, 3), shade, np.uint8) for shade in (150, 200)]
    draw_places(photos, {'net\nsecond line': maps}).savefig(tmp_path / 'a.png', dpi=50)
    picture = cv2.imread(str(tmp_path / 'a.png'))
    height, width = picture.shape[:2]
    middles = [0.17 + 0.83 * part for part in (0.25, 0.75)]  # below the headings
    found = [[picture[int(v * height), int(u * width), 0] for u in (0.25, 0.75)] for v in middles]
    assert found == [[50, 150], [100, 200]]
