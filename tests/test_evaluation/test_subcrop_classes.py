"""Classes in subcrops: pairs of labelled frames, the prior's effect."""

import numpy as np
import pytest
import torch

from poodle_mm.catalog import CATALOG
from poodle_mm.datasets.labelled_pairs import labelled_pairs
from poodle_mm.evaluation.subcrop_classes import (
    Crops,
    compare_samplers,
    subcrop_shares,
    subcrop_table,
)
from poodle_mm.utils.files import write_image
from poodle_mm.views.subcrops import FlowSubcrops


def test_the_prior_finds_a_small_object_that_moves():
    """A patch of class 1, 2 % of the crop, moves before a panning camera."""
    size, count = (96, 192), 40
    labels = torch.zeros(2, count, *size, dtype=torch.uint8)
    flow = torch.zeros(2, count, 2, *size)
    flow[0, :, 0], flow[1, :, 0] = 3.0, -3.0
    labels[:, :, 10:28, 20:40] = 1
    flow[:, :, 1, 10:28, 20:40] = 8.0
    visible = torch.ones(2, count, *size, dtype=torch.bool)
    crops = [Crops(torch.zeros(2, count, 3, *size), labels, flow, visible)]
    usual, _ = subcrop_shares(crops, FlowSubcrops(num=4, size=48), 2)
    again, _ = subcrop_shares(crops, FlowSubcrops(num=4, size=48, motion=dict(share=0.0)), 2)
    guided, _ = subcrop_shares(crops, FlowSubcrops(num=4, size=48, motion={}), 2)
    assert usual.shape == (2 * 2 * count * 4, 2)
    torch.testing.assert_close(usual, again, atol=0.05, rtol=0)
    assert guided[:, 1].mean() > 1.5 * usual[:, 1].mean()


@pytest.fixture(scope='module')
def tiny_camvid(tmp_path_factory):
    root = tmp_path_factory.mktemp('camvid')
    rng = np.random.default_rng(0)
    for folder in ('images', 'labels'):
        (root / folder / 'train').mkdir(parents=True)
    for number in (0, 30, 60, 75, 200):
        image = rng.integers(0, 255, (144, 192, 3), dtype=np.uint8)
        write_image(root / f'images/train/seq_{number:06d}.jpg', image)
        label = rng.integers(0, 12, (144, 192), dtype=np.uint8)
        write_image(root / f'labels/train/seq_{number:06d}.png', label)
    return root


def test_pairs_are_neighbours_in_time_and_both_have_labels(tiny_camvid):
    pairs = labelled_pairs('camvid', tiny_camvid, 'train', (0.5, 1.0))
    assert [pair.frames for pair in pairs] == [(0, 30), (30, 60), (60, 75)]
    images, labels = pairs[0].read()
    assert images[0].shape == (144, 192, 3) and labels[1].shape == (144, 192)
    assert set(np.unique(labels)) == {*range(11), 255}
    with pytest.raises(ValueError, match='apart'):
        labelled_pairs('camvid', tiny_camvid, 'train', (0.1, 0.2))
    with pytest.raises(ValueError, match='no split'):
        labelled_pairs('camvid', tiny_camvid, 'night')
    with pytest.raises(ValueError, match='bdd100k'):
        labelled_pairs('bdd100k', tiny_camvid, 'train')


def test_comparison_writes_its_picture_and_refuses_exact_flow_of_real_frames(tiny_camvid, tmp_path):
    picture = tmp_path / 'prior.png'
    result = compare_samplers('camvid', tiny_camvid, seeds=(0, 1), picture=picture)
    assert picture.stat().st_size > 10_000
    assert [*result['subcrops']] == ['dis cells alike', 'dis homography', 'dis ring']
    for measured in result['subcrops'].values():
        total = sum(np.mean(measured['classes'][name]) for name in CATALOG['camvid'].classes)
        assert 85 < total < 95  # a twelfth of the pixels is void
        assert len(measured['share']['movers']) == 2
    assert '| dis ring |' in subcrop_table(result)
    with pytest.raises(ValueError, match='exact'):
        compare_samplers('camvid', tiny_camvid, flows=('exact',))
