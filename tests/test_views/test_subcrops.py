"""Flow-informed subcrops: every rule of PooDLe §3, as properties and against a naive loop."""

from collections import Counter

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision.transforms.v2 import functional as TF

from poodle_mm.geometry.boxes import cell_grid, in_image
from poodle_mm.geometry.warp import sample_bilinear
from poodle_mm.views.subcrops import FlowSubcrops, SubcropDraws

SIZES = st.tuples(st.integers(32, 160), st.integers(32, 160))
AREAS = st.tuples(st.floats(0.02, 0.5), st.floats(0.02, 0.5)).map(sorted)
NUMS = st.integers(1, 14)
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
@given(SIZES, AREAS, NUMS, SEEDS)
def test_no_cell_is_used_again_before_all_were_used(size, area, num, seed):
    subcrops = FlowSubcrops(num=num, area=area)
    _, draws = draw(subcrops, size, (seed,))
    (_, target), _ = subcrops.centres(draws, random_flow(size, 1, max(size) / 3))
    grid = cell_grid(size, area)
    cells = cells_of(target[0], grid, size)
    num_cells = grid[0] * grid[1]
    assert len(cells) == num
    for start in range(0, num, num_cells):
        a_round = cells[start : start + num_cells]
        assert len(set(a_round)) == len(a_round)


def test_all_cells_and_all_places_in_a_cell_are_drawn_alike():
    size, seeds = (64, 128), range(600)
    subcrops = FlowSubcrops(num=3, area=(0.05, 0.3))
    _, draws = draw(subcrops, size, seeds)
    (_, target), _ = subcrops.centres(draws, constant_flow(size, batch=600))
    counts = Counter(cells_of(target.flatten(0, 1), (2, 4), size))
    assert sorted(counts) == list(range(8))
    assert max(counts.values()) < 1.35 * min(counts.values())  # 225 +- 14 each
    for position, length in ((target[..., 0], 32), (target[..., 1], 32)):
        place = (position.flatten() + 0.5).remainder(length) / length
        assert torch.histc(place, 4, 0, 1).div(1800).sub(0.25).abs().max() < 0.045


def test_second_round_has_its_own_order():
    size = (64, 128)
    subcrops = FlowSubcrops(num=16, area=(0.05, 0.3))
    _, draws = draw(subcrops, size, range(5))
    (_, target), _ = subcrops.centres(draws, constant_flow(size, batch=5))
    orders = [cells_of(points, (2, 4), size) for points in target]
    assert all(sorted(order[:8]) == sorted(order[8:]) == list(range(8)) for order in orders)
    assert any(order[:8] != order[8:] for order in orders)
    assert len({tuple(order) for order in orders}) == 5


# --- centres ----------------------------------------------------------------------------------


def test_zero_flow_and_zero_jitter_give_the_same_centres():
    subcrops = FlowSubcrops(num=6, jitter=0.0)
    _, draws = draw(subcrops, (64, 128))
    (source, target), clamped = subcrops.centres(draws, constant_flow((64, 128)))
    assert torch.equal(source, target) and not clamped.any()


@EXAMPLES
@given(SIZES, st.floats(-0.5, 0.5), st.floats(-0.5, 0.5), SEEDS)
def test_centres_follow_a_known_translation(size, across, down, seed):
    subcrops = FlowSubcrops(num=4, jitter=0.0)
    _, draws = draw(subcrops, size, (seed,))
    du, dv = across * size[1], down * size[0]
    (source, target), clamped = subcrops.centres(draws, constant_flow(size, du, dv))
    moved = source - target
    assert in_image(source, size).all() and in_image(target, size).all()
    torch.testing.assert_close(
        moved[~clamped], torch.tensor([du, dv]).expand_as(moved[~clamped]), atol=1e-3, rtol=0
    )


