"""The path without shapes that depend on data, against the blocked one and by its memory."""

import pytest
import torch
from torch import Tensor

from poodle_mm.geometry.affine import affine_matrix
from poodle_mm.geometry.cosine_distance import (
    MAX_PRODUCTS,
    cosine_distance_blocked,
    cosine_distance_static,
)
from poodle_mm.geometry.equivariance import flow_equivariance_loss
from tests.test_cuda_path.fake_cuda import fake_cuda

TOLERANCE = {torch.float64: 1e-9, torch.float32: 1e-5}


def make_case(dtype: torch.dtype = torch.float64) -> tuple[Tensor, ...]:
    generator = torch.Generator().manual_seed(0)
    q = torch.randn(2, 6, 5, 7, generator=generator, dtype=torch.float64)
    p = torch.randn(2, 6, 6, 4, generator=generator, dtype=torch.float64)
    points = torch.rand(2, 2, 23, 31, 2, generator=generator, dtype=torch.float64) * 9 - 1
    valid = torch.rand(2, 23, 31, generator=generator) < 0.7
    q, p, *points = (x.to(dtype) for x in (q, p, *points))
    return q.requires_grad_(), p.requires_grad_(), *points, valid


def with_grads(distance: Tensor, *maps: Tensor) -> tuple[Tensor, ...]:
    """Sums of the samples, and gradients that tell the samples apart."""
    return distance.detach(), *torch.autograd.grad(distance @ distance.new_tensor([1, 3]), maps)


def close(result, expected, dtype):
    tolerance = TOLERANCE[dtype]
    for a, b in zip(result, expected, strict=True):
        torch.testing.assert_close(a, b, rtol=tolerance, atol=tolerance * b.abs().max().item())


@pytest.mark.parametrize('dtype', TOLERANCE)
@pytest.mark.parametrize('max_products', [1, 24 * 3, 24 * 8 + 5, MAX_PRODUCTS])
def test_equals_the_blocked_path(dtype, max_products):
    """Bands of 1, 3, 8 and all of the 35 rows of products."""
    case = make_case(dtype)
    expected = with_grads(cosine_distance_blocked(*case, block=8), *case[:2])
    close(with_grads(cosine_distance_static(*case, max_products), *case[:2]), expected, dtype)


@pytest.mark.parametrize('value', [float('nan'), float('inf'), -1e30])
def test_invalid_points_are_never_read(value):
    q, p, points_q, points_p, valid = make_case()
    expected = with_grads(cosine_distance_static(q, p, points_q, points_p, valid), q, p)
    points_q, points_p = (x.masked_fill(~valid[..., None], value) for x in (points_q, points_p))
    result = with_grads(cosine_distance_static(q, p, points_q, points_p, valid), q, p)
    assert all(torch.equal(a, b) for a, b in zip(result, expected, strict=True))


def test_nothing_valid_is_zero_without_gradient():
    q, p, points_q, _, valid = make_case()
    nowhere = torch.zeros_like(valid)
    nan = torch.full_like(points_q, float('nan'))
    for result in with_grads(cosine_distance_static(q, p, nan, nan, nowhere), q, p):
        assert torch.equal(result, torch.zeros_like(result))


def test_zero_vectors_and_cells_that_cancel_are_those_of_the_blocked_path():
    q, p, points_q, points_p, valid = make_case()
    with torch.no_grad():
        q[:, :, 1:4, 2:5] = 0
        q[:, :, 0, 1] = -q[:, :, 0, 0]
        points_q[:, :4, :8] = torch.tensor([0.5, 0.0])  # half way between the two
    case = q, p, points_q, points_p, valid
    expected = with_grads(cosine_distance_blocked(*case, block=8), q, p)
    assert (expected[0] > 0).all()
    close(with_grads(cosine_distance_static(*case), q, p), expected, torch.float64)


@pytest.mark.parametrize('size', [(1, 1), (1, 6), (5, 1)])
def test_maps_of_one_row_or_column(size):
    _, p, *rest = make_case()
    q = torch.randn(2, 6, *size, dtype=torch.float64, requires_grad=True)
    expected = with_grads(cosine_distance_blocked(q, p, *rest, block=8), q, p)
    close(with_grads(cosine_distance_static(q, p, *rest), q, p), expected, torch.float64)


@pytest.mark.parametrize('dtype', TOLERANCE)
@pytest.mark.parametrize('options', [{}, dict(unwarped=True), dict(mean_over='all')])
def test_the_loss_has_a_switch(dtype, options):
    generator = torch.Generator().manual_seed(1)
    maps = [torch.randn(3, 5, 4, 8, generator=generator, dtype=dtype) for _ in range(2)]
    maps = [x.requires_grad_() for x in maps]
    affine = [
        affine_matrix(torch.rand(3, generator=generator) * 0.3, torch.full((3,), s), (32, 64))
        for s in (0.9, 1.1)
    ]
    flow = torch.randn(3, 2, 32, 64, generator=generator) * 4
    visible = torch.rand(3, 32, 64, generator=generator) < 0.8
    visible[2] = False
    flow[2] = float('nan')
    results = []
    for static in (False, True, None):
        result = flow_equivariance_loss(
            *maps, *affine, flow, visible, stride=8, static=static, **options
        )
        results.append((*result, *torch.autograd.grad(result.loss, maps)))
    close(results[1], results[0], dtype)
    # By default the blocks on a CPU, to the bit.
    assert all(torch.equal(a, b) for a, b in zip(results[2], results[0], strict=True))


def memory(batch: int, channels: int, max_products: int, side: int, pixels: int) -> tuple[int, int]:
    """Bytes that are kept for backward, and alive at once beyond what is kept.

    The maps have ``side`` x ``2 side`` cells, the crops ``pixels`` x ``2 pixels`` pixels.
    """
    with fake_cuda() as device:
        q, p = torch.empty(2, batch, channels, side, 2 * side, device='cuda').unbind()
        q.requires_grad_()
        points = torch.empty(2, batch, pixels, 2 * pixels, 2, device='cuda')
        valid = torch.empty(batch, pixels, 2 * pixels, dtype=torch.bool, device='cuda')
        before = device.live
        distance = cosine_distance_static(q, p, *points, valid, max_products)
        kept = device.live - before
        assert distance.shape == (batch,)
    return kept, device.peak - device.live


@pytest.mark.parametrize(
    'side, pixels, products',  # pixels or products are many
    [(16, 128, 2**13), (16, 128, 2**18), (48, 16, 2**16), (48, 16, 2**18)],
)
@pytest.mark.parametrize('batch, channels', [(1, 64), (4, 256)])
def test_memory_is_bounded(batch, channels, side, pixels, products):
    """Pixels of one sample and ``max_products``; kept: q's cells, its gradient, its quads'."""
    kept, peak = memory(batch, channels, products, side, pixels)
    cells, points = 2 * side**2, 2 * pixels**2
    assert kept <= 4 * batch * (2 * cells * channels + 10 * cells) + 64 * batch
    # Copies of the maps, their quads, the pixels' numbers, the products.
    maps = 4 * batch * cells * (2 * channels + 60)
    assert peak <= maps + 4 * (160 * points + max(products, cells))
