"""Flow-informed subcrops: every rule, as properties and against naive loops."""

import math
import random
from collections import Counter

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision.transforms.v2 import functional as TF

from poodle_mm.geometry.boxes import cell_grid
from poodle_mm.geometry.warp import inside, sample_bilinear
from poodle_mm.views.subcrops import FALLBACKS, TARGET_AREAS, FlowSubcrops, SubcropDraws

SIZES = st.tuples(st.integers(32, 160), st.integers(32, 160))
AREAS = st.tuples(st.floats(0.02, 1), st.floats(0.02, 1)).map(sorted)
NUMS = st.integers(1, 14)
FALLBACK = st.sampled_from(FALLBACKS)
SEEDS = st.integers(0, 2**63 - 1)
EXAMPLES = settings(max_examples=60, deadline=None)


def draw(subcrops, size, seeds=(0,)):
    pairs = [subcrops.draw(torch.Generator().manual_seed(seed), size) for seed in seeds]
    return pairs, SubcropDraws(*(torch.stack(field) for field in zip(*pairs)))


def constant_flow(size, du=0.0, dv=0.0, batch=1):
    return torch.tensor([du, dv]).view(1, 2, 1, 1).expand(batch, 2, *size).contiguous()


def random_flow(size, seed, reach):
    coarse = torch.randn(1, 2, 3, 4, generator=torch.Generator().manual_seed(seed)) * reach
    return F.interpolate(coarse, size, mode='bilinear')


def cells_of(points, grid, size):
    column = ((points[..., 0] + 0.5) / (size[1] / grid[1])).floor().clamp(0, grid[1] - 1)
    row = ((points[..., 1] + 0.5) / (size[0] / grid[0])).floor().clamp(0, grid[0] - 1)
    return (row * grid[1] + column).int().tolist()


# --- cells ------------------------------------------------------------------------------------


@EXAMPLES
@given(SIZES, AREAS, NUMS, SEEDS, st.booleans(), FALLBACK)
def test_no_cell_is_used_again_before_all_were_used(size, area, num, seed, extra, fallback):
    subcrops = FlowSubcrops(num=num, area=area, extra_cells=extra, fallback=fallback)
    _, draws = draw(subcrops, size, (seed,))
    (online, _), _ = subcrops.centres(draws, random_flow(size, 1, max(size) / 3))
    grid = cell_grid(size, area, extra)
    cells = cells_of(online[0], grid, size)
    num_cells = grid[0] * grid[1]
    assert len(cells) == num
    for start in range(0, num, num_cells):
        a_round = cells[start : start + num_cells]
        assert len(set(a_round)) == len(a_round)


@pytest.mark.parametrize('extra, grid, mean', [(False, (2, 4), 225), (True, (3, 5), 120)])
def test_all_cells_and_all_places_in_a_cell_are_drawn_alike(extra, grid, mean):
    size, seeds = (64, 128), range(600)
    # Without jitter no point leaves: a place would be missed by a valid draw that came first.
    subcrops = FlowSubcrops(num=3, area=(0.05, 0.3), extra_cells=extra, jitter=0.0)
    _, draws = draw(subcrops, size, seeds)
    (online, _), _ = subcrops.centres(draws, constant_flow(size, batch=600))
    counts = Counter(cells_of(online.flatten(0, 1), grid, size))
    assert sorted(counts) == list(range(grid[0] * grid[1]))
    assert all(abs(count - mean) < 4 * mean**0.5 for count in counts.values())
    for axis, length in ((0, 128 / grid[1]), (1, 64 / grid[0])):
        place = (online[..., axis].flatten() + 0.5).remainder(length) / length
        assert torch.histc(place, 4, 0, 1).div(1800).sub(0.25).abs().max() < 0.045


