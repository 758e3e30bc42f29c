"""Our faster hue and blur against torchvision's."""

import pytest
import torch
from torchvision.transforms.v2 import functional as TF

from poodle_mm.views.filters import blur_by_tiles_, gaussian_blur, hue_


@pytest.mark.parametrize('shift', [-0.5, -0.1, -0.03, 0.0, 0.07, 0.1, 0.5])
def test_hue_is_torchvisions(shift):
    image = torch.rand(3, 33, 47, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(
        hue_(image.clone(), shift), TF.adjust_hue(image, shift), atol=5e-6, rtol=0
    )


@pytest.mark.parametrize('shift', [-0.1, 0.0, 1 / 3])
def test_hue_of_corners_and_greys(shift):
    """Ties between channels: black, white, greys, primaries and their mixtures."""
    levels = torch.tensor([0.0, 0.25, 1.0])
    image = torch.cartesian_prod(levels, levels, levels).T[:, None].contiguous()
    before = image.clone()
    turned = hue_(image.clone(), shift)
    torch.testing.assert_close(turned, TF.adjust_hue(image, shift), atol=5e-6, rtol=0)
    assert torch.equal(image, before)
    grey = (image[0] == image[1]) & (image[1] == image[2])
    assert torch.equal(turned[:, grey], image[:, grey])


def test_a_third_of_the_wheel_moves_red_to_green():
    red = torch.tensor([0.8, 0.1, 0.1]).view(3, 1, 1)
    green = torch.tensor([0.1, 0.8, 0.1]).view(3, 1, 1)
    torch.testing.assert_close(hue_(red, 1 / 3), green)


@pytest.mark.parametrize('kernel', [1, 3, 13, 23])
@pytest.mark.parametrize('sigma', [0.05, 0.6, 2.0])
def test_blur_is_torchvisions(kernel, sigma):
    image = torch.rand(3, 24, 40, generator=torch.Generator().manual_seed(1))
    expected = TF.gaussian_blur(image, [kernel, kernel], [sigma, sigma])
    for blur in (gaussian_blur, blur_by_tiles_):
        result = blur(image.clone(), (kernel, kernel), sigma)
        torch.testing.assert_close(result, expected, atol=2e-6, rtol=0)


@pytest.mark.parametrize('kernel', [(1, 5), (5, 1), (3, 7), (25, 11), (9, 79)])
def test_rectangular_blur_is_torchvisions(kernel):
    """torchvision takes the kernel's width first. A wide sigma: where it is cut off matters."""
    images = torch.rand(2, 3, 24, 40, generator=torch.Generator().manual_seed(1))
    expected = TF.gaussian_blur(images, [kernel[1], kernel[0]], [4.0, 4.0])
    for result in (
        gaussian_blur(images, kernel, 4.0),
        gaussian_blur(images, kernel, torch.tensor([4.0, 4.0])),
        torch.stack([blur_by_tiles_(image.clone(), kernel, 4.0) for image in images]),
    ):
        torch.testing.assert_close(result, expected, atol=2e-6, rtol=0)


def test_blur_of_a_point_is_the_gaussian():
    image = torch.zeros(1, 21, 31)
    image[0, 10, 15] = 1
    v, u = torch.meshgrid(torch.arange(21) - 10, torch.arange(31) - 15, indexing='ij')
    gaussian = torch.exp(-(u**2 + v**2) / (2 * 1.5**2)) / (2 * torch.pi * 1.5**2)
    torch.testing.assert_close(gaussian_blur(image, (19, 19), 1.5)[0], gaussian, atol=1e-5, rtol=0)
