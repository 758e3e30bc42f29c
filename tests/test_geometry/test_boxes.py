"""Grid of cells and boxes of subcrops (PooDLe §3)."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from poodle_mm.geometry.boxes import (
    boxes_around,
    cell_grid,
    clamp_to_image,
    fitting_aspects,
    points_in_cells,
)
from poodle_mm.geometry.warp import inside

SIZES = st.tuples(st.integers(8, 300), st.integers(8, 300))
AREAS = st.floats(0.01, 1)
NO_DEADLINE = settings(deadline=None)


@pytest.mark.parametrize(
    'size, area, grid',
    [
        ((512, 1024), (0.05, 0.3), (2, 4)),  # SPEC's example: d = 214.2
        ((256, 512), (0.02, 0.1), (4, 8)),
        ((512, 1024), (0.3, 0.5), (1, 3)),
        ((64, 64), (0.5, 0.5), (1, 1)),
        ((100, 100), (0.02, 0.06), (5, 5)),  # d = 20 exactly
        ((70, 70), (1 / 49, 1 / 49), (7, 7)),
    ],
)
def test_cell_grid_by_hand(size, area, grid):
    assert cell_grid(size, area) == grid
    assert cell_grid(size, area, extra=True) == (grid[0] + 1, grid[1] + 1)


def test_extra_cells_of_the_released_code():
    assert cell_grid((512, 1024), (0.05, 0.3), extra=True) == (3, 5)
    assert cell_grid((512, 1024), (1, 1)) == (1, 2)


@NO_DEADLINE
@given(SIZES, st.tuples(AREAS, AREAS).map(sorted))
def test_a_cell_is_at_least_a_mean_subcrop_and_with_extra_ones_less(size, area):
    d = min(size) * math.sqrt((area[0] + area[1]) / 2)
    for length, cells, more in zip(size, cell_grid(size, area), cell_grid(size, area, True)):
        assert length / cells > d * (1 - 1e-6)
        assert length / (cells + 1) < d * (1 + 1e-6)
        assert more == cells + 1


def test_cells_tile_the_image_completely():
    size, grid = (30, 70), (2, 3)
    corners = torch.tensor([[0.0, 0.0], [1.0, 1.0]])
    covered = torch.zeros(60, 70)  # half rows: an edge lies between pixels
    for row in range(2):
        for column in range(3):
            cell = torch.full((2,), row * 3 + column)
            (x0, y0), (x1, y1) = (points_in_cells(cell, corners, grid, size) + 0.5).tolist()
            assert (x0, y0) == pytest.approx((column * 70 / 3, row * 15))
            assert (x1, y1) == pytest.approx(((column + 1) * 70 / 3, (row + 1) * 15))
            covered[round(y0 * 2) : round(y1 * 2), round(x0) : round(x1)] += 1
    assert (covered == 1).all()


@NO_DEADLINE
@given(SIZES, st.integers(1, 5), st.integers(1, 5), st.floats(0, 1), st.floats(0, 1))
def test_points_lie_in_their_cell(size, rows, columns, across, down):
    cells = torch.arange(rows * columns)
    position = torch.tensor([across, down]).expand(len(cells), 2)
    points = points_in_cells(cells, position, (rows, columns), size)
    assert inside(clamp_to_image(points, size), size, 0.5).all()
    for cell, (u, v) in zip(cells.tolist(), points.tolist()):
        width, height = size[1] / columns, size[0] / rows
        assert -1e-3 <= u + 0.5 - (cell % columns) * width <= width + 1e-3
        assert -1e-3 <= v + 0.5 - (cell // columns) * height <= height + 1e-3


def test_inside_the_edges_counts_border_pixels_to_their_edge():
    points = torch.tensor(
        [[-0.5, 0.0], [-0.51, 0.0], [3.5, 1.5], [3.51, 1.5], [3.5, 1.6], [0.0, -0.6]]
    )
    assert inside(points, (2, 4), 0.5).tolist() == [True, False, True, False, False, False]
    assert not inside(torch.tensor([math.nan, 0.0]), (2, 4), 0.5)


def test_clamp_takes_the_nearest_point():
    points = torch.tensor([[-9.0, 1.0], [9.0, -9.0], [1.25, 0.5], [math.inf, -math.inf]])
    expected = torch.tensor([[-0.5, 1.0], [3.5, -0.5], [1.25, 0.5], [3.5, -0.5]])
    assert torch.equal(clamp_to_image(points, (2, 4)), expected)


@NO_DEADLINE
@given(SIZES, AREAS, st.floats(0.21, 4.9))
def test_fitting_aspects_are_those_whose_box_fits(size, area, aspect):
    """Against the sides of the box, worked out in place."""
    low, high = (x.item() for x in fitting_aspects(torch.tensor(area), (0.2, 5), size))
    pixels = area * size[0] * size[1]
    sides = math.sqrt(pixels / aspect), math.sqrt(pixels * aspect)
    slack = min(size[0] - sides[0], size[1] - sides[1])
    if slack > 1e-2:
        assert low <= aspect <= high
    elif slack < -1e-2:
        assert not low <= aspect <= high


def test_the_nearest_aspect_remains_where_none_of_the_range_fits():
    # 1 : 4 with half the area: a box of full height has aspect 2, one of full width 8.
    low, high = fitting_aspects(torch.tensor(0.5), (3 / 4, 4 / 3), (100, 400))
    assert low.item() == pytest.approx(2) and high.item() == pytest.approx(2)
    low, high = fitting_aspects(torch.tensor(0.5), (3 / 4, 4 / 3), (400, 100))
    assert low.item() == pytest.approx(0.5) and high.item() == pytest.approx(0.5)


@NO_DEADLINE
@given(
    SIZES,
    AREAS,
    st.tuples(st.floats(0.2, 1), st.floats(1, 5)),
    st.floats(0, 1),
    st.tuples(st.floats(0, 1), st.floats(0, 1)),
)
def test_boxes_keep_area_and_aspect_and_stay_inside(size, area, aspects, between, position):
    height, width = size
    low, high = fitting_aspects(torch.tensor(area), aspects, size)
    aspect = low + (high - low) * between
    centre = torch.tensor(position) * torch.tensor([width, height]) - 0.5
    box = boxes_around(centre, torch.tensor(area), aspect, size)
    x0, y0, x1, y1 = box.tolist()
    assert 0 <= x0 < x1 <= width and 0 <= y0 < y1 <= height
    assert (x1 - x0) * (y1 - y0) == pytest.approx(area * height * width, rel=1e-3)
    assert (x1 - x0) / (y1 - y0) == pytest.approx(aspect.item(), rel=1e-3)
    # The centre is in the box, and in its middle unless the box was pushed back to an edge.
    for start, end, point, length in ((x0, x1, centre[0], width), (y0, y1, centre[1], height)):
        point = point.item() + 0.5
        assert start - 1e-3 <= point <= end + 1e-3
        if abs((start + end) / 2 - point) > 1e-3:
            pushed_right, pushed_left = (start + end) / 2 > point, (start + end) / 2 < point
            assert (pushed_right and start == 0) or (pushed_left and end == pytest.approx(length))


def test_box_by_hand():
    # 20 x 40 image, a fifth of it at aspect 2.5: 20 wide, 8 high.
    size = (20, 40)
    area, aspect = torch.tensor([0.2, 0.2, 0.2]), torch.tensor([2.5, 2.5, 2.5])
    centres = torch.tensor([[19.5, 9.5], [2.0, 9.5], [39.0, 18.0]])
    expected = torch.tensor(
        [[10.0, 6.0, 30.0, 14.0], [0.0, 6.0, 20.0, 14.0], [20.0, 12.0, 40.0, 20.0]]
    )
    torch.testing.assert_close(boxes_around(centres, area, aspect, size), expected)
