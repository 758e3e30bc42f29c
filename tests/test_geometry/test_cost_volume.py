import math

import numpy as np
import pytest
import torch

from poodle_mm.geometry.cost_volume import cost_volume, normalise_features


@pytest.fixture
def maps():
    generator = torch.Generator().manual_seed(0)
    return torch.randn(2, 2, 6, 5, 7, generator=generator, dtype=torch.float64).unbind()


def looped_cost_volume(a: np.ndarray, b: np.ndarray, most: int) -> np.ndarray:
    batch, channels, height, width = a.shape
    result = np.zeros((batch, (2 * most + 1) ** 2, height, width))
    for n, v, u in np.ndindex(batch, height, width):
        k = 0
        for dv in range(-most, most + 1):
            for du in range(-most, most + 1):
                if 0 <= v + dv < height and 0 <= u + du < width:
                    result[n, k, v, u] = a[n, :, v, u] @ b[n, :, v + dv, u + du] / channels
                k += 1
    return result


@pytest.mark.parametrize('most', [0, 1, 4])
def test_cost_volume_against_loops(maps, most):
    a, b = maps
    expected = looped_cost_volume(a.numpy(), b.numpy(), most)
    np.testing.assert_allclose(cost_volume(a, b, most).numpy(), expected, atol=1e-12)


def test_displacement_beyond_the_map(maps):
    a, b = (x[..., :2, :1] for x in maps)
    expected = looped_cost_volume(a.numpy(), b.numpy(), 4)
    np.testing.assert_allclose(cost_volume(a, b).numpy(), expected, atol=1e-12)


@pytest.mark.parametrize(('du', 'dv'), [(0, 0), (3, -1), (-4, 2), (0, 4)])
def test_shifted_map_matches_best_at_its_displacement(du, dv):
    """Cell (u, v) of a is found in b at (u + du, v + dv)."""
    a = torch.randn(1, 32, 12, 14, generator=torch.Generator().manual_seed(1))
    a = a / a.norm(dim=1, keepdim=True)
    b = a.roll((dv, du), dims=(2, 3))
    best = cost_volume(a, b)[0, :, 4:-4, 4:-4].argmax(0)
    assert (best == (dv + 4) * 9 + du + 4).all()


def test_normalised_by_the_averaged_moments_of_a_pair(maps):
    a, b = maps
    a = 3 * a + 5
    result = normalise_features(a, b)
    for n in range(2):
        mean = variance = 0.0
        for x in (a[n].flatten().tolist(), b[n].flatten().tolist()):
            own_mean = sum(x) / len(x)
            mean += own_mean / 2
            variance += sum((y - own_mean) ** 2 for y in x) / len(x) / 2
        for before, after in zip((a, b), result):
            torch.testing.assert_close(after[n], (before[n] - mean) / math.sqrt(variance))


def test_scale_and_offset_of_both_do_not_matter(maps):
    expected = normalise_features(*maps)
    torch.testing.assert_close(normalise_features(*(7 * x - 3 for x in maps)), expected)


def test_constant_maps_become_zero_with_finite_gradient():
    a = torch.full((1, 2, 3, 3), 0.5, requires_grad=True)
    result = normalise_features(a, torch.full_like(a, 0.5))
    assert all((x == 0).all() for x in result)
    (gradient,) = torch.autograd.grad(result[0].sum() + result[1].sum(), a)
    assert gradient.isfinite().all()


def test_gradients():
    generator = torch.Generator().manual_seed(2)
    a, b = torch.randn(2, 1, 2, 3, 2, generator=generator, dtype=torch.float64).unbind()
    inputs = (a.requires_grad_(), b.requires_grad_())
    assert torch.autograd.gradcheck(lambda x, y: cost_volume(*normalise_features(x, y), 1), inputs)


def test_bad_arguments(maps):
    a, b = maps
    with pytest.raises(ValueError, match=r'one shape, got \(2, 6, 5, 7\) and \(2, 6, 5, 6\)'):
        cost_volume(a, b[..., :-1])
    with pytest.raises(ValueError, match='negative'):
        cost_volume(a, b, -1)