def test_the_flow_is_read_bilinearly_at_the_target():
    size = (64, 128)
    flow = random_flow(size, 3, 6.0)
    subcrops = FlowSubcrops(num=6, jitter=0.0)
    _, draws = draw(subcrops, size)
    (source, target), clamped = subcrops.centres(draws, flow)
    assert not clamped.any()
    for (u, v), landed in zip(target[0].tolist(), source[0].tolist()):
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
    subcrops = FlowSubcrops(num=6, area=(0.5, 0.5), jitter=0.1)  # one cell: centres anywhere
    _, draws = draw(subcrops, size, seeds)
    (source, target), clamped = subcrops.centres(draws, constant_flow(size, batch=300))
    assert not clamped.any()
    away = torch.stack([target, source]).flatten(1, 2)
    middle = ((away[0] - torch.tensor([63.5, 31.5])).abs() < torch.tensor([48.0, 24.0])).all(-1)
    offset = (away[1] - away[0])[middle] / torch.tensor([128.0, 64.0])
    assert offset.abs().max() <= 0.1 + 1e-6
    assert (offset.abs().amax(0) > 0.098).all()
    assert (offset.mean(0).abs() < 0.01).all()
    assert (offset.std(0) - 0.2 / 12**0.5).abs().max() < 0.005


def test_all_pairs_come_out_clamped_when_the_flow_points_far_outside():
    size = (64, 128)
    subcrops = FlowSubcrops(num=9)
    _, draws = draw(subcrops, size)
    (source, target), clamped = subcrops.centres(draws, constant_flow(size, 1000.0, 0.0))
    assert clamped.all() and clamped.shape == (1, 9)
    assert (source[..., 0] == 127.5).all()
    torch.testing.assert_close(source[..., 1], target[..., 1])


def test_a_cell_whose_points_all_leave_is_passed_over_for_the_next_unused_one():
    # The left half of the target frame comes from outside: 4 of the 8 cells have no valid draw.
    size = (64, 128)
    flow = constant_flow(size)
    flow[..., :66] = 1000.0
    subcrops = FlowSubcrops(num=8, jitter=0.1)
    _, draws = draw(subcrops, size, range(20))
    (_, target), clamped = subcrops.centres(draws, flow.expand(20, -1, -1, -1))
    right = target[..., 0] > 63.5
    assert right[:, :4].all() and not clamped[:, :4].any()
    assert not right[:, 4:].any() and clamped[:, 4:].all()


def test_a_cell_has_ten_draws():
    # 6 of the 32 columns of a cell are valid: a draw finds them rarely, ten draws in 7 of 8 cells.
    size = (64, 128)
    flow = constant_flow(size, 1000.0, batch=50)
    columns = torch.arange(128) % 32
    flow[..., (columns > 12) & (columns < 20)] = 0
    subcrops = FlowSubcrops(num=8, jitter=0.0)
    pairs, draws = draw(subcrops, size, range(50))
    assert pairs[0].targets.shape == (1, 8, 10, 2)
    clamped = subcrops.centres(draws, flow)[1]
    assert clamped.float().mean().item() == pytest.approx((26 / 32) ** 10, abs=0.06)


def test_a_jitter_that_always_leaves_is_left_out():
    size = (64, 128)
    subcrops = FlowSubcrops(num=6, jitter=0.1)
    _, draws = draw(subcrops, size)
    draws = draws._replace(jitter=torch.full_like(draws.jitter, 1e4))
    (source, target), clamped = subcrops.centres(draws, constant_flow(size, 1.0, 0.0))
    assert not clamped.any()
    torch.testing.assert_close(source - target, torch.tensor([1.0, 0.0]).expand_as(source))


def test_flow_that_is_not_finite_gives_clamped_pairs():
    size = (64, 128)
    for value in (float('nan'), float('inf')):
        pairs, draws = draw(subcrops := FlowSubcrops(num=6), size)
        flow = constant_flow(size, value, value)
        assert subcrops.centres(draws, flow)[1].all()
        boxes, _ = subcrops.boxes(pairs, flow)
        assert boxes.isfinite().all()


