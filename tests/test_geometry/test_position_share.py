"""The share of variance that the place explains."""

import pytest
import torch

from poodle_mm.geometry.position_share import position_share


def maps(place: float, image: float, rest: float, count: int = 400) -> torch.Tensor:
    """Sums of a pattern over places, one number an image and noise, of given deviations."""
    generator = torch.Generator().manual_seed(0)
    pattern = torch.randn(1, 3, 6, 7, generator=generator, dtype=torch.float64)
    pattern = (pattern - pattern.mean((2, 3), keepdim=True)) / pattern.std(
        (2, 3), correction=0, keepdim=True
    )
    number = torch.randn(count, 3, 1, 1, generator=generator, dtype=torch.float64)
    noise = torch.randn(count, 3, 6, 7, generator=generator, dtype=torch.float64)
    return place * pattern + image * number + rest * noise


@pytest.mark.parametrize(
    ('place', 'image', 'rest', 'share'),
    [(1, 0, 0, 1), (0, 0, 1, 0), (0, 1, 0, 0), (2, 0, 1, 0.8), (1, 1, 1, 1 / 3)],
)
def test_known_shares(place, image, rest, share):
    assert position_share(maps(place, image, rest)) == pytest.approx(share, abs=0.02)


def test_few_images_do_not_look_like_position():
    """The means of 5 images of noise differ by a fifth of its variance; that is corrected."""
    shares = [position_share(maps(0, 0, 1)[5 * i : 5 * i + 5]) for i in range(80)]
    assert sum(shares) / len(shares) == pytest.approx(0, abs=0.02)


def test_scale_and_shift_change_nothing():
    found = maps(1, 0.5, 2)
    assert position_share(3 * found - 7) == pytest.approx(position_share(found), rel=1e-9)


def test_refuses():
    with pytest.raises(ValueError, match='two images or more'):
        position_share(maps(1, 1, 1)[:1])
    with pytest.raises(ValueError, match='map 1 has shape'):
        position_share([torch.zeros(2, 3, 4), torch.zeros(2, 4, 4)])
    with pytest.raises(ValueError, match='constant'):
        position_share(torch.ones(3, 2, 4, 4))
