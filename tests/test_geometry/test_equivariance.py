import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from poodle_mm.geometry.affine import affine_matrix
from poodle_mm.geometry.equivariance import flow_equivariance_loss
from tests.test_geometry.oracles import looped_loss, straightforward_loss

STRIDE = 4
OPTIONS = [
    dict(unwarped=True),
    dict(mean_over='all'),
    dict(unwarped=True, mean_over='all'),
]


def identity(batch, dtype=torch.float32):
    return torch.eye(3, dtype=dtype)[None, :2].repeat(batch, 1, 1)


def random_case(
    seed,
    batch=2,
    channels=5,
    cells=(4, 6),
    target_cells=None,
    stride=STRIDE,
    motion=3.0,
    angle=0.3,
    dtype=torch.float64,
):
    """Arguments of the loss; the crop has view 1's size, view 2 may be another."""
    generator = torch.Generator().manual_seed(seed)

    def randn(*shape):
        return torch.randn(*shape, generator=generator, dtype=dtype)

    size = (cells[0] * stride, cells[1] * stride)
    affine = [
        affine_matrix(angle * randn(batch), 1 + 0.1 * randn(batch).clamp(-3, 3), size)
        for _ in range(2)
    ]
    return dict(
        online=randn(batch, channels, *cells).requires_grad_(),
        target=randn(batch, channels, *(target_cells or cells)).requires_grad_(),
        affine_online=affine[0],
        affine_target=affine[1],
        flow=motion * randn(batch, 2, *size),
        visible=torch.rand(batch, *size, generator=generator) < 0.8,
        stride=stride,
    )


def gradients(loss, case):
    return torch.autograd.grad(loss, (case['online'], case['target']))


def test_equal_maps_at_rest_cost_nothing():
    features = torch.randn(2, 6, 4, 5)
    loss, share, _ = flow_equivariance_loss(
        features,
        features,
        identity(2),
        identity(2),
        torch.zeros(2, 2, 16, 20),
        torch.ones(2, 16, 20, dtype=torch.bool),
        STRIDE,
    )
    assert abs(loss) < 1e-6
    assert share.tolist() == [1.0, 1.0]


