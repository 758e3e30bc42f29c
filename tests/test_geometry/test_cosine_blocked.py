import pytest
import torch

from poodle_mm.geometry.cosine_distance import cosine_distance_blocked
from poodle_mm.geometry.look_up import PAIRS, corners, quad_products
from poodle_mm.geometry.warp import sample_bilinear


@pytest.fixture
def case():
    generator = torch.Generator().manual_seed(0)
    q = torch.randn(2, 6, 5, 7, generator=generator, dtype=torch.float64)
    p = torch.randn(2, 6, 6, 4, generator=generator, dtype=torch.float64)
    points = torch.rand(2, 2, 23, 31, 2, generator=generator, dtype=torch.float64) * 9 - 1
    valid = torch.rand(2, 23, 31, generator=generator) < 0.7
    return q.requires_grad_(), p.requires_grad_(), *points, valid


def test_blocks_do_not_matter(case):
    results = []
    for block in (1, 5, 16, 1000):
        distance = cosine_distance_blocked(*case, block=block)
        results.append(
            (distance, *torch.autograd.grad(distance @ distance.new_tensor([1, 3]), case[:2]))
        )
    for other in results[1:]:
        torch.testing.assert_close(other, results[0], rtol=1e-10, atol=1e-12)


def test_against_looked_up_vectors(case):
    q, p, points_q, points_p, valid = case
    cosine = torch.cosine_similarity(
        sample_bilinear(q, points_q), sample_bilinear(p, points_p), dim=1
    )
    expected = ((1 - cosine) * valid).sum((1, 2))
    distance = cosine_distance_blocked(*case, block=8)
    torch.testing.assert_close(distance, expected)
    for result, reference in zip(
        torch.autograd.grad(distance.prod(), (q, p)), torch.autograd.grad(expected.prod(), (q, p))
    ):
        torch.testing.assert_close(result, reference)


@pytest.mark.parametrize('size', [(1, 1), (1, 6), (5, 1)])
def test_maps_of_one_row_or_column(case, size):
    _, p, points_q, points_p, valid = case
    q = torch.randn(2, 6, *size, dtype=torch.float64, requires_grad=True)
    looked_up = sample_bilinear(q, points_q), sample_bilinear(p, points_p)
    expected = ((1 - torch.cosine_similarity(*looked_up, dim=1)) * valid).sum()
    distance = cosine_distance_blocked(q, p, points_q, points_p, valid, block=8).sum()
    torch.testing.assert_close(distance, expected)
    torch.testing.assert_close(torch.autograd.grad(distance, q), torch.autograd.grad(expected, q))


def test_invalid_points_are_never_read(case):
    q, p, points_q, points_p, valid = case
    expected = torch.autograd.grad(cosine_distance_blocked(*case, block=8).sum(), (q, p))
    points_q = points_q.masked_fill(~valid[..., None], float('nan'))
    points_p = points_p.masked_fill(~valid[..., None], float('inf'))
    distance = cosine_distance_blocked(q, p, points_q, points_p, valid, block=8)
    torch.testing.assert_close(torch.autograd.grad(distance.sum(), (q, p)), expected)


def test_zero_vectors_have_cosine_zero_and_no_gradient(case):
    _, p, points_q, points_p, valid = case
    q = torch.zeros(2, 6, 5, 7, dtype=torch.float64, requires_grad=True)
    distance = cosine_distance_blocked(q, p, points_q, points_p, valid, block=8)
    torch.testing.assert_close(distance, valid.sum((1, 2)).double())
    for grad in torch.autograd.grad(distance.sum(), (q, p)):
        assert torch.equal(grad, torch.zeros_like(grad))


def test_some_zero_cells_leave_the_rest_alone(case):
    q, p, points_q, points_p, valid = case
    with torch.no_grad():
        q[:, :, 1:4, 2:5] = 0
    distance = cosine_distance_blocked(*case, block=8).sum()
    looked_up = sample_bilinear(q, points_q), sample_bilinear(p, points_p)
    zero = valid & (looked_up[0] == 0).all(1)
    assert 0 < zero.sum() < valid.sum() / 2
    rest = (1 - torch.cosine_similarity(*looked_up, dim=1))[valid & ~zero].sum()
    torch.testing.assert_close(distance, rest + zero.sum())
    for result, reference in zip(
        torch.autograd.grad(distance, (q, p)), torch.autograd.grad(rest, (q, p))
    ):
        torch.testing.assert_close(result, reference)


def test_cells_that_cancel_do_not_explode():
    """Half way between a vector and its negative, rounding alone would give the direction."""
    generator = torch.Generator().manual_seed(0)
    cell = torch.randn(1, 64, 1, 1, generator=generator)
    q = torch.cat([cell, -cell], dim=3).repeat(1, 1, 2, 1).requires_grad_()
    p = torch.randn(1, 64, 2, 2, generator=generator)
    points = torch.full((1, 1, 200, 2), 0.5)
    points[..., 0] += torch.linspace(-1e-4, 1e-4, 200)
    valid = torch.ones(1, 1, 200, dtype=torch.bool)
    distance = cosine_distance_blocked(q, p, points, points, valid, block=8)
    (grad,) = torch.autograd.grad(distance.sum(), q)
    assert distance.item() == 200
    assert torch.equal(grad, torch.zeros_like(grad))


@pytest.mark.parametrize('scale', [1e-10, 1e10])
def test_scale_of_the_maps_does_not_matter(case, scale):
    q, p, points_q, points_p, valid = (x.detach() for x in case)
    q, p, points_q, points_p = (x.float() for x in (q, p, points_q, points_p))
    expected = cosine_distance_blocked(q, p, points_q, points_p, valid, block=8)
    distance = cosine_distance_blocked(q * scale, p / scale, points_q, points_p, valid, block=8)
    torch.testing.assert_close(distance, expected)


def test_corners_by_hand():
    points = torch.tensor([[1.25, 0.5], [2.0, 3.0], [-1.0, 9.0]])
    at = corners(points, (4, 3))
    # Look-up 1 sits on the last cell: the quad before it, all weight on its last corner.
    assert at.cells.T.tolist() == [[1, 2, 4, 5], [7, 8, 10, 11], [6, 7, 9, 10]]
    assert at.quad.tolist() == [1, 5, 4]
    expected = [[0.375, 0.125, 0.375, 0.125], [0, 0, 0, 1], [0, 0, 1, 0]]
    torch.testing.assert_close(at.weights.T, torch.tensor(expected))


def test_quad_products_against_a_loop():
    cells = torch.randn(2, 3, 4, 5)
    result = quad_products(cells)
    assert result.shape == (2, 10, 6)
    for b in range(2):
        for row in range(2):
            for column in range(3):
                quad = cells[b, row : row + 2, column : column + 2].flatten(0, 1)
                for k, (i, j) in enumerate(PAIRS):
                    expected = (1 if i == j else 2) * quad[i].dot(quad[j])
                    torch.testing.assert_close(result[b, k, row * 3 + column], expected)