@pytest.mark.parametrize('extra, grid', [(False, (2, 4)), (True, (3, 5))])
def test_second_round_has_its_own_order(extra, grid):
    size, cells = (64, 128), grid[0] * grid[1]
    subcrops = FlowSubcrops(num=2 * cells, area=(0.05, 0.3), extra_cells=extra)
    _, draws = draw(subcrops, size, range(5))
    (online, _), _ = subcrops.centres(draws, constant_flow(size, batch=5))
    orders = [cells_of(points, grid, size) for points in online]
    for order in orders:
        assert sorted(order[:cells]) == sorted(order[cells:]) == list(range(cells))
    assert any(order[:cells] != order[cells:] for order in orders)
    assert len({tuple(order) for order in orders}) == 5


def test_nine_pairs_take_nine_of_the_released_codes_cells():
    size = (512, 1024)
    subcrops = FlowSubcrops(num=9)
    pairs, draws = draw(subcrops, size, range(5))
    assert pairs[0].starts.shape == (1, 15, 5, 2)
    (online, _), _ = subcrops.centres(draws, constant_flow(size, batch=5))
    assert all(len(set(cells_of(points, (3, 5), size))) == 9 for points in online)


# --- centres ----------------------------------------------------------------------------------


def test_zero_flow_and_zero_jitter_give_the_same_centres():
    subcrops = FlowSubcrops(num=6, jitter=0.0)
    _, draws = draw(subcrops, (64, 128))
    (online, target), fallback = subcrops.centres(draws, constant_flow((64, 128)))
    assert torch.equal(online, target) and not fallback.any()


@EXAMPLES
@given(SIZES, st.floats(-0.5, 0.5), st.floats(-0.5, 0.5), SEEDS, FALLBACK)
def test_centres_follow_a_known_translation(size, across, down, seed, fallback):
    subcrops = FlowSubcrops(num=4, jitter=0.0, fallback=fallback)
    _, draws = draw(subcrops, size, (seed,))
    du, dv = across * size[1], down * size[0]
    (online, target), failed = subcrops.centres(draws, constant_flow(size, du, dv))
    moved = target - online
    assert inside(online, size, 0.5).all() and inside(target, size, 0.5).all()
    torch.testing.assert_close(
        moved[~failed], torch.tensor([du, dv]).expand_as(moved[~failed]), atol=1e-3, rtol=0
    )
    if fallback == 'same-image':
        assert (moved[failed] == 0).all()


def test_the_flow_is_read_bilinearly_at_the_start():
    size = (64, 128)
    flow = random_flow(size, 3, 6.0)
    subcrops = FlowSubcrops(num=6, jitter=0.0)
    _, draws = draw(subcrops, size)
    (online, target), fallback = subcrops.centres(draws, flow)
    assert not fallback.any()
    for (u, v), landed in zip(online[0].tolist(), target[0].tolist()):
        # Outside of the outermost pixel centres the border is read.
        u_in, v_in = min(max(u, 0), size[1] - 1), min(max(v, 0), size[0] - 1)
        column, row = min(int(u_in), size[1] - 2), min(int(v_in), size[0] - 2)
        a, b = u_in - column, v_in - row
        upper, lower = (
            flow[0, :, row, column : column + 2],
            flow[0, :, row + 1, column : column + 2],
        )
        du, dv = ((1 - b) * upper + b * lower) @ torch.tensor([1 - a, a])
        assert landed == pytest.approx((u + du.item(), v + dv.item()), abs=1e-3)


def test_jitter_is_uniform_in_its_share_of_height_and_width():
    size, seeds = (64, 128), range(300)
    # One cell: centres anywhere.
    subcrops = FlowSubcrops(num=6, area=(0.5, 0.5), jitter=0.1, extra_cells=False)
    _, draws = draw(subcrops, size, seeds)
    centres, fallback = subcrops.centres(draws, constant_flow(size, batch=300))
    assert not fallback.any()
    away = centres.flatten(1, 2)
    middle = ((away[0] - torch.tensor([63.5, 31.5])).abs() < torch.tensor([48.0, 24.0])).all(-1)
    offset = (away[1] - away[0])[middle] / torch.tensor([128.0, 64.0])
    assert offset.abs().max() <= 0.1 + 1e-6
    assert (offset.abs().amax(0) > 0.098).all()
    assert (offset.mean(0).abs() < 0.01).all()
    assert (offset.std(0) - 0.2 / 12**0.5).abs().max() < 0.005


