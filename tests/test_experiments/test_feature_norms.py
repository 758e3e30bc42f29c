"""Figure 15: which maps are measured, and what is written."""

import csv
import runpy
import sys

import cv2
import numpy as np
import pytest
import torch

from poodle_mm.apis import dense_features, load_encoder
from poodle_mm.apis.encoder import build_encoder
from poodle_mm.checkpoints import EncoderCheckpoint
from poodle_mm.experiments.figures.feature_norms import (
    chosen_images,
    last_map_of,
    resized,
    statistics,
)
from poodle_mm.visualization.token_figure import norm_pictures
from tests.test_evaluation.tiny import save_checkpoint


@pytest.fixture(scope='module')
def checkpoint(tmp_path_factory):
    file = tmp_path_factory.mktemp('run') / 'epoch_1.pth'
    save_checkpoint(file)
    return file


@pytest.fixture(scope='module')
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp('photos')
    rng = np.random.default_rng(0)
    for name in 'abcdefg':
        cv2.imwrite(str(folder / f'{name}.png'), rng.integers(0, 255, (50, 100, 3), np.uint8))
    return folder


@pytest.mark.parametrize('layer, with_sdm', [('encoder', False), ('decoder', True)])
def test_maps_are_those_of_the_api(checkpoint, layer, with_sdm):
    """Also where the size is no multiple of the stride."""
    images = torch.rand(2, 3, 50, 70)
    expected = torch.stack([*dense_features(load_encoder(checkpoint, with_sdm), images)])
    torch.testing.assert_close(last_map_of(load_encoder(checkpoint), images, layer), expected)


def test_final_norm_of_a_vit_is_left_out():
    """It would make all norms alike: applied by hand to the map, it gives the encoder's output."""
    arch = dict(embed_dims=16, num_layers=2, num_heads=2, feedforward_channels=32)
    vit = dict(type='mmpretrain.VisionTransformer', arch=arch, img_size=32, patch_size=16)
    torch.manual_seed(0)
    encoder = build_encoder(EncoderCheckpoint(None, vit))
    images = torch.rand(1, 3, 32, 48)
    raw = last_map_of(encoder, images)
    (features,) = dense_features(encoder, images)
    by_hand = encoder.backbone.ln1(raw.movedim(1, -1)).movedim(-1, 1)
    torch.testing.assert_close(by_hand[0], features)
    assert raw.norm(dim=1).std() > 10 * features.norm(dim=0).std()


def test_statistics_by_hand():
    """Norms 1, 1, 1, 5 along two orthogonal directions of three."""
    maps = torch.tensor([[[[1.0, -1], [0, 0]], [[0, 0], [1, 5]], [[0, 0], [0, 0]]]])
    found = statistics(maps)
    assert (found['channels'], found['height'], found['width']) == (3, 2, 2)
    assert (found['norm'], found['norm_peak'], found['norm_outliers']) == (2, 5, 0.25)
    values = np.linalg.svd(np.array([[1, 0], [-1, 0], [0, 1], [0, 5]]) - [0, 1.5])[1]
    shares = values / values.sum()
    assert found['rank'] == pytest.approx(np.exp(-(shares * np.log(shares)).sum()))


def test_clamped_at_the_80th_percentile():
    raw, clamped = norm_pictures(torch.arange(11.0)[None])
    assert len(np.unique(raw[0], axis=0)) == 11
    assert len(np.unique(clamped[0], axis=0)) == 9 and (clamped[0, 8:] == raw[0, 10]).all()


def test_images_are_spread_over_a_folder(photos, tmp_path):
    assert [file.stem for file in chosen_images([photos], 3)] == ['b', 'd', 'f']
    assert len(chosen_images([photos, photos / 'a.png'], 99)) == 8
    with pytest.raises(FileNotFoundError, match='holds no file'):
        chosen_images([tmp_path], 2)


def test_sizes_may_differ():
    images = resized([torch.rand(3, 20, 30), torch.ones(3, 40, 10)])
    assert images.shape == (2, 3, 20, 30) and (images[1] == 1).all()


def test_script(checkpoint, photos, tmp_path, monkeypatch, capsys, repo):
    """Rows of two checkpoints, one with a decoder; the mean over images is that of the rows."""
    out = tmp_path / 'norms'
    arguments = [f'A={checkpoint}', 'none', '--images', photos, '--number', '2', '--out', out]
    monkeypatch.setattr(sys, 'argv', ['feature_norms.py', *map(str, arguments), '--debug'])
    runpy.run_path(str(repo / 'tools/analysis/feature_norms.py'), run_name='__main__')
    assert 'A, decoder: mean norm' in capsys.readouterr().out
    with open(tmp_path / 'norms.csv', newline='') as file:
        rows = [*csv.DictReader(file)]
    assert [row['network'] for row in rows[::3]] == ['A, encoder', 'A, decoder', 'scratch']
    for first, second, whole in zip(rows[::3], rows[1::3], rows[2::3]):
        mean = (float(first['norm']) + float(second['norm'])) / 2
        assert float(whole['norm']) == pytest.approx(mean)
    assert cv2.imread(str(tmp_path / 'norms.png')).std() > 0
