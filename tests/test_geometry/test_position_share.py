"""The share of variance that the place explains."""

import pytest
import torch

from poodle_mm.geometry.position_share import content_and_place, position_share


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


def windows(content: float, place: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Windows 3 cells apart of wide maps of noise, with a pattern over the window's places."""
    generator = torch.Generator().manual_seed(0)
    wide = torch.randn(300, 2, 4, 11, generator=generator, dtype=torch.float64)
    pattern = torch.randn(1, 2, 4, 8, generator=generator, dtype=torch.float64)
    return tuple(content * part + place * pattern for part in (wide[..., :8], wide[..., 3:]))


@pytest.mark.parametrize(
    ('content', 'place', 'expected'), [(1, 0, (1, 0, 0)), (0, 1, (None, 1)), (2, 0, (1, 0, 0))]
)
def test_content_and_place_alone(content, place, expected):
    found = content_and_place(*windows(content, place), cells=3)
    for number, wanted in zip(found, expected):
        assert wanted is None or number == pytest.approx(wanted, abs=0.03)


def test_content_and_place_together():
    """Against a loop over cells, with unequal shares of both."""
    a, b = windows(1, 0.7)
    mean = (a.mean((0, 2, 3)) + b.mean((0, 2, 3))) / 2
    found = content_and_place(a, b, cells=3)
    for number, shift in zip(found, (3, 0)):
        sums = torch.zeros(3, dtype=torch.float64)
        for u in range(8 - shift):
            x, y = a[..., u + shift] - mean[:, None], b[..., u] - mean[:, None]
            sums += torch.stack([(x * y).sum(), (x * x).sum(), (y * y).sum()])
        assert number == pytest.approx(float(sums[0] / (sums[1] * sums[2]).sqrt()), rel=1e-9)
    across = [torch.cat([m[..., k : k + 5] for m in (a, b)]) - mean[:, None, None] for k in (3, 0)]
    x, y = (part.flatten() for part in across)
    assert found.neither == pytest.approx(float(x @ y / (x @ x * (y @ y)).sqrt()), rel=1e-9)
    assert 0.2 < found[1] < 0.4 < found[0] < 0.8
    assert content_and_place(5 * a - 3, 5 * b - 3, 3) == pytest.approx(found)


def test_content_and_place_refuses():
    a, b = windows(1, 1)
    for cells in (0, 8):
        with pytest.raises(ValueError, match='nothing in common'):
            content_and_place(a, b, cells)
    with pytest.raises(ValueError, match='nothing in common'):
        content_and_place(a, b[..., :7], 3)
    with pytest.raises(ValueError, match='constant'):
        content_and_place(torch.ones(2, 1, 3, 5), torch.ones(2, 1, 3, 5), 1)
