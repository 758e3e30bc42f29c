"""Figures 6, 8 and 16: crops by area, overlaid frames, flow maps."""

import csv

import cv2
import numpy as np
import pytest
import torch

from poodle_mm.datasets.flow_pairs import open_flow_pairs, open_pair
from poodle_mm.evaluation.flow.measures import self_measures
from poodle_mm.evaluation.flow.methods import build_methods
from poodle_mm.experiments.figures.crops_by_area import box_at, crops_by_area
from poodle_mm.experiments.figures.flow_maps import write_flow_maps
from poodle_mm.experiments.figures.frames import read_frames
from poodle_mm.experiments.figures.overlaid_frames import overlaid_frames, overlay
from tests.test_engine import browse_videos as videos


def read(path) -> list[dict]:
    with open(path, newline='') as file:
        return [*csv.DictReader(file)]


@pytest.fixture(scope='module')
def video(tmp_path_factory):
    path = tmp_path_factory.mktemp('figures') / 'moving.mp4'
    videos.write(path, videos.moving(0))
    return path


@pytest.mark.parametrize('centre', [(0.5, 0.5), (0.0, 1.0), (0.7, 0.2)])
def test_boxes_have_their_area_and_stay_inside(centre):
    for share in (0.05, 0.25, 1.0):
        x0, y0, x1, y1 = box_at((720, 1280), share, centre)
        assert 0 <= x0 < x1 <= 1280 and 0 <= y0 < y1 <= 720
        assert (x1 - x0) * (y1 - y0) == pytest.approx(share * 720 * 1280, rel=0.005)
        assert (x1 - x0) / (y1 - y0) == pytest.approx(16 / 9, rel=0.005)
    assert box_at((720, 1280), 0.25, (0.5, 0.5)) == (320, 180, 960, 540)
    assert box_at((720, 1280), 0.25, (0.0, 1.0)) == (0, 360, 640, 720)


def test_crops_by_area(video, tmp_path):
    """A quarter of a frame of 96 x 192 at the frame's own size: a quarter pixel a pixel."""
    cv2.imwrite(str(tmp_path / 'a.png'), np.zeros((96, 192, 3), np.uint8))
    files, text = crops_by_area(
        [tmp_path / 'a.png', video], tmp_path / 'crops', (0.25, 1.0), (96, 192), numbers=(3, 7)
    )
    rows = read(files[2])
    assert [row['frame'] for row in rows[::2]] == [
        'a.png', 'moving.mp4, frame 3', 'moving.mp4, frame 7'
    ]  # fmt: skip
    assert [float(row['density']) for row in rows[:2]] == [0.25, 1.0]
    assert [int(rows[0][k]) for k in ('x0', 'y0', 'x1', 'y1')] == [48, 24, 144, 72]
    assert 'mean of 3 frames' in text and '0.25 at 25%, 1.00 at 100%' in text
    with pytest.raises(ValueError, match='above 0 up to 1, got 2'):
        crops_by_area([video], tmp_path / 'a', (2.0,))
    with pytest.raises(ValueError, match='has frames 0 to 29, not 30'):
        read_frames([video], [30])
    with pytest.raises(FileNotFoundError, match=r'no file .*none\.png'):
        read_frames([tmp_path / 'none.png'])


def test_overlaid_frames(video, tmp_path):
    """To the left by 1.5 pixels a frame: after Δ that many of 192 columns have gone."""
    files, text = overlaid_frames([video], tmp_path / 'over', (0, 4, 8), (2,), videos.SIZE)
    shares = [float(row['share']) for row in read(files[2])]
    wanted = [1 - videos.STEP * delta / 192 for delta in (0, 4, 8)]
    np.testing.assert_allclose(shares, wanted, atol=0.03)
    assert f'{shares[2]:.0%} at Δ = 8' in text and 'mean of 1' in text
    with pytest.raises(ValueError, match='has frames 0 to 29, not 45'):
        overlaid_frames([video], tmp_path / 'a', (45,))
    with pytest.raises(ValueError, match='from 0 on, got -1'):
        overlaid_frames([video], tmp_path / 'a', (-1,))


def test_overlay_is_half_of_each():
    a, b = torch.rand(2, 1, 3, 4, 5)
    torch.testing.assert_close(overlay(a, b), 0.5 * a + 0.5 * b)


def test_flow_maps_of_several_pairs(video, test_data, tmp_path):
    """The measures are those of the table of estimators; the truth has a column of its own."""
    pairs = open_flow_pairs('pairs', test_data / 'flow/flyingchairs')
    methods = ['zero', 'dis-medium']
    files, text = write_flow_maps(pairs, methods, tmp_path / 'maps.png', range(len(pairs)), dpi=40)
    assert [f.name for f in files] == [f'maps.{x}' for x in ('png', 'pdf', 'csv', 'txt')]
    rows = read(files[2])
    assert [row['method'] for row in rows] == methods * len(pairs)
    pair, dis = pairs[0], build_methods(['dis-medium'])['dis-medium']
    a, b = (torch.from_numpy(f).permute(2, 0, 1)[None].float() / 255 for f in pair.frames)
    expected = self_measures(a, b, *dis(a, b, pair))
    for key, value in expected.items():
        assert float(rows[1][key]) == pytest.approx(value), key
    truth = torch.from_numpy(pair.flow)[:, torch.from_numpy(pair.known)]
    assert float(rows[0]['epe']) == pytest.approx(truth.norm(dim=0).mean().item(), rel=1e-4)
    assert text.startswith(f'Means of {len(pairs)} pairs. zero: ')

    one = open_pair([video], [2, 8])
    files, _ = write_flow_maps(one, ['zero'], tmp_path / 'one', labels=['none'], dpi=40)
    assert read(files[2])[0]['method'] == 'none' and read(files[2])[0]['epe'] == ''
    with pytest.raises(ValueError, match='no pair 1: they are 0 to 0'):
        write_flow_maps(one, ['zero'], tmp_path / 'b', [1])
