import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from poodle_mm.geometry import warp
from poodle_mm.geometry.affine import (
    affine_matrix,
    apply_affine,
    invert_affine,
    mirror_affine,
    warp_affine,
)
from poodle_mm.geometry.warp import pixel_grid
from tests.test_geometry.oracles import bilinear


def matrix(angle=0.0, scale=1.0, size=(3, 5)):
    return affine_matrix(torch.tensor([angle]), torch.tensor([scale]), size)


def test_quarter_turn_is_clockwise_on_the_screen():
    # Centre of 3 x 5 is (2, 1); the pixel above it goes to its right.
    above = torch.tensor([[[2.0, 0.0]]])
    result = apply_affine(matrix(angle=math.pi / 2), above)
    torch.testing.assert_close(result, torch.tensor([[[3.0, 1.0]]]))


def test_scale_moves_away_from_the_centre():
    points = torch.tensor([[[2.0, 1.0], [3.0, 1.0], [2.0, 0.0]]])
    expected = torch.tensor([[[2.0, 1.0], [4.0, 1.0], [2.0, -1.0]]])
    torch.testing.assert_close(apply_affine(matrix(scale=2.0), points), expected)


def test_matrix_by_hand():
    # 3-4-5 triangle: cos = 0.8, sin = 0.6; scale 10 gives whole numbers; centre (2, 1).
    expected = torch.tensor([[[8.0, -6.0, -8.0], [6.0, 8.0, -19.0]]])
    torch.testing.assert_close(matrix(math.atan2(0.6, 0.8), 10.0), expected, rtol=1e-6, atol=1e-5)


def test_no_change_is_exactly_the_identity():
    assert torch.equal(matrix(size=(512, 1024)), torch.eye(3)[None, :2])


def test_mirrored_matrix_by_hand():
    m = torch.tensor([[[8.0, -6.0, -8.0], [6.0, 8.0, -19.0]]])
    before = m.clone()
    # u' = 4 - u in a view 5 pixels wide
    expected = torch.tensor([[[-8.0, 6.0, 12.0], [6.0, 8.0, -19.0]]])
    assert torch.equal(mirror_affine(m, (3, 5)), expected)
    assert torch.equal(m, before)


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 20), st.integers(1, 20), st.integers(0, 2**31))
def test_mirrored_map_draws_the_mirrored_view(height, width, seed):
    generator = torch.Generator().manual_seed(seed)
    image = torch.rand(2, 3, 9, 11, generator=generator, dtype=torch.float64)
    angle, scale = torch.rand(2, 2, generator=generator, dtype=torch.float64)
    m = affine_matrix(angle - 0.5, 0.8 + 0.4 * scale, (height, width))
    mirrored = mirror_affine(m, (height, width))
    view, expected = (warp_affine(image, x, (height, width)) for x in (mirrored, m))
    torch.testing.assert_close(view, expected.flip(-1))
    torch.testing.assert_close(mirror_affine(mirrored, (height, width)), m)
    points = torch.rand(2, 5, 2, generator=generator, dtype=torch.float64)
    there, moved = apply_affine(m, points), apply_affine(mirrored, points)
    torch.testing.assert_close(moved[..., 0], width - 1 - there[..., 0])
    assert torch.equal(moved[..., 1], there[..., 1])


@settings(max_examples=50, deadline=None)
@given(
    angle=st.floats(-math.pi, math.pi),
    scale=st.floats(0.3, 3.0),
    height=st.integers(1, 600),
    width=st.integers(1, 1100),
    mirrored=st.booleans(),
)
def test_inverse_undoes(angle, scale, height, width, mirrored):
    m = affine_matrix(
        torch.tensor([angle], dtype=torch.float64),
        torch.tensor([scale], dtype=torch.float64),
        (height, width),
    )
    m = mirror_affine(m, (height, width)) if mirrored else m
    points = torch.rand(1, 3, 4, 2, dtype=torch.float64) * 1000
    for first, second in ((m, invert_affine(m)), (invert_affine(m), m)):
        back = apply_affine(second, apply_affine(first, points))
        torch.testing.assert_close(back, points, rtol=1e-9, atol=1e-8)


