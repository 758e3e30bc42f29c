"""Subcrops by the residual of the flow: off, uniform, and where something moves."""

import pytest
import torch

from poodle_mm.geometry.boxes import cell_grid
from poodle_mm.views.motion_prior import RESIDUALS, MotionPrior
from poodle_mm.views.subcrops import FlowSubcrops

SIZE = (96, 192)


def generators(count: int) -> list[torch.Generator]:
    return [torch.Generator().manual_seed(seed) for seed in range(count)]


def pan_and_patch(count: int) -> torch.Tensor:
    """The camera pans by 4 pixels; 20 x 24 pixels at (120, 40) move otherwise."""
    flow = torch.zeros(2, count, 2, *SIZE)
    flow[0, :, 0], flow[1, :, 0] = 4.0, -4.0
    flow[:, :, 1, 40:60, 120:144] = 6.0
    return flow


@pytest.mark.parametrize('residual', RESIDUALS)
def test_without_share_and_without_motion_the_draws_are_the_usual_ones(residual):
    usual = FlowSubcrops(num=6).pairs(pan_and_patch(4), generators(4))
    for share, flow in ((0.0, pan_and_patch(4)), (0.9, torch.zeros(2, 4, 2, *SIZE))):
        subcrops = FlowSubcrops(num=6, motion=dict(residual=residual, share=share))
        if not flow.any():
            usual = FlowSubcrops(num=6).pairs(flow, generators(4))
        pairs = subcrops.pairs(flow, generators(4), torch.ones(2, 4, *SIZE, dtype=torch.bool))
        torch.testing.assert_close(pairs.boxes, usual.boxes, atol=2e-3, rtol=0)
        assert torch.equal(pairs.fallback, usual.fallback)


@pytest.mark.parametrize('residual', RESIDUALS)
def test_centres_go_to_what_moves_and_cells_stay_apart(residual):
    count, num = 300, 4
    subcrops = FlowSubcrops(num=num, jitter=0.0, motion=dict(residual=residual, share=0.9))
    draws = [subcrops.draw(generator, SIZE) for generator in generators(count)]
    batch = type(draws[0])(*(torch.stack(field) for field in zip(*draws)))
    (online, target), _ = subcrops.centres(batch, pan_and_patch(count)[0])
    usual, _ = FlowSubcrops(num=num, jitter=0.0).centres(batch, pan_and_patch(count)[0])

    def near(points):  # the patch and a bin around it
        away = (points - torch.tensor([131.5, 49.5])).abs()
        return (away < torch.tensor([22.0, 18.0])).all(-1).float().mean().item()

    assert near(online) > 1.8 * near(usual[0])
    grid = cell_grid(SIZE, subcrops.area, True)
    cells = ((online + 0.5) / torch.tensor([SIZE[1] / grid[1], SIZE[0] / grid[0]])).long()
    cells = cells[..., 1] * grid[1] + cells[..., 0]
    assert all(len(set(row)) == num for row in cells.tolist())
    still = (target - online - torch.tensor([4.0, 0.0])).abs().amax(-1) < 1e-3
    assert 0 < still.float().mean() < 1  # the flow is followed, in the patch and beside it


@pytest.mark.parametrize('residual', RESIDUALS)
def test_what_the_other_frame_does_not_show_has_no_weight(residual):
    flow = pan_and_patch(1)[0]
    visible = torch.ones(1, *SIZE, dtype=torch.bool)
    visible[:, 30:70, 110:154] = False
    grid = cell_grid(SIZE, (0.05, 0.3), True)
    prior = MotionPrior(residual)
    assert prior.weights(flow, visible, grid).max() < 1e-2
    weights = prior.weights(flow, None, grid)
    assert 0.5 < weights.max() <= 1


@pytest.mark.parametrize(
    'option', [dict(residual='speed'), dict(share=1.5), dict(bins=0), dict(scale=0.0)]
)
def test_bad_options_are_named(option):
    with pytest.raises(ValueError, match=rf'subcrops\.motion\.{next(iter(option))}'):
        FlowSubcrops(motion=option)
