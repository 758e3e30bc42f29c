"""Measures of pairs: a shifted texture by hand."""

import pytest
import torch

from poodle_mm.geometry.pair_measures import is_constant, pair_measures


def test_a_shift_by_hand():
    """A shift by 3: the flow's length, the share inside, and no difference once it is warped."""
    generator = torch.Generator().manual_seed(0)
    wide = torch.rand(2, 3, 16, 43, generator=generator)
    frames = torch.stack([wide[..., 3:], wide[..., :40]])
    flow = torch.zeros(2, 2, 2, 16, 40)
    flow[0, :, 0], flow[1, :, 0] = 3, -3
    visible = torch.ones(2, 2, 16, 40, dtype=torch.bool)
    visible[0, ..., 37:] = visible[1, ..., :3] = False
    found = pair_measures(frames, flow, visible)
    assert found.motion.tolist() == [3, 3]
    assert found.valid.tolist() == pytest.approx([37 / 40] * 2)
    assert found.after.max() < 1e-3
    inside = 255 * (frames[0] - frames[1]).abs().mean(1)
    expected = (inside[..., :37].mean((1, 2)) + inside[..., 3:].mean((1, 2))) / 2
    torch.testing.assert_close(found.before, expected)


def test_flow_out_of_the_frame():
    frames, flow = torch.rand(2, 1, 3, 8, 8), torch.full((2, 1, 2, 8, 8), 99.0)
    found = pair_measures(frames, flow, torch.zeros(2, 1, 8, 8, dtype=torch.bool))
    assert found.before.isinf().all() and found.after.isinf().all() and found.valid == 0


def test_constant_images():
    images = torch.zeros(3, 3, 8, 8)
    images[1] = torch.tensor([0.2, 0.9, 0.4])[:, None, None]  # one colour
    images[2, 1, :, 4:] = 10 / 255  # deviation of 5 levels in green
    assert is_constant(images).tolist() == [True, True, False]
