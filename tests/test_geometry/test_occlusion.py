import numpy as np
import pytest
import torch
import torch.nn.functional as F

from poodle_mm.geometry import warp
from poodle_mm.geometry.occlusion import visible_mask
from tests.test_geometry.oracles import bilinear


def constant(du, dv, size=(6, 10)):
    return torch.tensor([du, dv])[None, :, None, None].expand(1, 2, *size).clone()


@pytest.fixture
def moving_square():
    """A 4 x 4 square at columns 4..7, rows 3..6 of a 10 x 16 frame moves 3 to the right."""
    forward, backward = torch.zeros(2, 1, 2, 10, 16)
    forward[0, 0, 3:7, 4:8] = 3
    backward[0, 0, 3:7, 7:11] = -3
    return forward, backward


def test_square_covers_what_it_moves_onto(moving_square):
    forward, backward = moving_square
    covered, uncovered = torch.zeros(2, 1, 10, 16, dtype=torch.bool)
    covered[0, 3:7, 8:11] = True  # column 7 of the first frame is the square itself
    uncovered[0, 3:7, 4:7] = True
    assert torch.equal(visible_mask(forward, backward), ~covered)
    assert torch.equal(visible_mask(backward, forward), ~uncovered)


def test_tolerances_by_hand():
    def visible(there: float, back: float, **options) -> torch.Tensor:
        landing = visible_mask(constant(there, 0), constant(back, 0), **options)[..., :8]
        assert landing.all() == landing.any()
        return landing.all()

    # Mismatch 1.0201 against 0.1 (4 + 0.9801) + 0.5 = 0.99801, and 0.9801 against 1.00201.
    assert not visible(2.0, -0.99)
    assert visible(2.0, -1.01)
    # The same pair under the values of common code: 0.9801 against 0.5502.
    assert not visible(2.0, -1.01, alpha1=0.01)
    assert visible(2.0, -0.99, alpha2=0.6)


def test_uniform_motion_hides_only_what_leaves():
    forward, backward = constant(3.0, -2.0), constant(-3.0, 2.0)
    expected = torch.zeros(1, 6, 10, dtype=torch.bool)
    expected[0, 2:, :7] = True
    assert torch.equal(visible_mask(forward, backward), expected)


def test_flow_that_is_not_finite_is_not_visible():
    forward, backward = constant(0.0, 0.0), constant(0.0, 0.0)
    forward[0, 0, 1, 2], forward[0, 1, 3, 4] = float('nan'), float('inf')
    expected = torch.ones(1, 6, 10, dtype=torch.bool)
    expected[0, 1, 2] = expected[0, 3, 4] = False
    assert torch.equal(visible_mask(forward, backward), expected)


def test_against_a_loop():
    forward, backward = torch.randn(2, 2, 2, 7, 9, dtype=torch.float64) * 1.5
    visible = visible_mask(forward, backward)
    hidden_inside = 0
    for b in range(2):
        for v in range(7):
            for u in range(9):
                there = forward[b, :, v, u].numpy()
                x, y = u + there[0], v + there[1]
                back = bilinear(backward[b].numpy(), x, y)
                mismatch = np.sum((there + back) ** 2)
                occluded = mismatch > 0.1 * (np.sum(there**2) + np.sum(back**2)) + 0.5
                inside = 0 <= x <= 8 and 0 <= y <= 6
                assert visible[b, v, u] == (inside and not occluded)
                hidden_inside += inside and occluded
    assert hidden_inside and visible.any()


@pytest.mark.parametrize('strip', [50, 2**15])
@pytest.mark.parametrize('size', [(32, 48), (21, 37)])
def test_strips_give_the_masks_of_the_whole_image(size, strip, monkeypatch):
    """Equal in every pixel, also where the flow is not finite."""
    monkeypatch.setattr(warp, 'STRIP', strip)
    coarse = torch.randn(2, 3, 2, 5, 7, generator=torch.Generator().manual_seed(0)) * 2
    forward, backward = (F.interpolate(x, size, mode='bilinear') for x in coarse)
    forward[0, 0, 3, 4], backward[1, 1, 9, 5] = float('nan'), float('inf')
    forward[2, 0, 1, 1] = float('inf')
    landing = warp.pixel_grid(size) + forward.movedim(1, -1)
    back = warp.sample_bilinear(backward, landing)
    mismatch = (forward + back).square().sum(1)
    occluded = mismatch > 0.1 * (forward.square().sum(1) + back.square().sum(1)) + 0.5
    assert 0.1 < occluded.float().mean() < 0.95
    visible = warp.inside(landing, size) & ~occluded
    assert torch.equal(visible_mask(forward, backward), visible)