def naive_centres(draws, flow, size, num):
    """SPEC §3 step 2, pair by pair, on the same draws; a failed cell is not tried again."""
    landed = draws.targets + sample_bilinear(flow, draws.targets).movedim(1, -1)
    targets, landed, jitter = draws.targets[0], landed[0], draws.jitter[0]
    rounds, num_cells, tries = targets.shape[:3]
    result = []
    for r in range(rounds):
        unused = list(range(num_cells))
        while unused and len(result) < num:
            result.append(naive_pair(unused, targets[r], landed[r], jitter[r], tries, size))
    return result


def naive_pair(unused, targets, landed, jitter, tries, size):
    for with_jitter in (True, False):
        for cell in unused:
            for t in range(tries):
                source = landed[cell, t] + (jitter[cell, t] if with_jitter else 0)
                if in_image(source, size):
                    unused.remove(cell)
                    return source.tolist(), targets[cell, t].tolist(), False
    cell = unused.pop(0)
    u, v = landed[cell, 0].tolist()
    source = [min(max(u, -0.5), size[1] - 0.5), min(max(v, -0.5), size[0] - 0.5)]
    return source, targets[cell, 0].tolist(), True


@EXAMPLES
@given(SIZES, AREAS, NUMS, st.floats(0, 0.6), st.floats(0, 2), SEEDS)
def test_choice_equals_the_naive_loop(size, area, num, jitter, reach, seed):
    subcrops = FlowSubcrops(num=num, area=area, jitter=jitter)
    _, draws = draw(subcrops, size, (seed,))
    flow = random_flow(size, seed, reach * max(size))
    (source, target), clamped = subcrops.centres(draws, flow)
    expected = naive_centres(draws, flow, size, num)
    for k, (one, other, is_clamped) in enumerate(expected):
        assert clamped[0, k] == is_clamped
        assert target[0, k].tolist() == pytest.approx(other, abs=1e-3)
        assert source[0, k].tolist() == pytest.approx(one, abs=1e-3)


# --- boxes ------------------------------------------------------------------------------------


@EXAMPLES
@given(SIZES, AREAS, NUMS, SEEDS)
def test_boxes_are_inside_with_area_and_aspect_in_range(size, area, num, seed):
    subcrops = FlowSubcrops(num=num, area=area)
    pairs, _ = draw(subcrops, size, (seed,))
    boxes, clamped = subcrops.boxes(pairs, random_flow(size, 1, max(size)))
    assert boxes.shape == (2, 1, num, 4) and boxes.dtype == torch.float32
    assert clamped.shape == (1, num) and clamped.dtype == torch.bool
    height, width = size
    x0, y0, x1, y1 = boxes.unbind(-1)
    assert (boxes[..., :2] >= 0).all() and (x1 <= width).all() and (y1 <= height).all()
    share = (x1 - x0) * (y1 - y0) / (height * width)
    assert (share > area[0] - 1e-3).all() and (share < area[1] + 1e-3).all()
    # Within the range unless the frame is too long for any aspect of it.
    aspect = (x1 - x0) / (y1 - y0)
    low = (share * width / height).clamp(min=3 / 4)
    high = (width / height / share).clamp(max=4 / 3)
    assert (aspect > torch.minimum(low, high) - 1e-2).all()
    assert (aspect < torch.maximum(low, high) + 1e-2).all()


@EXAMPLES
@given(SIZES, NUMS, SEEDS)
def test_boxes_hold_their_centres(size, num, seed):
    subcrops = FlowSubcrops(num=num)
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
        dict(area=(0.2, 0.51)),
        dict(aspect=(0.0, 1.0)),
        dict(aspect=(2.0, 1.0)),
        dict(jitter=-0.1),
    ],
)
def test_bad_options_are_named(option):
    with pytest.raises(ValueError, match=rf'subcrops\.{next(iter(option))}'):
        FlowSubcrops(**option)
