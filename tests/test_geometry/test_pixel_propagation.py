"""Cells of two views in their frame, and PixPro's propagation, against loops over cells."""

import math

import pytest
import torch
import torch.nn.functional as F

from poodle_mm.geometry.pixel_propagation import (
    bin_diagonals,
    cell_centres,
    mean_positive_cosine,
    mirrored_box,
    positive_pairs,
    propagate,
)

GRID = (2, 3)


def boxes_of(*boxes) -> torch.Tensor:
    return torch.tensor(boxes, dtype=torch.float32)


def maps(seed: int, channels: int = 5, batch: int = 2) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(batch, channels, *GRID, generator=generator)


def loop_centres(box, grid) -> list[tuple[float, float]]:
    """By the edges of each cell; a pixel's centre is a whole number."""
    (x0, y0, x1, y1), (height, width) = box, grid
    centres = []
    for row in range(height):
        for column in range(width):
            left, right = (x0 + (x1 - x0) * c / width for c in (column, column + 1))
            upper, lower = (y0 + (y1 - y0) * r / height for r in (row, row + 1))
            centres.append(((left + right) / 2 - 0.5, (upper + lower) / 2 - 0.5))
    return centres


@pytest.mark.parametrize(
    ('direction', 'first', 'last'),
    [
        (None, (14.5, 22), (34.5, 28)),
        ('horizontal', (34.5, 22), (14.5, 28)),
        ('vertical', (14.5, 28), (34.5, 22)),
        ('diagonal', (34.5, 28), (14.5, 22)),
    ],
)
def test_centres_by_hand(direction, first, last):
    """30 x 12 pixels from (10, 19.5) on: cells of 10 x 6."""
    box = mirrored_box((10, 19.5, 40, 31.5), direction)
    centres = cell_centres(boxes_of(box), GRID)[0].tolist()
    assert (tuple(centres[0]), tuple(centres[-1])) == (first, last)
    assert centres == [list(c) for c in loop_centres(box, GRID)]
    assert bin_diagonals(boxes_of(box), GRID).item() == pytest.approx(math.hypot(10, 6))


def test_a_view_and_itself():
    """Each cell has itself at 0.7; its neighbours at a ratio that reaches them."""
    box = boxes_of((0, 0, 30, 20))  # square cells: neighbours 0.707 of the diagonal away
    assert torch.equal(positive_pairs(box, box, GRID, 0.7)[0], torch.eye(6, dtype=torch.bool))
    reached = positive_pairs(box, box, GRID, 0.71)[0]
    expected = torch.tensor(
        [
            [1, 1, 0, 1, 0, 0],
            [1, 1, 1, 0, 1, 0],
            [0, 1, 1, 0, 0, 1],
            [1, 0, 0, 1, 1, 0],
            [0, 1, 0, 1, 1, 1],
            [0, 0, 1, 0, 1, 1],
        ],
        dtype=torch.bool,
    )
    assert torch.equal(reached, expected)


def test_a_mirrored_view_and_itself():
    box = (0, 0, 30, 20)
    pairs = positive_pairs(boxes_of(box), boxes_of(mirrored_box(box, 'horizontal')), GRID)[0]
    assert pairs.nonzero().tolist() == [[0, 2], [1, 1], [2, 0], [3, 5], [4, 4], [5, 3]]


def test_pairs_against_a_loop():
    """Random boxes of a large frame, the second half mirrored; far boxes have no pair."""
    generator = torch.Generator().manual_seed(0)
    grid = (7, 7)  # so many cells that torch.cdist would multiply matrices by default
    start = torch.rand(2, 12, 2, generator=generator) * 100 + 1000
    boxes = torch.cat([start, start + 200 + torch.rand(2, 12, 2, generator=generator) * 600], -1)
    boxes[1, 6:] = boxes[1, 6:, [2, 1, 0, 3]]
    boxes[0, 0] += 5000
    found = positive_pairs(*boxes, grid, 0.7)
    assert not found[0].any() and found[1:].any(dim=(1, 2)).all()
    for b in range(12):
        one, two = (loop_centres(box[b].tolist(), grid) for box in boxes)
        diagonals = [
            math.hypot((x1 - x0) / 7, (y1 - y0) / 7) for x0, y0, x1, y1 in boxes[:, b].tolist()
        ]
        for i, (u, v) in enumerate(one):
            for j, (x, y) in enumerate(two):
                share = math.hypot(u - x, v - y) / max(diagonals)
                if abs(share - 0.7) > 1e-4:
                    assert bool(found[b, i, j]) == (share < 0.7)
    assert torch.equal(positive_pairs(*boxes.flip(0), grid, 0.7), found.transpose(1, 2))


@pytest.mark.parametrize('sharpness', [1.0, 2.0])
def test_propagation_against_a_loop(sharpness):
    x, values = maps(0), maps(1, channels=4)
    found = propagate(x, values, sharpness).flatten(2)
    for b in range(2):
        cells, others = x[b].flatten(1).T, values[b].flatten(1).T
        for i in range(6):
            y = torch.zeros(4)
            for j in range(6):
                y += max(F.cosine_similarity(cells[i], cells[j], dim=0), 0) ** sharpness * others[j]
            torch.testing.assert_close(found[b, :, i], y)


def test_propagation_of_orthogonal_and_equal_cells():
    """Cells that share nothing keep their own value; equal ones all get the sum."""
    values = torch.arange(12.0).view(1, 2, *GRID)
    apart = torch.eye(6).view(1, 6, *GRID)
    torch.testing.assert_close(propagate(apart, values), values)
    together = propagate(torch.ones(1, 6, *GRID), values)
    torch.testing.assert_close(together, values.sum((2, 3), keepdim=True).expand_as(values))


def test_mean_cosine_against_a_loop():
    one, two = maps(2), maps(3)
    positive = torch.rand(2, 6, 6, generator=torch.Generator().manual_seed(4)) < 0.3
    found = mean_positive_cosine(one, two, positive)
    for b in range(2):
        cosines = [
            F.cosine_similarity(one[b].flatten(1)[:, i], two[b].flatten(1)[:, j], dim=0)
            for i, j in positive[b].nonzero().tolist()
        ]
        torch.testing.assert_close(found[b], sum(cosines) / len(cosines))


def test_autocast_leaves_the_cosines_in_float32():
    one, two = maps(2), maps(3)
    positive = torch.eye(6, dtype=torch.bool).expand(2, -1, -1)
    expected = mean_positive_cosine(one, two, positive)
    with torch.autocast('cpu', torch.bfloat16):
        assert torch.equal(mean_positive_cosine(one, two, positive), expected)


def test_an_image_without_pairs_is_zero_and_has_a_gradient():
    one = maps(5).requires_grad_()
    positive = torch.ones(2, 6, 6, dtype=torch.bool)
    positive[0] = False
    found = mean_positive_cosine(one, maps(6), positive)
    assert found[0] == 0 and found[1] != 0
    found.sum().backward()
    assert torch.isfinite(one.grad).all() and not one.grad[0].any() and one.grad[1].any()
