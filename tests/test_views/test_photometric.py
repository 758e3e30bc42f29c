"""Photometric distortion: what is drawn, how often, and what it does to the pixels."""

from collections import Counter

import pytest
import torch
from torchvision.transforms.v2 import functional as TF

from poodle_mm.views.photometric import Distortion, PhotometricDistortion

PAIRS = 4000
FUNCTIONS = dict(
    brightness=TF.adjust_brightness,
    contrast=TF.adjust_contrast,
    saturation=TF.adjust_saturation,
    hue=TF.adjust_hue,
)


@pytest.fixture(scope='module')
def drawn():
    generator = torch.Generator().manual_seed(5)
    photometric = PhotometricDistortion(solarize_prob=(0.0, 0.2))
    return [photometric.draw(generator) for _ in range(PAIRS)]


def share(values):
    values = list(values)
    return sum(values) / len(values)


def test_rates(drawn):
    """Within 4 standard deviations (at most 0.023 for 8000 frames) of BYOL's probabilities."""
    frames = [frame for pair in drawn for frame in pair]
    assert share(bool(f.jitter) for f in frames) == pytest.approx(0.8, abs=0.02)
    assert share(f.grayscale for f in frames) == pytest.approx(0.2, abs=0.02)
    assert share(a.grayscale and b.grayscale for a, b in drawn) == pytest.approx(0.04, abs=0.013)


def test_one_frame_is_always_blurred_and_which_one_is_drawn(drawn):
    blurred = Counter((a.sigma is not None, b.sigma is not None) for a, b in drawn)
    assert blurred[False, False] == 0
    assert blurred[True, True] / PAIRS == pytest.approx(0.1, abs=0.02)
    assert blurred[True, False] / PAIRS == pytest.approx(0.45, abs=0.035)
    assert blurred[False, True] / PAIRS == pytest.approx(0.45, abs=0.035)


def test_solarization_belongs_to_the_role_that_is_rarely_blurred(drawn):
    solarized = [pair for pair in drawn if pair[0].solarize or pair[1].solarize]
    assert len(solarized) / PAIRS == pytest.approx(0.2, abs=0.026)
    for pair in solarized:
        other = pair[0] if pair[1].solarize else pair[1]
        assert not other.solarize and other.sigma is not None
    both = share(a.sigma is not None and b.sigma is not None for a, b in solarized)
    assert both == pytest.approx(0.1, abs=0.045)


def test_solarization_is_off_by_default():
    generator = torch.Generator().manual_seed(0)
    photometric = PhotometricDistortion()
    assert not any(f.solarize for _ in range(200) for f in photometric.draw(generator))


def test_factors_fill_their_ranges_and_the_order_is_random(drawn):
    jitters = [frame.jitter for pair in drawn for frame in pair if frame.jitter]
    ranges = dict(
        brightness=(0.6, 1.4), contrast=(0.6, 1.4), saturation=(0.8, 1.2), hue=(-0.1, 0.1)
    )
    for name, (low, high) in ranges.items():
        factors = torch.tensor([dict(jitter)[name] for jitter in jitters])
        width = high - low
        assert low <= factors.min() < low + 0.01 * width
        assert high - 0.01 * width < factors.max() <= high
        assert factors.mean().item() == pytest.approx((low + high) / 2, abs=0.015 * width)
    orders = Counter(tuple(name for name, _ in jitter) for jitter in jitters)
    assert len(orders) == 24
    assert max(orders.values()) < 1.5 * min(orders.values())
    sigmas = torch.tensor([f.sigma for pair in drawn for f in pair if f.sigma is not None])
    assert 0.1 <= sigmas.min() < 0.12 and 1.98 < sigmas.max() <= 2.0


def test_the_two_frames_are_drawn_independently(drawn):
    both = [(dict(a.jitter), dict(b.jitter)) for a, b in drawn if a.jitter and b.jitter]
    factors = torch.tensor([[a['hue'], b['hue']] for a, b in both])
    assert torch.corrcoef(factors.T)[0, 1].abs() < 0.08


def test_a_draw_takes_the_same_number_of_values_whatever_the_options():
    options = [dict(), dict(jitter_prob=0, grayscale_prob=0, blur_prob=(0, 0)), dict(hue=0.5)]
    states = []
    for option in options:
        generator = torch.Generator().manual_seed(3)
        PhotometricDistortion(**option).draw(generator)
        states.append(torch.rand(3, generator=generator))
    assert torch.equal(states[0], states[1]) and torch.equal(states[0], states[2])


def test_apply_is_torchvisions_chain_image_by_image():
    generator = torch.Generator().manual_seed(2)
    photometric = PhotometricDistortion(
        solarize_prob=(0.5, 0.5),
        blur_prob=(1.0, 0.5),
        blur_reference=32,  # the images' own side
    )
    distortions = [f for _ in range(8) for f in photometric.draw(generator)]
    assert len({d.jitter[0][0] for d in distortions if d.jitter}) > 2
    images = torch.rand(16, 3, 32, 56, generator=generator)
    before = images.clone()
    result = photometric.apply(images, distortions)
    assert torch.equal(images, before)
    for image, distortion, got in zip(images, distortions, result):
        for name, factor in distortion.jitter:
            image = FUNCTIONS[name](image, factor)
        if distortion.grayscale:
            image = TF.rgb_to_grayscale(image, 3)
        if distortion.sigma is not None:
            image = TF.gaussian_blur(image, [23, 23], [distortion.sigma] * 2)
        if distortion.solarize:
            near = (image - 0.5).abs() < 1e-4  # rounding decides there
            image = TF.solarize(image, 0.5)
            assert near.float().mean() < 1e-2
            got = torch.where(near, image, got)
        torch.testing.assert_close(got, image, atol=2e-5, rtol=0)


