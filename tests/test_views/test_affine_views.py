"""Random affine maps of the dense views."""

import math

import pytest
import torch

from poodle_mm.geometry.affine import apply_affine, invert_affine, mirror_affine, warp_affine
from poodle_mm.geometry.warp import pixel_grid
from poodle_mm.views.affine_views import RandomAffine

SIZE = (64, 128)


def draws(affine, num=2000):
    generator = torch.Generator().manual_seed(0)
    return torch.stack([affine.draw(generator, SIZE) for _ in range(num)], dim=1)


def test_scale_and_angle_fill_their_ranges_and_differ_between_the_frames():
    matrices = draws(RandomAffine())
    assert matrices.shape == (2, 2000, 2, 3) and matrices.dtype == torch.float32
    linear = matrices[..., :2]
    scale = torch.linalg.det(linear).sqrt()
    angle = torch.rad2deg(torch.atan2(linear[..., 1, 0], linear[..., 0, 0]))
    for value, low, high in ((scale, 0.9, 1.1), (angle, -10, 10)):
        width = high - low
        assert low - 1e-5 <= value.min() < low + 0.01 * width
        assert high - 0.01 * width < value.max() <= high + 1e-5
        assert value.mean().item() == pytest.approx((low + high) / 2, abs=0.03 * width)
    # The four numbers of a pair are drawn on their own: 2000 draws correlate by 0.022 or so.
    correlation = torch.corrcoef(torch.cat([scale, angle])).fill_diagonal_(0)
    assert correlation.abs().max() < 0.08
    # Rotation and scaling only: the columns are orthogonal and equally long.
    torch.testing.assert_close(
        linear.transpose(-1, -2) @ linear,
        scale.square()[..., None, None] * torch.eye(2).expand_as(linear),
    )


def test_centre_is_fixed():
    centre = torch.tensor([[(SIZE[1] - 1) / 2, (SIZE[0] - 1) / 2]])
    moved = apply_affine(draws(RandomAffine(), 20).flatten(0, 1), centre[None])
    torch.testing.assert_close(moved, centre.expand_as(moved), atol=1e-4, rtol=0)


def test_angle_is_in_degrees_and_turns_clockwise_on_the_screen():
    matrix = RandomAffine(scale=(2, 2), angle=(90, 90)).draw(torch.Generator(), (5, 5))[0]
    right_of_centre = torch.tensor([[[3.0, 2.0]]])
    torch.testing.assert_close(
        apply_affine(matrix[None], right_of_centre), torch.tensor([[[2.0, 4.0]]])
    )


def test_empty_ranges_are_the_identity():
    matrices = draws(RandomAffine(scale=(1, 1), angle=(0, 0)), 3)
    torch.testing.assert_close(matrices, torch.eye(2, 3).expand_as(matrices))


def test_flipped_views_are_the_mirrored_ones():
    image = torch.rand(1, 3, *SIZE, generator=torch.Generator().manual_seed(1))
    for seed in range(5):
        plain, flipped = (
            RandomAffine(flip_prob=p).draw(torch.Generator().manual_seed(seed), SIZE)
            for p in (0.0, 1.0)
        )
        assert torch.equal(flipped, mirror_affine(plain, SIZE))
        assert (torch.linalg.det(flipped[..., :2]) < 0).all()
        for m, expected in zip(flipped[:, None], plain[:, None]):
            view, other = warp_affine(image, m), warp_affine(image, expected)
            torch.testing.assert_close(view, other.flip(-1), atol=1e-4, rtol=0)
            assert (view - other).abs().mean() > 0.05
            grid = pixel_grid(SIZE)[None]
            back = apply_affine(invert_affine(m), apply_affine(m, grid))
            torch.testing.assert_close(back, grid, atol=1e-3, rtol=0)


def test_the_two_frames_are_flipped_independently_and_rotate_as_without():
    plain, some = draws(RandomAffine(), 1), draws(RandomAffine(flip_prob=0.5), 1)
    torch.testing.assert_close(some[..., 1, :], plain[..., 1, :])  # the mirror moves u alone
    flipped = torch.linalg.det(draws(RandomAffine(flip_prob=0.5))[..., :2]) < 0
    for first in (False, True):
        for second in (False, True):  # 4 standard deviations of 2000 draws: 0.039
            share = ((flipped[0] == first) & (flipped[1] == second)).float().mean().item()
            assert share == pytest.approx(0.25, abs=0.039)
    rare = torch.linalg.det(draws(RandomAffine(flip_prob=0.1))[..., :2]) < 0
    assert rare.float().mean().item() == pytest.approx(0.1, abs=0.02)
    assert (torch.linalg.det(draws(RandomAffine())[..., :2]) > 0).all()  # the paper names no flip


def test_shifts_fill_their_range_and_differ_between_the_frames():
    """A quarter of 128 x 64 pixels each way, on its own for each axis and frame."""
    whole = dict(scale=(1, 1), angle=(0, 0))
    shift = draws(RandomAffine(**whole, translate=0.25)) - torch.eye(2, 3)
    assert not shift[..., :2].any()
    for value, most in ((shift[..., 0, 2], 32), (shift[..., 1, 2], 16)):
        assert -most <= value.min() < -0.99 * most and 0.99 * most < value.max() <= most
        assert value.mean().item() == pytest.approx(0, abs=0.05 * most)
    correlation = torch.corrcoef(shift[..., 2].permute(0, 2, 1).flatten(0, 1)).fill_diagonal_(0)
    assert correlation.abs().max() < 0.08
    plain, moved = draws(RandomAffine(), 1), draws(RandomAffine(translate=0.5), 1)
    torch.testing.assert_close(moved[..., :2], plain[..., :2])  # what else is drawn stays


@pytest.mark.parametrize('translate', [-0.1, 1.0, math.nan])
def test_bad_translate(translate):
    with pytest.raises(ValueError, match=r'affine\.translate'):
        RandomAffine(translate=translate)


@pytest.mark.parametrize('flip_prob', [-0.1, 1.5])
def test_bad_flip_prob(flip_prob):
    with pytest.raises(ValueError, match=r'affine\.flip_prob'):
        RandomAffine(flip_prob=flip_prob)


@pytest.mark.parametrize('scale', [(0, 1), (-1, 1), (1.1, 0.9), (math.nan, 1)])
def test_bad_scale(scale):
    with pytest.raises(ValueError, match=r'affine\.scale'):
        RandomAffine(scale=scale)


def test_bad_angle():
    with pytest.raises(ValueError, match=r'affine\.angle'):
        RandomAffine(angle=(10, -10))