def test_each_sample_has_its_own_matrix():
    m = torch.cat([matrix(), matrix(scale=2.0)])
    moved = apply_affine(m, pixel_grid((3, 5))[None])
    assert moved.shape == (2, 3, 5, 2)
    torch.testing.assert_close(moved[0], pixel_grid((3, 5)))
    torch.testing.assert_close(moved[1], 2 * pixel_grid((3, 5)) - torch.tensor([2.0, 1.0]))


def test_autocast_keeps_coordinates_exact():
    m, points = matrix(0.1, 1.05, (512, 1024)), torch.rand(1, 100, 2) * 1000
    expected, inverse = apply_affine(m, points), invert_affine(m)
    with torch.autocast('cpu', torch.bfloat16):
        assert torch.equal(apply_affine(m, points), expected)
        assert torch.equal(invert_affine(m), inverse)


def test_warp_by_identity_changes_nothing():
    image = torch.rand(2, 3, 6, 9)
    torch.testing.assert_close(warp_affine(image, torch.eye(3)[None, :2].expand(2, -1, -1)), image)


def test_warp_by_whole_pixels():
    image = torch.arange(1.0, 13.0).reshape(1, 1, 3, 4)
    m = torch.tensor([[[1.0, 0.0, 2.0], [0.0, 1.0, -1.0]]])  # two to the right, one up
    expected = torch.tensor([[0.0, 0, 5, 6], [0, 0, 9, 10], [0, 0, 0, 0]])
    torch.testing.assert_close(warp_affine(image, m)[0, 0], expected)


def test_warp_by_a_quarter_turn():
    image = torch.rand(1, 2, 5, 5)
    result = warp_affine(image, matrix(math.pi / 2, size=(5, 5)))
    expected = torch.rot90(image, -1, (2, 3))  # clockwise
    torch.testing.assert_close(result, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize('size', [None, (4, 11)])
def test_warp_against_a_loop(size):
    image = torch.rand(1, 3, 6, 8, dtype=torch.float64)
    m = torch.tensor([[[1.1, -0.3, 0.7], [0.2, 0.9, -1.3]]], dtype=torch.float64)
    result = warp_affine(image, m, size)
    height, width = size or (6, 8)
    assert result.shape == (1, 3, height, width)
    inverse = np.linalg.inv(np.vstack([m[0].numpy(), [0, 0, 1]]))
    for v in range(height):
        for u in range(width):
            x, y, _ = inverse @ (u, v, 1)
            expected = bilinear(image[0].numpy(), x, y, border=False)
            np.testing.assert_allclose(result[0, :, v, u], expected, atol=1e-9)


@pytest.mark.parametrize('strip', [40, 2**15])
@pytest.mark.parametrize('size', [(33, 20), (24, 64), (7, 100)])
def test_warp_rounds_as_mapping_all_points_does(size, strip, monkeypatch):
    """Bitwise: in strips, by rows plus columns, the points are those of ``apply_affine``."""
    monkeypatch.setattr(warp, 'STRIP', strip)
    generator = torch.Generator().manual_seed(1)
    image = torch.rand(3, 2, 30, 44, generator=generator)
    angle, scale = torch.rand(2, 3, generator=generator)
    m = affine_matrix(angle - 0.5, 0.8 + 0.4 * scale, size)
    points = apply_affine(invert_affine(m), pixel_grid(size)[None])
    grid = warp.normalise_points(points, (30, 44))
    expected = F.grid_sample(image, grid, 'bilinear', 'zeros', align_corners=False)
    assert torch.equal(warp_affine(image, m, size), expected)


def test_warp_passes_gradients_to_the_image():
    image = torch.rand(1, 1, 5, 6, dtype=torch.float64, requires_grad=True)
    m = torch.tensor([[[0.9, 0.1, 0.3], [-0.2, 1.1, 0.4]]], dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda x: warp_affine(x, m), image)
