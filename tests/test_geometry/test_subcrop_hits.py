"""Hits of subcrops: naive loops, values by hand."""

import numpy as np
import pytest
import torch

from poodle_mm.geometry.subcrop_hits import box_size, centred_disc, hit_share


@pytest.mark.parametrize('box', [(1, 1), (3, 2), (2, 5), (7, 9), (7, 1)])
def test_places_are_counted_as_two_loops_do(box):
    mask = torch.rand(7, 9, generator=torch.Generator().manual_seed(0)) < 0.3
    thresholds = (0.05, 1 / 3, 1.0)
    height, width = box
    hits = [
        [mask[y : y + height, x : x + width].double().mean().item() >= t - 1e-7 for t in thresholds]
        for y in range(7 - height + 1)
        for x in range(9 - width + 1)
    ]
    expected = torch.tensor(hits).double().mean(dim=0)
    torch.testing.assert_close(hit_share(mask, box, thresholds), expected)


def test_threshold_is_reached_by_equality():
    """One of 20 pixels is 5 %; of 4 x 5 boxes in 4 x 8 pixels those hit that hold column 0 or 7."""
    mask = torch.zeros(4, 8, dtype=torch.bool)
    mask[1, 0] = mask[2, 7] = True
    hits = hit_share(mask, (4, 5), [0.05, 0.051])
    assert hits.tolist() == [0.5, 0]


@pytest.mark.parametrize('share', [0.01, 0.15, 0.5, 0.9, 1])
def test_disc_has_its_share_and_the_frames_symmetry(share):
    disc = centred_disc((32, 64), share)
    assert abs(disc.double().mean().item() - share) < 0.005
    assert disc.equal(disc.flip(0)) and disc.equal(disc.flip(1))
    # round, until it is higher than the frame: that is at pi / 8 of 1 x 2
    assert (disc.any(1).sum() == disc.any(0).sum()) == (share < np.pi / 8)


def test_refusals():
    with pytest.raises(ValueError, match='share of the frame'):
        centred_disc((8, 8), 0)
    assert box_size((256, 512), 0.02) == (51, 51)
    assert box_size((100, 200), 0.04, aspect=2) == (20, 40)
    with pytest.raises(ValueError, match='too large for a frame of 8 x 8'):
        box_size((8, 8), 0.5, aspect=4)