@pytest.mark.parametrize('num', [9, 20])
def test_all_pairs_stay_in_the_online_image_when_the_flow_points_far_outside(num):
    size = (64, 128)
    subcrops = FlowSubcrops(num=num)
    _, draws = draw(subcrops, size)
    (online, target), fallback = subcrops.centres(draws, constant_flow(size, 1000.0, 0.0))
    assert fallback.all() and fallback.shape == (1, num)
    assert torch.equal(online, target)  # the same centre, no jitter


def test_a_cell_whose_points_all_leave_keeps_its_turn():
    """The left half of the online frame leaves: what starts there stays, in the cells' order."""
    size = (64, 128)
    flow = constant_flow(size)
    flow[..., :66] = 1000.0
    subcrops = FlowSubcrops(num=8, jitter=0.1, extra_cells=False)
    _, draws = draw(subcrops, size, range(20))
    (online, target), fallback = subcrops.centres(draws, flow.expand(20, -1, -1, -1))
    left = online[..., 0] < 63.5
    assert torch.equal(left, fallback) and (left.sum(1) == 4).all()
    assert torch.equal(online[left], target[left])
    assert (online[~left] != target[~left]).all()
    in_order = [cells_of(starts[0, :, 0], (2, 4), size) for starts in draws.starts]
    assert [cells_of(points, (2, 4), size) for points in online] == in_order


@pytest.mark.parametrize('num_draws', [1, 5, 10])
@pytest.mark.parametrize('fallback', FALLBACKS)
def test_number_of_draws_in_a_cell(num_draws, fallback):
    # 6 of the 32 columns of a cell are valid: a draw finds them rarely, ten in 7 of 8 cells.
    size = (64, 128)
    flow = constant_flow(size, 1000.0, batch=100)
    columns = torch.arange(128) % 32
    flow[..., (columns > 12) & (columns < 20)] = 0
    options = dict(draws=num_draws, fallback=fallback, extra_cells=False)
    subcrops = FlowSubcrops(num=8, jitter=0.0, **options)
    pairs, draws = draw(subcrops, size, range(100))
    assert pairs[0].starts.shape == (1, 8, num_draws, 2)
    failed = subcrops.centres(draws, flow)[1]
    assert failed.float().mean().item() == pytest.approx((26 / 32) ** num_draws, abs=0.06)


@pytest.mark.parametrize('value', [math.nan, math.inf])
@pytest.mark.parametrize('fallback', FALLBACKS)
def test_flow_that_is_not_finite_gives_finite_boxes(value, fallback):
    size = (64, 128)
    pairs, draws = draw(subcrops := FlowSubcrops(num=6, fallback=fallback), size)
    flow = constant_flow(size, value, value)
    assert subcrops.centres(draws, flow)[1].all()
    boxes, _ = subcrops.boxes(pairs, flow)
    assert boxes.isfinite().all()


def naive_stay(draws, flow, size, num):
    """The released code's rule on the same draws: a cell without a valid one keeps its start."""
    landed = draws.starts + sample_bilinear(flow, draws.starts).movedim(1, -1)
    result = []
    for starts, ends, jitters in zip(draws.starts[0], landed[0], draws.jitter[0]):  # rounds
        for start, end, jitter in zip(starts, ends, jitters):  # cells in order of use
            pair = start[0].tolist(), start[0].tolist(), True
            for t in reversed(range(len(start))):
                if inside(end[t] + jitter[t], size, 0.5):
                    pair = start[t].tolist(), (end[t] + jitter[t]).tolist(), False
            result.append(pair)
    return result[:num]


