import numpy as np
import pytest
import torch

from poodle_mm.geometry.census import by_neighbour, by_window, census_distance


def images(*shape: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(*shape, generator=generator, dtype=torch.float64)


def looped(a: np.ndarray, b: np.ndarray, patch: int) -> np.ndarray:
    """(3, H, W) each, pixel by pixel and neighbour by neighbour."""
    grey = [255 * (0.2989 * x[0] + 0.587 * x[1] + 0.114 * x[2]) for x in (a, b)]
    reach = patch // 2
    height, width = grey[0].shape
    result = np.zeros((height - 2 * reach, width - 2 * reach))
    for v, u in np.ndindex(result.shape):
        for dv in range(-reach, reach + 1):
            for du in range(-reach, reach + 1):
                signs = []
                for x in grey:
                    d = x[v + reach + dv, u + reach + du] - x[v + reach, u + reach]
                    signs.append(d / np.sqrt(0.81 + d**2))
                e = (signs[0] - signs[1]) ** 2
                result[v, u] += e / (0.1 + e)
    return result


@pytest.mark.parametrize('patch', [3, 7])
def test_against_loops(patch):
    a, b = images(2, 3, 9, 11), images(2, 3, 9, 11, seed=1)
    found = census_distance(a, b, patch)
    for i in range(2):
        np.testing.assert_allclose(found[i], looped(a[i].numpy(), b[i].numpy(), patch), atol=1e-9)


@pytest.mark.parametrize(('patch', 'shape'), [(3, (4, 9)), (5, (5, 5)), (7, (16, 12))])
def test_all_neighbours_at_once_give_the_same(patch, shape):
    found = []
    for way in (by_neighbour, by_window):
        a, b = (255 * images(2, *shape, seed=s).requires_grad_() for s in (0, 1))
        distance = way(a, b, patch)
        found.append((distance, *torch.autograd.grad(distance.square().sum(), (a, b))))
    torch.testing.assert_close(*found)


def test_value_by_hand():
    """One bright neighbour: d = 12 against 0, c = 12 / sqrt(144.81), e² / (0.1 + e²)."""
    a, b = torch.zeros(2, 1, 3, 3, 3, dtype=torch.float64)
    a[..., 0, 2] = 12 / 255 / 0.9999  # the grey weights sum to 0.9999
    squared = 144 / (0.81 + 144)
    expected = torch.full((1, 1, 1), squared / (0.1 + squared), dtype=torch.float64)
    torch.testing.assert_close(census_distance(a, b, 3), expected)
    torch.testing.assert_close(census_distance(b, a, 3), expected)


def test_brightness_is_free_and_contrast_cheap():
    a, b = 0.5 * images(1, 3, 12, 12), images(1, 3, 12, 12, seed=1)
    assert census_distance(a, a + 0.3).max() < 1e-6
    assert census_distance(a, 1.3 * a).mean() < 0.02 * census_distance(a, b).mean()


def test_turning_both_images_turns_the_distance():
    a, b = images(1, 3, 10, 13), images(1, 3, 10, 13, seed=1)
    expected = census_distance(a, b)
    torch.testing.assert_close(census_distance(a.flip(-1), b.flip(-1)).flip(-1), expected)
    turned = census_distance(a.rot90(1, (-2, -1)), b.rot90(1, (-2, -1)))
    torch.testing.assert_close(turned.rot90(-1, (-2, -1)), expected)


def test_gradients():
    a, b = images(1, 3, 8, 8), images(1, 3, 8, 8, seed=1).requires_grad_()
    assert torch.autograd.gradcheck(lambda b: census_distance(a, b), b)


@pytest.mark.parametrize('patch', [4, 1, 9])
def test_windows_without_sense(patch):
    with pytest.raises(ValueError, match=f'patch must be odd.*got {patch}'):
        census_distance(images(1, 3, 8, 8), images(1, 3, 8, 8), patch)