@pytest.mark.parametrize(('sign', 'expected'), [(1, 0.0), (-1, 4.0)])
def test_whole_cells_of_translation(sign, expected):
    """The second frame's map is the first's, one cell to the right and two down."""
    world = torch.randn(1, 6, 8, 9)
    online, target = world[:, :, 2:, 1:], sign * world[:, :, :-2, :-1]
    flow = torch.empty(1, 2, 24, 32)
    flow[:, 0], flow[:, 1] = STRIDE, 2 * STRIDE
    visible = torch.zeros(1, 24, 32, dtype=torch.bool)
    # Away from the border, where one of the two look-ups is clamped and the other is not.
    visible[:, 2:-10, 2:-6] = True
    loss, share, _ = flow_equivariance_loss(
        online, target, identity(1), identity(1), flow, visible, STRIDE
    )
    torch.testing.assert_close(loss, torch.tensor(expected), rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(share, visible.float().mean((1, 2)))


def test_views_undo_what_made_them():
    """Turning one view by 180 degrees turns its map: nothing is lost."""
    features = torch.randn(1, 6, 4, 5)
    turn = affine_matrix(torch.tensor([math.pi]), torch.ones(1), (16, 20))
    visible = torch.zeros(1, 16, 20, dtype=torch.bool)
    visible[:, 1:-1, 1:-1] = True  # the outermost centres may land 1e-6 outside
    flow = torch.zeros(1, 2, 16, 20)
    for online, target, affines in (
        (features.flip(2, 3), features, (turn, identity(1))),
        (features, features.flip(2, 3), (identity(1), turn)),
    ):
        loss, share, _ = flow_equivariance_loss(online, target, *affines, flow, visible, STRIDE)
        assert abs(loss) < 1e-5
        torch.testing.assert_close(share, torch.tensor([14 * 18 / (16 * 20)]))


def test_value_by_hand():
    """Stride 2, one row: at u = 1 the look-up lies 1/4 of the way from cell 0 to cell 1."""
    online = torch.tensor([[[[1.0, 0.0]], [[0.0, 1.0]]]])  # cell 0 = (1, 0), cell 1 = (0, 1)
    target = torch.tensor([[[[1.0, 1.0]], [[0.0, 0.0]]]])  # (1, 0) everywhere
    visible = torch.zeros(1, 2, 4, dtype=torch.bool)
    visible[0, 0, 1] = True
    zero = torch.zeros(1, 2, 2, 4)
    loss, share, _ = flow_equivariance_loss(
        online, target, identity(1), identity(1), zero, visible, 2
    )
    # (0.75, 0.25) against (1, 0).
    assert loss.item() == pytest.approx(2 - 2 * 0.75 / math.hypot(0.75, 0.25), abs=1e-6)
    assert share.tolist() == [0.125]


@pytest.mark.parametrize('seed', range(3))
def test_against_a_loop(seed):
    case = random_case(seed, cells=(3, 4), target_cells=(4, 3))
    loss, share, _ = flow_equivariance_loss(**case)
    expected, expected_share = looped_loss(**case)
    assert loss.item() == pytest.approx(expected, rel=1e-12)
    torch.testing.assert_close(share, torch.from_numpy(expected_share).float())
    assert share.min() > 0.1 and share.max() < 0.8


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    batch=st.integers(1, 3),
    channels=st.integers(4, 8),
    cells=st.tuples(st.integers(1, 7), st.integers(1, 7)),
    target_cells=st.tuples(st.integers(1, 7), st.integers(1, 7)),
    stride=st.sampled_from([1, 2, 3, 8]),
    motion=st.sampled_from([0.0, 0.7, 5.0, 100.0]),
    angle=st.sampled_from([0.1, 2.0]),
)
def test_against_the_straightforward_version(motion, angle, **shape):
    case = random_case(motion=motion, angle=angle, **shape)
    loss = flow_equivariance_loss(**case).loss
    expected = straightforward_loss(**case)
    torch.testing.assert_close(loss, expected, rtol=1e-10, atol=1e-12)
    for result, reference in zip(gradients(loss, case), gradients(expected, case)):
        torch.testing.assert_close(result, reference, rtol=1e-8, atol=1e-10)


def test_float32_at_a_real_size():
    """Three blocks a row, motion as in driving, only the online map asks for a gradient."""
    case = random_case(0, 2, 32, (20, 40), stride=8, motion=0.0, angle=0.1, dtype=torch.float32)
    coarse = 20 * torch.randn(2, 2, 4, 6, generator=torch.Generator().manual_seed(1))
    case['flow'] = torch.nn.functional.interpolate(coarse, (160, 320), mode='bicubic')
    case['target'] = case['target'].detach()
    loss, expected = flow_equivariance_loss(**case).loss, straightforward_loss(**case)
    torch.testing.assert_close(loss, expected, rtol=1e-6, atol=0)
    (result,) = torch.autograd.grad(loss, case['online'])
    (reference,) = torch.autograd.grad(expected, case['online'])
    assert (result - reference).norm() < 2e-6 * reference.norm()


def test_gradcheck():
    case = random_case(3, batch=2, channels=3, cells=(2, 3), target_cells=(3, 2), stride=2)
    case['visible'][0] = False

    def loss(online, target):
        return flow_equivariance_loss(**{**case, 'online': online, 'target': target}).loss

    assert torch.autograd.gradcheck(loss, (case['online'], case['target']))


def test_nothing_visible_is_zero_with_a_graph():
    case = random_case(0, dtype=torch.float32)
    case['visible'].zero_()
    loss, share, _ = flow_equivariance_loss(**case)
    assert loss.item() == 0 and share.tolist() == [0.0, 0.0]
    for grad in gradients(loss, case):
        assert torch.equal(grad, torch.zeros_like(grad))