def naive_clamp(draws, flow, size, num):
    """SPEC §3 step 2, pair by pair, on the same draws; a failed cell is not tried again."""
    landed = draws.starts + sample_bilinear(flow, draws.starts).movedim(1, -1)
    starts, landed, jitter = draws.starts[0], landed[0], draws.jitter[0]
    rounds, num_cells, tries = starts.shape[:3]
    result = []
    for r in range(rounds):
        unused = list(range(num_cells))
        while unused and len(result) < num:
            result.append(naive_pair(unused, starts[r], landed[r], jitter[r], tries, size))
    return result


def naive_pair(unused, starts, landed, jitter, tries, size):
    for with_jitter in (True, False):
        for cell in unused:
            for t in range(tries):
                target = landed[cell, t] + (jitter[cell, t] if with_jitter else 0)
                if inside(target, size, 0.5):
                    unused.remove(cell)
                    return starts[cell, t].tolist(), target.tolist(), False
    cell = unused.pop(0)
    u, v = landed[cell, 0].tolist()
    target = [min(max(u, -0.5), size[1] - 0.5), min(max(v, -0.5), size[0] - 0.5)]
    return starts[cell, 0].tolist(), target, True


@pytest.mark.parametrize('fallback, naive', [('same-image', naive_stay), ('clamp', naive_clamp)])
@EXAMPLES
@given(
    SIZES,
    AREAS,
    NUMS,
    st.floats(0, 0.6),
    st.floats(0, 2),
    st.integers(1, 10),
    st.booleans(),
    SEEDS,
)
def test_choice_equals_the_naive_loop(
    fallback, naive, size, area, num, jitter, reach, tries, extra, seed
):
    options = dict(fallback=fallback, draws=tries, extra_cells=extra)
    subcrops = FlowSubcrops(num=num, area=area, jitter=jitter, **options)
    _, draws = draw(subcrops, size, (seed,))
    flow = random_flow(size, seed, reach * max(size))
    (online, target), failed = subcrops.centres(draws, flow)
    expected = naive(draws, flow, size, num)
    assert len(expected) == num
    for k, (one, other, has_failed) in enumerate(expected):
        assert failed[0, k] == has_failed
        assert online[0, k].tolist() == pytest.approx(one, abs=1e-3)
        assert target[0, k].tolist() == pytest.approx(other, abs=1e-3)


def test_share_of_fallbacks_under_a_zoom_is_that_of_a_monte_carlo_loop():
    """Zoom by 1.3 about the centre: what starts in the outer cells often leaves."""
    size, zoom, num_pairs = (512, 1024), 1.3, 2000
    v, u = torch.meshgrid(torch.arange(512.0), torch.arange(1024.0), indexing='ij')
    flow = torch.stack([(zoom - 1) * (u - 511.5), (zoom - 1) * (v - 255.5)])[None]
    subcrops = FlowSubcrops()
    _, draws = draw(subcrops, size, range(num_pairs))
    fallback = subcrops.centres(draws, flow.expand(num_pairs, -1, -1, -1))[1]

    # In units of the image, (0, 0) at its centre and edges at ±1/2.
    rng = random.Random(0)
    trials, failed = 40000, 0
    for _ in range(trials):
        row, column = rng.randrange(3), rng.randrange(5)
        for _ in range(5):
            x = (column + rng.random()) / 5 - 0.5
            y = (row + rng.random()) / 3 - 0.5
            x, y = zoom * x + rng.uniform(-0.1, 0.1), zoom * y + rng.uniform(-0.1, 0.1)
            if max(abs(x), abs(y)) <= 0.5:
                break
        else:
            failed += 1
    expected = failed / trials
    assert 0.05 < expected < 0.08
    # 4 standard deviations as if the pairs of an image were independent; cells are drawn apart.
    deviation = (expected * (1 - expected) / (6 * num_pairs)) ** 0.5
    assert fallback.float().mean().item() == pytest.approx(expected, abs=4 * deviation)


# --- the clamping fallback --------------------------------------------------------------------


def test_all_pairs_come_out_clamped_when_the_flow_points_far_outside():
    size = (64, 128)
    subcrops = FlowSubcrops(num=9, fallback='clamp')
    _, draws = draw(subcrops, size)
    (online, target), clamped = subcrops.centres(draws, constant_flow(size, 1000.0, 0.0))
    assert clamped.all() and clamped.shape == (1, 9)
    assert (target[..., 0] == 127.5).all()
    torch.testing.assert_close(target[..., 1], online[..., 1])


