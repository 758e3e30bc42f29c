"""The fast ways to distort against torchvision's operations, one after the other."""

import pytest
import torch
from torchvision.transforms.v2 import functional as TF

from poodle_mm.views import distort
from poodle_mm.views.distort import Distortion, distort_batch, distort_each, distort_plain
from poodle_mm.views.photometric import PhotometricDistortion

FAST = [distort_each, distort_batch]
SINGLE = [
    Distortion(),
    Distortion(jitter=(('brightness', 1.4),)),
    Distortion(jitter=(('brightness', 0.6),)),
    Distortion(jitter=(('contrast', 1.4),)),
    Distortion(jitter=(('contrast', 0.6),)),
    Distortion(jitter=(('saturation', 1.2),)),
    Distortion(jitter=(('saturation', 0.8),)),
    Distortion(jitter=(('hue', 0.1),)),
    Distortion(jitter=(('hue', -0.1),)),
    Distortion(grayscale=True),
    Distortion(sigma=2.0),
    Distortion(sigma=0.1),
]


@pytest.fixture(params=[64, 2**15], ids=['many strips', 'one strip'])
def strip(request, monkeypatch):
    monkeypatch.setattr(distort, 'STRIP', request.param)


def images(num, size=(37, 50), seed=0):
    """All levels, with clipped and grey pixels."""
    values = torch.rand(num, 3, *size, generator=torch.Generator().manual_seed(seed))
    values = (values * 300 - 20).clamp(0, 255).round() / 255
    values[:, :, :4] = values[:, :1, :4]
    return values


def reference(image, distortion, kernel, scale):
    """In float64: the rounding of neither side hides in the other's."""
    image = image.double()
    for name, factor in distortion.jitter:
        image = getattr(TF, f'adjust_{name}')(image, factor)
    if distortion.grayscale:
        image = TF.rgb_to_grayscale(image, 3)
    if distortion.sigma is not None:
        image = TF.gaussian_blur(image, [kernel[1], kernel[0]], [distortion.sigma * scale] * 2)
    return image


@pytest.mark.parametrize('kernel', [(9, 9), (7, 15)])
@pytest.mark.parametrize('way', [*FAST, distort_plain])
def test_each_operation(way, kernel, strip):
    given = images(len(SINGLE))
    before = given.clone()
    results = way(given, SINGLE, kernel, 2.0)
    assert torch.equal(given, before) and results.data_ptr() != given.data_ptr()
    for image, distortion, result in zip(given, SINGLE, results):
        expected = reference(image, distortion, kernel, 2.0)
        torch.testing.assert_close(result.double(), expected, atol=1e-6, rtol=0)


@pytest.mark.parametrize('way', FAST)
def test_what_is_drawn(way, strip):
    """Chains of up to six operations: rounding of each is stretched by those after it."""
    photometric = PhotometricDistortion(blur_prob=(1.0, 0.5))
    generator = torch.Generator().manual_seed(3)
    distortions = [d for _ in range(30) for d in photometric.draw(generator)]
    given = images(len(distortions), seed=1)
    results = way(given, distortions, (7, 5), 0.3)
    for image, distortion, result in zip(given, distortions, results):
        expected = reference(image, distortion, (7, 5), 0.3)
        torch.testing.assert_close(result.double(), expected, atol=2e-6, rtol=0)


@pytest.mark.parametrize('way', FAST)
def test_solarization_comes_last(way):
    distortions = [Distortion(sigma=1.0, solarize=True), Distortion(solarize=True), Distortion()]
    given = images(3)
    results = way(given, distortions, (5, 5), 1.0)
    expected = distort_plain(given, distortions, (5, 5), 1.0)
    near = torch.zeros_like(given, dtype=torch.bool)
    near[0] = (reference(given[0], Distortion(sigma=1.0), (5, 5), 1.0) - 0.5).abs() < 1e-5
    assert near.float().mean() < 1e-3
    torch.testing.assert_close(results[~near], expected[~near], atol=1e-6, rtol=0)


def test_contrast_uses_the_mean_of_the_image_as_it_is_by_then(strip):
    """Two strips of different brightness have one mean."""
    given = torch.zeros(1, 3, 40, 32)
    given[..., 20:, :] = 1.0
    dim = ('brightness', 0.5)
    result = distort_each(given, [Distortion(jitter=(dim, ('contrast', 0.6)))], (1, 1), 1.0)[0]
    low, high = 0.4 * 0.25, 0.6 * 0.5 + 0.4 * 0.25
    torch.testing.assert_close(result[:, :20], torch.full((3, 20, 32), low), atol=1e-4, rtol=0)
    torch.testing.assert_close(result[:, 20:], torch.full((3, 20, 32), high), atol=1e-4, rtol=0)


@pytest.mark.parametrize('way', FAST)
def test_no_images(way):
    assert way(torch.empty(0, 3, 8, 8), [], (3, 3), 1.0).shape == (0, 3, 8, 8)


@pytest.mark.parametrize('way', FAST)
def test_its_two_parts_one_after_the_other_are_the_whole(way):
    photometric = PhotometricDistortion(blur_prob=(0.7, 0.7), solarize_prob=(0.5, 0.5))
    generator = torch.Generator().manual_seed(4)
    whole = [d for _ in range(10) for d in photometric.draw(generator)]
    first, then = [d.without_blur for d in whole], [d.from_blur_on for d in whole]
    assert not any(d.sigma or d.solarize for d in first)
    assert not any(d.jitter or d.grayscale for d in then)
    given = images(20)
    result = way(way(given, first, (3, 3), 1.0), then, (7, 5), 0.5)
    assert torch.equal(result, way(given, whole, (7, 5), 0.5))