def test_an_empty_sample_counts_as_zero_in_the_mean():
    case = random_case(0)
    single = {k: v if k == 'stride' else v[:1] for k, v in case.items()}
    case['visible'][1] = False
    loss = flow_equivariance_loss(**case).loss
    torch.testing.assert_close(loss, flow_equivariance_loss(**single).loss / 2)
    for grad in gradients(loss, case):
        assert grad[0].abs().sum() > 0 and grad[1].abs().sum() == 0


def test_flow_that_is_not_finite_is_left_out():
    case = random_case(0)
    case['visible'][:, 3:5] = False
    expected = gradients(flow_equivariance_loss(**case).loss, case)
    broken = case['flow'].clone()
    broken[:, :, 3], broken[:, :, 4] = float('nan'), float('inf')
    case['visible'][:, 3:5] = True
    result = flow_equivariance_loss(**{**case, 'flow': broken})
    assert result.loss.isfinite()
    for grad, reference in zip(gradients(result.loss, case), expected):
        torch.testing.assert_close(grad, reference)


def test_mean_of_pixels_is_per_sample_first():
    """A sample with few valid pixels weighs as much as one with many."""
    case = random_case(5)
    case['visible'][0, 1:] = False
    parts = [
        flow_equivariance_loss(**{k: v if k == 'stride' else v[i : i + 1] for k, v in case.items()})
        for i in range(2)
    ]
    assert parts[0].valid_share < parts[1].valid_share / 4
    expected = (parts[0].loss + parts[1].loss) / 2
    torch.testing.assert_close(flow_equivariance_loss(**case).loss, expected)


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
def test_autocast_and_half_precision_maps_are_computed_in_float32(dtype):
    case = random_case(0, channels=64, dtype=torch.float32)
    half = {k: case[k].detach().to(dtype).requires_grad_() for k in ('online', 'target')}
    exact = {k: v.detach().float().requires_grad_() for k, v in half.items()}
    expected = flow_equivariance_loss(**{**case, **exact}).loss
    with torch.autocast('cpu', torch.bfloat16):
        loss = flow_equivariance_loss(**{**case, **half}).loss
    assert loss.dtype == torch.float32
    assert loss.item() == expected.item()
    for grad, reference in zip(gradients(loss, half), gradients(expected, exact)):
        assert torch.equal(grad, reference.to(dtype))


def test_without_gradients():
    case = random_case(0)
    expected = flow_equivariance_loss(**case).loss
    with torch.no_grad():
        loss = flow_equivariance_loss(**case).loss
    assert not loss.requires_grad and loss == expected


@pytest.mark.parametrize(
    ('key', 'shape', 'message'),
    [
        ('target', (2, 7, 4, 6), 'target has shape'),
        ('affine_online', (1, 2, 3), 'affine_online has shape'),
        ('affine_target', (2, 3, 3), 'affine_target has shape'),
        ('flow', (2, 16, 24, 2), 'flow has shape'),
        ('visible', (2, 1, 16, 24), 'visible has shape'),
    ],
)
def test_shapes_that_do_not_belong_together(key, shape, message):
    case = random_case(0)
    case[key] = case[key].new_zeros(shape)
    with pytest.raises(ValueError, match=message):
        flow_equivariance_loss(**case)


# --- options ----------------------------------------------------------------------------------


@pytest.mark.parametrize('blocked', [True, False])
@pytest.mark.parametrize('options', OPTIONS)
@pytest.mark.parametrize('seed', range(2))
def test_options_against_a_loop(seed, options, blocked):
    case = random_case(seed, cells=(3, 4), target_cells=(4, 3), motion=2.0)
    loss, share, _ = flow_equivariance_loss(**case, **options, blocked=blocked)
    expected, expected_share = looped_loss(**case, **options)
    assert loss.item() == pytest.approx(expected, rel=1e-12)
    torch.testing.assert_close(share, torch.from_numpy(expected_share).float())
    usual, usual_share = looped_loss(**case)
    assert expected != pytest.approx(usual, rel=1e-4)
    np.testing.assert_array_equal(expected_share, usual_share)  # what is valid stays the same
    assert share.min() > 0.05