def test_clamped_cells_come_after_the_unused_ones():
    # The left half of the online frame leaves: 4 of the 8 cells have no valid draw.
    size = (64, 128)
    flow = constant_flow(size)
    flow[..., :66] = 1000.0
    subcrops = FlowSubcrops(num=8, jitter=0.1, extra_cells=False, fallback='clamp')
    _, draws = draw(subcrops, size, range(20))
    (online, _), clamped = subcrops.centres(draws, flow.expand(20, -1, -1, -1))
    right = online[..., 0] > 63.5
    assert right[:, :4].all() and not clamped[:, :4].any()
    assert not right[:, 4:].any() and clamped[:, 4:].all()


def test_a_jitter_that_always_leaves_is_left_out_before_clamping():
    size = (64, 128)
    subcrops = FlowSubcrops(num=6, jitter=0.1, fallback='clamp')
    _, draws = draw(subcrops, size)
    draws = draws._replace(jitter=torch.full_like(draws.jitter, 1e4))
    (online, target), clamped = subcrops.centres(draws, constant_flow(size, 1.0, 0.0))
    assert not clamped.any()
    torch.testing.assert_close(target - online, torch.tensor([1.0, 0.0]).expand_as(online))


# --- boxes ------------------------------------------------------------------------------------


@EXAMPLES
@given(SIZES, AREAS, NUMS, SEEDS, FALLBACK, st.sampled_from(TARGET_AREAS))
def test_boxes_are_inside_with_area_and_aspect_in_range(size, area, num, seed, fallback, law):
    subcrops = FlowSubcrops(num=num, area=area, fallback=fallback, target_area=law)
    pairs, _ = draw(subcrops, size, (seed,))
    boxes, failed = subcrops.boxes(pairs, random_flow(size, 1, max(size)))
    assert boxes.shape == (2, 1, num, 4) and boxes.dtype == torch.float32
    assert failed.shape == (1, num) and failed.dtype == torch.bool
    height, width = size
    x0, y0, x1, y1 = boxes.unbind(-1)
    assert (boxes[..., :2] >= 0).all() and (x1 <= width).all() and (y1 <= height).all()
    share = (x1 - x0) * (y1 - y0) / (height * width)
    assert (share > area[0] - 1e-3).all() and (share < area[1] + 1e-3).all()
    if law == 'above-online':
        assert (share[1] > share[0] - 1e-3).all()
    # Within the range unless the frame is too long for any aspect of it.
    aspect = (x1 - x0) / (y1 - y0)
    low = (share * width / height).clamp(min=3 / 4)
    high = (width / height / share).clamp(max=4 / 3)
    assert (aspect > torch.minimum(low, high) - 1e-2).all()
    assert (aspect < torch.maximum(low, high) + 1e-2).all()


@EXAMPLES
@given(SIZES, NUMS, SEEDS, FALLBACK)
def test_boxes_hold_their_centres(size, num, seed, fallback):
    subcrops = FlowSubcrops(num=num, fallback=fallback)
    pairs, draws = draw(subcrops, size, (seed,))
    flow = random_flow(size, 2, max(size) / 2)
    edges = subcrops.centres(draws, flow)[0] + 0.5
    boxes, _ = subcrops.boxes(pairs, flow)
    assert (boxes[..., :2] <= edges + 1e-3).all() and (edges <= boxes[..., 2:] + 1e-3).all()


