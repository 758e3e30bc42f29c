"""Cutting by matrix products against ``roi_align`` and against a loop."""

import math

import pytest
import torch
from torchvision.ops import roi_align

from poodle_mm.views import crop_resize as module
from poodle_mm.views.crop_resize import crop_resize


def random_boxes(num, k, size, seed=0):
    """Of all extents down to half a pixel, some at the border, some the whole image."""
    values = torch.rand(num, k, 2, 2, generator=torch.Generator().manual_seed(seed))
    low, extent = values.unbind(-1)
    limit = torch.tensor([size[1], size[0]])
    extent = (extent * limit).clamp(min=0.5)
    low = low * (limit - extent)
    boxes = torch.cat([low, low + extent], dim=-1)
    boxes[0, 0] = torch.tensor([0, 0, size[1], size[0]])
    boxes[-1, -1] = torch.tensor([size[1] - 0.5, 0, size[1], size[0]])
    return boxes


@pytest.mark.parametrize('tile', [5, 48])
@pytest.mark.parametrize(
    'size, side', [((60, 90), 16), ((60, 90), 50), ((1, 7), 4), ((33, 1), 1), ((40, 40), 97)]
)
def test_it_is_roi_align(size, side, tile, monkeypatch):
    monkeypatch.setattr(module, '_TILE', tile)
    images = torch.rand(3, 2, *size, generator=torch.Generator().manual_seed(1))
    boxes = random_boxes(3, 4, size)
    expected = roi_align(images, list(boxes), side, aligned=True).unflatten(0, (3, 4))
    index = torch.arange(3)[:, None].expand(3, 4)
    result = crop_resize(images, boxes, index, side)
    torch.testing.assert_close(result, expected, atol=1e-6, rtol=0)


@pytest.mark.parametrize('shape', [(12,), (4, 3), (2, 2, 3, 1)])
def test_each_box_is_cut_from_its_own_image(shape):
    images = torch.rand(3, 2, 20, 30, generator=torch.Generator().manual_seed(1))
    boxes = random_boxes(3, 4, (20, 30)).view(*shape, 4)
    index = torch.randint(3, shape, generator=torch.Generator().manual_seed(2))
    assert index.unique().numel() == 3
    crops = crop_resize(images, boxes, index, 8)
    assert crops.shape == (*shape, 2, 8, 8)
    for number, box, crop in zip(index.flatten(), boxes.view(-1, 4), crops.view(-1, 2, 8, 8)):
        expected = roi_align(images[number, None], [box[None]], 8, aligned=True)[0]
        torch.testing.assert_close(crop, expected, atol=1e-6, rtol=0)


def test_against_a_loop():
    """4 x 3 pixels from (1.25, 0.5) to 2 x 2: two samples by two in each pixel."""
    image = torch.rand(1, 1, 6, 8, generator=torch.Generator().manual_seed(2))
    box = torch.tensor([[[1.25, 0.5, 5.25, 3.5]]])
    result = crop_resize(image, box, torch.zeros(1, 1).long(), 2)[0, 0, 0]
    for row in range(2):
        for column in range(2):
            values = []
            for i in range(2):
                for j in range(2):
                    v = 0.5 + (row + (i + 0.5) / 2) * 1.5 - 0.5
                    u = 1.25 + (column + (j + 0.5) / 2) * 2.0 - 0.5
                    top, left = math.floor(v), math.floor(u)
                    down, right = v - top, u - left
                    values.append(
                        sum(
                            weight * image[0, 0, top + y, left + x].item()
                            for y, x, weight in (
                                (0, 0, (1 - down) * (1 - right)),
                                (0, 1, (1 - down) * right),
                                (1, 0, down * (1 - right)),
                                (1, 1, down * right),
                            )
                        )
                    )
            assert result[row, column].item() == pytest.approx(sum(values) / 4, abs=1e-6)


def test_a_constant_image_stays_constant():
    images = torch.full((2, 3, 30, 40), 0.7)
    crops = crop_resize(
        images, random_boxes(2, 5, (30, 40), seed=3), torch.tensor([0, 1, 1, 0, 1]).repeat(2, 1), 24
    )
    torch.testing.assert_close(crops, torch.full_like(crops, 0.7))


def test_no_boxes():
    index = torch.empty(2, 0, dtype=torch.int64)
    crops = crop_resize(torch.rand(2, 3, 8, 8), torch.empty(2, 0, 4), index, 5)
    assert crops.shape == (2, 0, 3, 5, 5)