def assert_blurred(result, image, kernel, sigma):
    """By torchvision with a (height, width) kernel; it takes the width first."""
    expected = TF.gaussian_blur(image, [kernel[1], 1], [sigma, sigma])
    expected = TF.gaussian_blur(expected, [1, kernel[0]], [sigma, sigma])
    torch.testing.assert_close(result, expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize('side, kernel', [(224, 23), (128, 13), (512, 53), (64, 7), (32, 3)])
def test_blur_is_scaled_with_the_image(side, kernel):
    image = torch.rand(1, 3, side, side, generator=torch.Generator().manual_seed(1))
    result = PhotometricDistortion().apply(image, [Distortion(sigma=1.5)])
    assert_blurred(result, image, (kernel, kernel), 1.5 * side / 224)


def test_the_shorter_side_gives_the_scale():
    image = torch.rand(1, 3, 128, 200, generator=torch.Generator().manual_seed(1))
    result = PhotometricDistortion().apply(image, [Distortion(sigma=2.0)])
    assert_blurred(result, image, (13, 13), 2.0 * 128 / 224)


@pytest.mark.parametrize('plain', [False, True])
@pytest.mark.parametrize(
    'size, kernel',
    [((512, 1024), (51, 103)), ((192, 192), (19, 19)), ((40, 79), (5, 7)), ((9, 30), (1, 3))],
)
def test_released_blur_is_in_pixels_with_a_kernel_of_a_tenth(size, kernel, plain):
    """Odd, a tenth of each side. A sigma at which the kernel's ends matter, whatever the size."""
    image = torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(1))
    photometric = PhotometricDistortion(blur_reference=None, blur_kernel=0.1)
    sigma = max(kernel) / 4
    result = photometric.apply(image, [Distortion(sigma=sigma)], plain)
    assert_blurred(result, image, kernel, sigma)


def test_a_kernel_in_pixels_of_the_image():
    image = torch.rand(1, 3, 90, 60, generator=torch.Generator().manual_seed(1))
    photometric = PhotometricDistortion(blur_reference=None, blur_kernel=7)
    assert_blurred(photometric.apply(image, [Distortion(sigma=2.0)]), image, (7, 7), 2.0)


def test_another_reference_and_a_share():
    """Sigma goes with the reference, the kernel with the sides."""
    image = torch.rand(1, 3, 90, 60, generator=torch.Generator().manual_seed(1))
    photometric = PhotometricDistortion(blur_reference=120, blur_kernel=0.25)
    assert_blurred(photometric.apply(image, [Distortion(sigma=5.0)]), image, (23, 15), 2.5)


def test_blur_of_both_frames_is_independent_with_equal_probabilities():
    generator = torch.Generator().manual_seed(6)
    photometric = PhotometricDistortion(blur_prob=(0.5, 0.5))
    pairs = [photometric.draw(generator) for _ in range(PAIRS)]
    blurred = Counter((a.sigma is not None, b.sigma is not None) for a, b in pairs)
    for both in ((a, b) for a in (False, True) for b in (False, True)):
        assert blurred[both] / PAIRS == pytest.approx(0.25, abs=0.028)  # 4 standard deviations
    sigmas = torch.tensor([[a.sigma, b.sigma] for a, b in pairs if a.sigma and b.sigma])
    assert torch.corrcoef(sigmas.T)[0, 1].abs() < 0.13
    assert sigmas.mean().item() == pytest.approx(1.05, abs=0.05)


def test_nothing_drawn_changes_nothing():
    photometric = PhotometricDistortion(jitter_prob=0, grayscale_prob=0, blur_prob=(0, 0))
    distortions = photometric.draw(torch.Generator().manual_seed(0))
    assert distortions == (Distortion(), Distortion())
    images = torch.rand(2, 3, 8, 8)
    assert torch.equal(photometric.apply(images, distortions), images)


@pytest.mark.parametrize(
    'option',
    [
        dict(brightness=-0.1),
        dict(contrast=1.5),
        dict(saturation=2),
        dict(hue=0.6),
        dict(jitter_prob=1.1),
        dict(grayscale_prob=-0.1),
        dict(blur_prob=(1.0, 2.0)),
        dict(blur_prob=0.5),
        dict(solarize_prob=(0.1, 0.2, 0.3)),
        dict(blur_sigma=(0.0, 1.0)),
        dict(blur_sigma=(2.0, 1.0)),
        dict(blur_kernel=22),
        dict(blur_kernel=0),
        dict(blur_kernel=-0.1),
        dict(blur_kernel=1.5),
        dict(blur_reference=0),
        dict(blur_reference=-224),
    ],
)
def test_bad_options_are_named(option):
    with pytest.raises(ValueError, match=f'photometric.{next(iter(option))}'):
        PhotometricDistortion(**option)
