import math

import numpy as np
import pytest
import torch

from poodle_mm.geometry.consistency import consistency, flow_mismatch, warp_image
from tests.test_geometry.oracles import bilinear


def flows(seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return 2 * torch.randn(2, 2, 5, 7, generator=generator, dtype=torch.float64)


def test_warp_against_loops():
    image, flow = torch.cat([flows(1), flows(2)[:, :1]], 1), flows()
    warped, landed = warp_image(image, flow)
    for n, v, u in np.ndindex(2, 5, 7):
        x, y = u + flow[n, 0, v, u].item(), v + flow[n, 1, v, u].item()
        np.testing.assert_allclose(warped[n, :, v, u], bilinear(image[n].numpy(), x, y), atol=1e-9)
        assert landed[n, v, u] == (0 <= x <= 6 and 0 <= y <= 4)


def test_mismatch_against_loops():
    there, back = flows(), flows(1)
    found, _ = flow_mismatch(there, back)
    for n, v, u in np.ndindex(2, 5, 7):
        f = there[n, :, v, u].numpy()
        b = bilinear(back[n].numpy(), u + f[0], v + f[1])
        np.testing.assert_allclose(found[n, v, u], ((f + b) ** 2).sum(), atol=1e-9)


def test_values_by_hand():
    """A miss of 0.5 pixels on a grid of 3 x 4, whose diagonal is 5: exp(-0.25 / (0.1 * 5) ** 2)."""
    there = torch.zeros(1, 2, 3, 4)
    back = torch.zeros(1, 2, 3, 4)
    back[:, 1] = 0.5
    torch.testing.assert_close(consistency(there, back, 0.1), torch.full((1, 3, 4), math.exp(-1.0)))
    assert torch.equal(consistency(there, there, 0.1), torch.ones(1, 3, 4))


def test_what_leaves_the_frame_does_not_return():
    """One motion for all, both ways: beyond the border there is nothing that would lead back."""
    there = torch.zeros(1, 2, 3, 4)
    there[:, 0] = 2
    found = consistency(there, -there, 0.1)
    assert torch.equal(found, torch.tensor([1.0, 1, 0, 0]).expand(1, 3, 4))


@pytest.mark.parametrize('value', [float('nan'), float('inf')])
def test_flow_that_is_not_finite_returns_nowhere(value):
    there = torch.zeros(1, 2, 3, 4, requires_grad=True)
    back = torch.full((1, 2, 3, 4), value)
    found = consistency(there, back, 0.1)
    assert not found.any() and not found.requires_grad


def test_gradients():
    back = flows(1)
    flow = flows().requires_grad_()
    assert torch.autograd.gradcheck(lambda f: flow_mismatch(f, back)[0], flow)
    assert torch.autograd.gradcheck(lambda f: warp_image(back, f)[0], flow)
