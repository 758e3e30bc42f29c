import numpy as np
import pytest
import torch

from poodle_mm.geometry.range_map import range_map


def test_against_loops():
    generator = torch.Generator().manual_seed(0)
    flow = 3 * torch.randn(2, 2, 5, 7, generator=generator, dtype=torch.float64)
    expected = np.zeros((2, 5, 7))
    for n, v, u in np.ndindex(2, 5, 7):
        x, y = u + flow[n, 0, v, u].item(), v + flow[n, 1, v, u].item()
        for row, column in np.ndindex(5, 7):
            expected[n, row, column] += max(0, 1 - abs(x - column)) * max(0, 1 - abs(y - row))
    np.testing.assert_allclose(range_map(flow), expected, atol=1e-12)


def test_square_uncovers_where_it_was():
    flow = torch.zeros(1, 2, 8, 12)
    flow[0, 0, 2:5, 3:6] = 4.0
    counts = range_map(flow)
    expected = torch.ones(1, 8, 12)
    expected[0, 2:5, 3:6] = 0
    expected[0, 2:5, 7:10] = 2
    assert torch.equal(counts, expected)


@pytest.mark.parametrize('far', [100.0, -1e20, float('nan'), float('inf')])
def test_what_leaves_the_frame_is_lost(far):
    flow = torch.full((1, 2, 4, 5), far)
    assert not range_map(flow).any()
    flow[..., 1, 2] = 0
    assert range_map(flow).sum() == 1 == range_map(flow)[0, 1, 2]


def test_no_gradient():
    assert not range_map(torch.zeros(1, 2, 3, 3, requires_grad=True)).requires_grad
