import numpy as np
import pytest
import torch

from poodle_mm.geometry.smoothness import edge_aware_smoothness


def random(*shape: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(*shape, generator=generator, dtype=torch.float64)


def looped(flow: np.ndarray, image: np.ndarray, order: int, edge_weight: float) -> float:
    """One sample, (2, h, w) and (C, h, w)."""
    _, height, width = flow.shape
    sums = []
    for down, right in ((0, 1), (1, 0)):
        terms = []
        for v in range(height - order * down):
            for u in range(width - order * right):
                points = [(v + i * down, u + i * right) for i in range(order + 1)]
                edge = np.abs(
                    image[(slice(None), *points[-1])] - image[(slice(None), *points[0])]
                ).mean()
                f = [flow[(slice(None), *point)] for point in points]
                change = f[1] - f[0] if order == 1 else f[2] - 2 * f[1] + f[0]
                terms.append(np.exp(-edge_weight * edge) * np.sqrt(change**2 + 1e-6))
        sums.append(np.mean(terms))
    return float(np.mean(sums))


@pytest.mark.parametrize('order', [1, 2])
def test_against_loops(order):
    flow, image = 5 * random(2, 2, 5, 6), random(2, 3, 5, 6, seed=1)
    found = edge_aware_smoothness(flow, image, order, edge_weight=2.0)
    expected = [looped(f.numpy(), i.numpy(), order, 2.0) for f, i in zip(flow, image)]
    assert found == pytest.approx(np.mean(expected), rel=1e-9)


def test_values_by_hand():
    """A ramp of 3 a column costs (3 + 0.001) / 2 in the first order, and nothing in the second."""
    u = torch.arange(6.0, dtype=torch.float64).expand(1, 2, 4, 6)
    grey = torch.zeros(1, 3, 4, 6, dtype=torch.float64)
    first = edge_aware_smoothness(3 * u, grey, order=1)
    assert first == pytest.approx((3 + 0.001) / 2, abs=1e-6)
    assert edge_aware_smoothness(3 * u, grey, order=2) == pytest.approx(0.001)
    # an edge of 0.02 between all columns: exp(-150 * 0.02) = exp(-3) of the flow's change
    edges = edge_aware_smoothness(3 * u, grey + 0.02 * u[:, :1], order=1)
    assert edges == pytest.approx((3 * np.exp(-3) + 0.001) / 2, abs=1e-6)


@pytest.mark.parametrize('order', [1, 2])
def test_adding_motion_and_turning_change_nothing(order):
    flow, image = random(1, 2, 5, 6), random(1, 3, 5, 6, seed=1)
    expected = edge_aware_smoothness(flow, image, order)
    torch.testing.assert_close(edge_aware_smoothness(flow + 7, image, order), expected)
    turned = edge_aware_smoothness(flow.mT, image.mT, order)
    torch.testing.assert_close(turned, expected)


@pytest.mark.parametrize('order', [1, 2])
def test_gradients(order):
    flow, image = random(1, 2, 4, 5).requires_grad_(), random(1, 3, 4, 5, seed=1)
    assert torch.autograd.gradcheck(lambda f: edge_aware_smoothness(f, image, order, 2.0), flow)


def test_wrong_arguments():
    flow, image = random(1, 2, 4, 5), random(1, 3, 4, 5)
    with pytest.raises(ValueError, match='must be 1 or 2, got 3'):
        edge_aware_smoothness(flow, image, order=3)
    with pytest.raises(ValueError, match=r'flow of \(4, 5\)'):
        edge_aware_smoothness(flow, image[..., :4])
