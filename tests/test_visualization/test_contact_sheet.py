"""Contact sheets: what is in which panel."""

import numpy as np
import pytest
import torch

from poodle_mm.visualization.browse_cells import pair_cells, view_cells
from poodle_mm.visualization.contact_sheet import (
    Cell,
    SheetRow,
    draw_sheet,
    side_by_side,
)
from poodle_mm.visualization.images import SUBCROP_COLOURS


def test_rows_titles_boxes_and_flags():
    image = np.zeros((10, 20, 3), np.uint8)
    cells = [Cell(image, 'a', [(1, 2, 5, 8), (0, 0, 3, 3)], [False, True]), Cell(image, 'b' * 200)]
    figure = draw_sheet([SheetRow(cells, 'first', ['cut']), SheetRow(cells, 'second')])
    shown = [axis for axis in figure.axes if axis.images]
    assert len(shown) == 4 and shown[0].get_title(loc='left') == 'a'
    assert shown[1].get_title(loc='left').endswith('b…')
    texts = [text.get_text() for axis in figure.axes for text in axis.texts]
    assert texts == ['first', 'cut', 'second']
    boxes = [p for p in shown[0].patches if p.get_linewidth() < 2]
    assert [p.get_bbox().extents.tolist() for p in boxes] == [[1, 2, 5, 8], [0, 0, 3, 3]]
    assert [p.get_linestyle() for p in boxes] == ['-', '--']
    with pytest.raises(ValueError, match=r'got \[1, 2\]'):
        draw_sheet([SheetRow(cells, ''), SheetRow(cells[:1], '')])


def test_images_side_by_side():
    """Five images in rows of three; the sixth place is white; rims tell columns apart."""
    images = np.arange(5, dtype=np.uint8)[:, None, None, None].repeat(24, 1).repeat(24, 2)
    images = images.repeat(3, 3)
    grid = side_by_side(images, 3)
    assert grid.shape == (48, 72, 3)
    assert grid[::24, ::24, 0].tolist() == [[0, 1, 2], [3, 4, 255]]
    rimmed = side_by_side(images, 3, colours=True)
    assert rimmed[0, 30].tolist() == [int(SUBCROP_COLOURS[1][i : i + 2], 16) for i in (1, 3, 5)]
    assert rimmed[12, 36].tolist() == [1, 1, 1]


def test_boxes_lie_on_their_frames():
    """A fallback has both boxes on frame t; the others one on each."""
    views = dict(
        frames=torch.rand(2, 3, 32, 64),
        flow=torch.zeros(2, 2, 32, 64),
        visible=torch.ones(2, 32, 64, dtype=torch.bool),
        dense=torch.zeros(2, 3, 32, 64),
        subcrops=torch.zeros(2, 2, 2, 3, 16, 16),
        boxes=torch.arange(32.0).view(2, 2, 2, 4),
        box_frames=torch.tensor([[[0, 0], [1, 1]], [[1, 0], [0, 0]]]),
        fallback=torch.tensor([[False, True], [False, False]]),
    )
    first, second, *rest = pair_cells(views, 1.0)
    assert len(rest) == 5 and rest[2].title == '0% hidden'
    assert first.boxes == [(0, 1, 2, 3), (4, 5, 6, 7), (20, 21, 22, 23)]
    assert (first.colours, first.dashed) == ([0, 1, 1], [False, True, True])
    assert second.boxes == [(16, 17, 18, 19)] and second.colours == [0]


def test_views_of_clips_and_images():
    frame = np.zeros((20, 40, 3), np.uint8)
    crop = ((0, 0, 10, 10), (32, 32))
    clip = [torch.zeros(4, 3, 32, 32), torch.zeros(4, 5, 3, 16, 16)]
    cells = view_cells(frame, [crop] * 4, clip)
    assert [cell.title for cell in cells[1:]] == [
        *(f'view 1, frame {n}' for n in range(4)),
        'local views',
    ]
    assert cells[0].boxes == [crop[0]]  # that of all frames, once
    cells = view_cells(frame, [crop], [torch.zeros(3, 32, 32)] * 2 + [torch.zeros(3, 16, 16)] * 3)
    assert [cell.title for cell in cells[1:]] == ['view 1', 'view 2', 'local views']