@pytest.mark.parametrize('options', OPTIONS)
def test_gradcheck_of_the_options(options):
    case = random_case(3, batch=2, channels=3, cells=(2, 3), target_cells=(3, 2), stride=2)

    def loss(online, target):
        return flow_equivariance_loss(**(case | dict(online=online, target=target)), **options).loss

    assert torch.autograd.gradcheck(loss, (case['online'], case['target']))


def test_unwarped_maps_are_those_of_identity_maps():
    """Where the affine maps keep everything inside, they play no part any more."""
    case = random_case(1)
    case['visible'][:, :4] = case['visible'][:, -4:] = False
    case['visible'][..., :4] = case['visible'][..., -4:] = False
    case['flow'].clamp_(-3, 3)
    smaller = affine_matrix(torch.tensor([0.05, -0.05]), torch.tensor([0.9, 0.8]), (16, 24))
    views = dict(affine_online=smaller.double(), affine_target=smaller.flip(0).double())
    still = dict(affine_online=identity(2).double(), affine_target=identity(2).double())
    unwarped = flow_equivariance_loss(**(case | views), unwarped=True)
    torch.testing.assert_close(unwarped, flow_equivariance_loss(**(case | still)))
    usual = flow_equivariance_loss(**(case | views)).loss
    assert abs(unwarped.loss - usual) > 1e-3


def test_unwarped_online_map_by_hand():
    """As in ``test_value_by_hand``, with a map that would move the look-up by one pixel."""
    online = torch.tensor([[[[1.0, 0.0]], [[0.0, 1.0]]]])
    target = torch.tensor([[[[1.0, 1.0]], [[0.0, 0.0]]]])
    visible = torch.zeros(1, 2, 4, dtype=torch.bool)
    visible[0, 0, 1] = True
    zero, shift = torch.zeros(1, 2, 2, 4), identity(1)
    shift[0, 0, 2] = 1.0
    for unwarped, weight in ((True, 0.75), (False, 0.25)):
        loss = flow_equivariance_loss(
            online, target, shift, shift, zero, visible, 2, unwarped=unwarped
        ).loss
        expected = 2 - 2 * weight / math.hypot(0.75, 0.25)
        assert loss.item() == pytest.approx(expected, abs=1e-6)


def test_mean_over_all_pixels_is_the_mean_over_valid_ones_times_their_share():
    case = random_case(4)
    case['visible'][0, 3:] = False
    singles = [{k: v if k == 'stride' else v[i : i + 1] for k, v in case.items()} for i in range(2)]
    parts = [flow_equivariance_loss(**single) for single in singles]
    expected = sum(part.loss * part.valid_share[0] for part in parts) / 2
    result = flow_equivariance_loss(**case, mean_over='all')
    torch.testing.assert_close(result.loss, expected, rtol=1e-6, atol=0, check_dtype=False)
    case['visible'].zero_()
    assert flow_equivariance_loss(**case, mean_over='all').loss == 0


def test_an_unknown_mean_is_named():
    with pytest.raises(ValueError, match=r"mean_over must be one of .*'none'"):
        flow_equivariance_loss(**random_case(0), mean_over='none')


@given(seed=st.integers(0, 2**16), other_size=st.booleans())
@settings(max_examples=15, deadline=None)
def test_plain_path_is_the_same(seed, other_size):
    case = random_case(seed, target_cells=(5, 3) if other_size else None)
    blocked, plain = (flow_equivariance_loss(**case, blocked=b) for b in (True, False))
    torch.testing.assert_close(plain, blocked, rtol=1e-9, atol=1e-9)
    for a, b in zip(gradients(plain.loss, case), gradients(blocked.loss, case)):
        torch.testing.assert_close(a, b, rtol=1e-7, atol=1e-9)


def test_plain_path_ignores_points_that_are_not_valid():
    case = random_case(3)
    case['flow'][:, :, ~case['visible'][0]] = math.nan
    case['visible'][1] = case['visible'][0]
    plain = flow_equivariance_loss(**case, blocked=False).loss
    torch.testing.assert_close(plain, flow_equivariance_loss(**case).loss)
    assert all(g.isfinite().all() for g in gradients(plain, case))
