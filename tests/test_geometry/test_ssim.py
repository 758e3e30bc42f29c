import math

import numpy as np
import pytest
import torch

from poodle_mm.geometry.ssim import weighted_ssim


def images(seed: int = 0, shape=(2, 3, 6, 7)) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(*shape, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize('c1', [math.inf, 1e-4])
def test_against_loops(c1):
    a, b, weight = images(), images(1), images(2)[:, 0]
    error, windows = weighted_ssim(a, b, weight, c1=c1, c2=1e-3)
    assert error.shape == (2, 3, 4, 5) and windows.shape == (2, 4, 5)
    for n, c, v, u in np.ndindex(*error.shape):
        window = np.s_[v : v + 3, u : u + 3]
        x, y = a[n, c].numpy()[window], b[n, c].numpy()[window]
        plain = weight[n].numpy()[window]
        w = (plain + 0.01) / (plain + 0.01).sum()
        mx, my = (w * x).sum(), (w * y).sum()
        vx, vy = (w * (x - mx) ** 2).sum(), (w * (y - my) ** 2).sum()
        ssim = (2 * (w * (x - mx) * (y - my)).sum() + 1e-3) / (vx + vy + 1e-3)
        if c1 != math.inf:
            ssim *= (2 * mx * my + c1) / (mx**2 + my**2 + c1)
        np.testing.assert_allclose(error[n, c, v, u], np.clip((1 - ssim) / 2, 0, 1), atol=1e-9)
        np.testing.assert_allclose(windows[n, v, u], plain.mean(), atol=1e-12)


def test_values_by_hand():
    a, ones = images(), torch.ones(2, 6, 7)
    assert weighted_ssim(a, a, ones)[0].max() < 1e-9
    assert weighted_ssim(a, a + 0.5, ones)[0].max() < 1e-9  # an offset costs nothing
    assert weighted_ssim(a, 1 - a, ones)[0].min() > 0.99  # opposite structure
    # twice the contrast: covariance 2 v, variances v and 4 v, so (1 - 4/5) / 2
    torch.testing.assert_close(
        weighted_ssim(a, 2 * a, ones, c2=0)[0], torch.full((2, 3, 4, 5), 0.1).double()
    )


def test_pixels_without_weight_hardly_count():
    a, b = images(), images(1)
    weight = torch.zeros(2, 6, 7)
    weight[..., 3:] = 1
    mixed = torch.where(weight[:, None] > 0, a, b)
    error, windows = weighted_ssim(a, mixed, weight)
    assert error[..., 2].mean() < 0.1 * weighted_ssim(a, b, weight)[0].mean()
    assert windows[:, 0].tolist() == [pytest.approx([0, 1 / 3, 2 / 3, 1, 1])] * 2


def test_gradients():
    a, b, weight = images(shape=(1, 2, 4, 4)), images(1, (1, 2, 4, 4)), images(2)[:1, 0, :4, :4]
    assert torch.autograd.gradcheck(
        lambda b: weighted_ssim(a, b, weight, c2=1e-2)[0], b.requires_grad_()
    )
