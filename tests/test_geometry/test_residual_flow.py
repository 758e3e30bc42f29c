"""Residual of the flow: homographies fitted to known ones, rings against a loop."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from poodle_mm.geometry.residual_flow import (
    apply_homography,
    fit_homography,
    homography_residual,
    ring_residual,
)
from poodle_mm.geometry.warp import pixel_grid

SIZE = (48, 80)
SEEDS = st.integers(0, 2**31)


def plane_flow(seed: int, size=SIZE) -> torch.Tensor:
    """(1, 2, H, W) flow of a plane under a motion of the camera that is not small."""
    noise = torch.rand(3, 3, generator=torch.Generator().manual_seed(seed)).double() - 0.5
    strength = torch.tensor([[0.4, 0.4, 0.4], [0.4, 0.4, 0.4], [0.3, 0.3, 0.0]])
    homography = torch.eye(3).double() + strength * noise
    half = torch.tensor([size[1] / 2, size[0] / 2])
    points = (pixel_grid(size).double() + 0.5) / half - 1
    moved = apply_homography(homography[None], points.flatten(0, 1)[None])[0].view(*size, 2)
    return ((moved - points) * half).movedim(-1, 0)[None].float()


@settings(max_examples=30, deadline=None)
@given(SEEDS)
def test_the_flow_of_a_plane_leaves_nothing(seed):
    flow = plane_flow(seed)
    assert flow.abs().max() > 1
    assert homography_residual(flow).max() < 2e-3


@settings(max_examples=30, deadline=None)
@given(SEEDS, st.integers(4, 12), st.floats(2, 9), st.floats(-9, -2))
def test_a_patch_that_moves_by_itself_keeps_its_own_motion(seed, side, du, dv):
    """A sixth of the image at most: the fit is that of the rest, to a hundredth of a pixel."""
    flow = plane_flow(seed)
    rows, columns = slice(10, 10 + 2 * side), slice(30, 30 + 2 * side)
    flow[0, :, rows, columns] += torch.tensor([du, dv])[:, None, None]
    residual = homography_residual(flow)[0]
    own = residual[rows, columns].clone()
    residual[rows, columns] = 0
    torch.testing.assert_close(own, torch.full_like(own, (du**2 + dv**2) ** 0.5), atol=0.1, rtol=0)
    assert residual.max() < 0.1


def test_fit_finds_a_homography_by_hand():
    """The unit square's corners to a trapezium's: (x, y) to (x, y) / (1 + y / 2)."""
    points = torch.tensor([[0.0, 0.0], [1, 0], [0, 1], [1, 1]])
    moved = torch.tensor([[[0.0, 0], [1, 0], [0, 2 / 3], [2 / 3, 2 / 3]]])
    expected = torch.tensor([[1.0, 0, 0], [0, 1, 0], [0, 0.5, 1]]).double()
    torch.testing.assert_close(fit_homography(points, moved)[0], expected, atol=1e-5, rtol=0)


def test_each_sample_has_its_own_fit_and_unknown_pixels_have_no_say():
    flows = [plane_flow(seed) for seed in (1, 2)]
    batch = torch.cat(flows)
    valid = torch.ones(2, *SIZE, dtype=torch.bool)
    valid[1, :30] = False
    batch[1, :, :30] = torch.nan
    residual = homography_residual(batch, valid)
    assert residual.isfinite().all() and residual.max() < 2e-3
    assert (residual[1, :30] == 0).all()
    assert torch.equal(residual[0], homography_residual(flows[0])[0])
    assert (homography_residual(batch, torch.zeros_like(valid)) == 0).all()


def test_mirrored_and_transposed_flow_has_the_mirrored_and_transposed_residual():
    flow = plane_flow(3) + torch.randn(1, 2, *SIZE, generator=torch.Generator().manual_seed(4))
    residual = homography_residual(flow, samples=10**6)
    mirrored = flow.flip(-1) * torch.tensor([-1.0, 1.0]).view(1, 2, 1, 1)
    for other, expected in ((mirrored, residual.flip(-1)), (flow.flip(1).mT, residual.mT)):
        found = homography_residual(other.contiguous(), samples=10**6)
        # not the same to the last digit: least squares weigh an equation by its depth
        torch.testing.assert_close(found, expected, atol=0.02, rtol=0)


def naive_ring(flow, valid, inner, outer):
    batch, _, height, width = flow.shape
    result = torch.zeros(batch, height, width)
    for b in range(batch):
        for v in range(height):
            for u in range(width):
                ring = [
                    flow[b, :, y, x]
                    for y in range(max(0, v - outer), min(height, v + outer + 1))
                    for x in range(max(0, u - outer), min(width, u + outer + 1))
                    if max(abs(y - v), abs(x - u)) > inner and valid[b, y, x]
                ]
                if ring and valid[b, v, u]:
                    middle = torch.stack(ring).sort(dim=0)[0][(len(ring) - 1) // 2]
                    result[b, v, u] = (flow[b, :, v, u] - middle).norm()
    return result


@settings(max_examples=20, deadline=None)
@given(SEEDS, st.integers(0, 2), st.integers(1, 3), st.floats(0.2, 1))
def test_ring_equals_the_naive_loop(seed, inner, wider, known):
    generator = torch.Generator().manual_seed(seed)
    flow = torch.randn(2, 2, 5, 7, generator=generator)
    valid = torch.rand(2, 5, 7, generator=generator) < known
    residual = ring_residual(flow, valid, inner, inner + wider)
    torch.testing.assert_close(residual, naive_ring(flow, valid, inner, inner + wider))


def test_a_constant_motion_of_all_changes_no_ring():
    flow = torch.randn(1, 2, 6, 9, generator=torch.Generator().manual_seed(0))
    moved = flow + torch.tensor([3.0, -5.0]).view(1, 2, 1, 1)
    torch.testing.assert_close(ring_residual(moved), ring_residual(flow), atol=1e-5, rtol=0)
    with pytest.raises(ValueError, match='ring'):
        ring_residual(flow, inner=2, outer=2)