def test_each_box_has_its_own_area_and_aspect():
    size = (256, 512)
    subcrops = FlowSubcrops(num=6)
    pairs, _ = draw(subcrops, size, range(200))
    boxes, _ = subcrops.boxes(pairs, constant_flow(size, batch=200))
    extent = (boxes[..., 2:] - boxes[..., :2]).flatten(1, 2)
    area = extent.prod(-1) / (256 * 512)
    aspect = (extent[..., 0] / extent[..., 1]).log()
    for value, low, high in ((area, 0.05, 0.3), (aspect, -0.28768, 0.28768)):
        assert torch.corrcoef(value)[0, 1].abs() < 0.1
        assert value.mean().item() == pytest.approx((low + high) / 2, abs=0.02 * (high - low))
        assert value.std().item() == pytest.approx((high - low) / 12**0.5, rel=0.05)


def test_target_area_above_the_online_boxes():
    """With x uniform, y uniform in [x, 1]: means 1/2 and 3/4, and (y - x) / (1 - x) is uniform."""
    subcrops = FlowSubcrops(num=6, target_area='above-online')
    pairs, _ = draw(subcrops, (256, 512), range(500))
    boxes, _ = subcrops.boxes(pairs, constant_flow((256, 512), batch=500))
    area = (boxes[..., 2:] - boxes[..., :2]).prod(-1).flatten(1) / (256 * 512)
    online, target = (area - 0.05) / 0.25
    assert (target > online - 1e-4).all()
    assert online.mean().item() == pytest.approx(0.5, abs=0.021)  # 4 standard deviations
    assert target.mean().item() == pytest.approx(0.75, abs=0.016)
    above = (target - online) / (1 - online)
    inner = above[online < 0.9]
    assert torch.histc(inner, 4, 0, 1).div(len(inner)).sub(0.25).abs().max() < 0.035
    assert torch.corrcoef(torch.stack([inner, online[online < 0.9]]))[0, 1].abs() < 0.08


def test_the_law_of_the_target_area_changes_nothing_else():
    usual, above = (
        draw(FlowSubcrops(target_area=law), (64, 128))[1] for law in ('independent', 'above-online')
    )
    for name in ('starts', 'jitter'):
        assert torch.equal(getattr(usual, name), getattr(above, name))
    assert torch.equal(usual.area[:, 0], above.area[:, 0])
    assert not torch.equal(usual.area[:, 1], above.area[:, 1])


def test_boxes_of_the_whole_image():
    subcrops = FlowSubcrops(num=4, area=(1.0, 1.0))
    pairs, _ = draw(subcrops, (64, 128))
    boxes, _ = subcrops.boxes(pairs, constant_flow((64, 128)))
    expected = torch.tensor([0.0, 0, 128, 64]).expand_as(boxes)
    torch.testing.assert_close(boxes, expected, atol=1e-3, rtol=0)


def test_aspect_is_that_of_drawing_until_it_fits():
    """In a 1 : 2 frame, boxes of 0.45 need an aspect of at least 0.9."""
    size = (64, 128)
    subcrops = FlowSubcrops(num=6, area=(0.45, 0.45))
    pairs, _ = draw(subcrops, size, range(300))
    aspect = torch.cat([pair.aspect.flatten() for pair in pairs])
    generator = torch.Generator().manual_seed(1)
    value = torch.rand(20000, generator=generator) * 2 - 1
    redrawn = (4 / 3) ** value
    redrawn = redrawn[redrawn >= 0.9]
    quantiles = torch.linspace(0, 1, 9)
    torch.testing.assert_close(
        aspect.quantile(quantiles), redrawn.quantile(quantiles), atol=0.015, rtol=0
    )


# --- pixels -----------------------------------------------------------------------------------


def test_cut_reads_a_ramp_exactly_at_fractional_edges():
    v, u = torch.meshgrid(torch.arange(40.0), torch.arange(60.0), indexing='ij')
    image = torch.stack([u, v, u + 2 * v])[None]
    boxes = torch.tensor([[[3.3, 5.7, 20.1, 18.2], [1.0, 2.0, 57.5, 38.25]]])  # larger, smaller
    crops = FlowSubcrops(num=2, size=16).cut(image, boxes)
    assert crops.shape == (1, 2, 3, 16, 16)
    for crop, (x0, y0, x1, y1) in zip(crops[0], boxes[0].tolist()):
        step = torch.arange(16) + 0.5
        across, down = x0 + step * (x1 - x0) / 16 - 0.5, y0 + step * (y1 - y0) / 16 - 0.5
        torch.testing.assert_close(crop[0], across.expand(16, 16))
        torch.testing.assert_close(crop[1], down[:, None].expand(16, 16))
        torch.testing.assert_close(crop[2], across + 2 * down[:, None])


def test_cut_at_half_size_is_the_mean_of_four_pixels():
    image = torch.rand(2, 3, 24, 40, generator=torch.Generator().manual_seed(0))
    boxes = torch.tensor([[[4.0, 6.0, 20.0, 22.0]], [[0.0, 0.0, 16.0, 16.0]]])
    crops = FlowSubcrops(num=1, size=8).cut(image, boxes)
    torch.testing.assert_close(crops[0, 0], F.avg_pool2d(image[0, :, 6:22, 4:20], 2))
    torch.testing.assert_close(crops[1, 0], F.avg_pool2d(image[1, :, :16, :16], 2))


@pytest.mark.parametrize('plain', [False, True])
def test_cut_takes_each_box_from_the_image_that_it_names(plain):
    images = torch.rand(3, 3, 20, 30, generator=torch.Generator().manual_seed(0))
    corner = torch.rand(2, 4, 2, generator=torch.Generator().manual_seed(1)) * 10
    boxes = torch.cat([corner, corner + 9.5], dim=-1)
    index = torch.tensor([[2, 0, 0, 1], [1, 2, 2, 0]])
    subcrops = FlowSubcrops(num=4, size=8)
    crops = subcrops.cut(images, boxes, index, plain)
    assert crops.shape == (2, 4, 3, 8, 8)
    for i in range(2):
        for k in range(4):
            alone = subcrops.cut(images[index[i, k], None], boxes[i, k].view(1, 1, 4))
            torch.testing.assert_close(crops[i, k], alone[0, 0], atol=1e-6, rtol=0)
    # By default row i is cut from image i.
    crops = subcrops.cut(images[:2], boxes, plain=plain)
    index = torch.tensor([[0], [1]]).expand(2, 4)
    assert torch.equal(crops, subcrops.cut(images[:2], boxes, index, plain))


def test_cut_of_a_fine_pattern_does_not_alias():
    stripes = (torch.arange(64) % 2).float().expand(1, 3, 64, 64).contiguous()
    crops = FlowSubcrops(num=1, size=16).cut(stripes, torch.tensor([[[3.0, 3.0, 53.0, 53.0]]]))
    assert (crops - 0.5).abs().max() < 0.15


@pytest.mark.parametrize('box', [(10, 5, 106, 85), (0, 0, 200, 150), (30, 20, 70, 60)])
def test_cut_is_close_to_torchvisions_resized_crop(box):
    coarse = torch.rand(1, 3, 8, 10, generator=torch.Generator().manual_seed(4))
    image = F.interpolate(coarse, (150, 200), mode='bicubic').clamp(0, 1)
    x0, y0, x1, y1 = box
    expected = TF.resized_crop(image, y0, x0, y1 - y0, x1 - x0, [48, 48], antialias=True)
    crop = FlowSubcrops(num=1, size=48).cut(image, torch.tensor([[box]], dtype=torch.float32))
    difference = (crop[0] - expected).abs()
    assert difference.mean() < 0.005
    assert difference[..., 1:-1, 1:-1].max() < 0.04


# --- options ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    'option',
    [
        dict(num=-1),
        dict(size=0),
        dict(area=(0.0, 0.3)),
        dict(area=(0.3, 0.1)),
        dict(area=(0.2, 1.01)),
        dict(aspect=(0.0, 1.0)),
        dict(aspect=(2.0, 1.0)),
        dict(jitter=-0.1),
        dict(draws=0),
        dict(fallback='next-cell'),
        dict(target_area='larger'),
    ],
)
def test_bad_options_are_named(option):
    with pytest.raises(ValueError, match=rf'subcrops\.{next(iter(option))}'):
        FlowSubcrops(**option)
