"""Sums in boxes against naive slices."""

import pytest
import torch

from poodle_mm.geometry.box_sums import box_areas, box_shares, box_sums, summed_area


def test_sums_equal_slices_also_at_the_edges():
    generator = torch.Generator().manual_seed(1)
    masks = torch.rand(3, 6, 11, generator=generator) < 0.4
    boxes = torch.tensor([[0, 0, 11, 6], [0, 0, 1, 1], [10, 5, 11, 6], [3, 1, 8, 5], [2, 2, 2, 4]])
    sums = box_sums(summed_area(masks), boxes)
    for box, found in zip(boxes.tolist(), sums):
        x0, y0, x1, y1 = box
        assert found.tolist() == masks[:, y0:y1, x0:x1].sum(dim=(1, 2)).tolist()
    assert box_areas(boxes).tolist() == [66, 1, 1, 20, 0]


def test_box_shares_equal_a_loop():
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(0, 4, (2, 9, 14), generator=generator).byte()
    labels[labels == 3] = 255
    corners = torch.rand(2, 5, 2, 2, generator=generator).sort(dim=-2)[0]
    boxes = corners.flatten(2) * torch.tensor([14.0, 9, 14, 9])
    shares = box_shares(labels, boxes, 3)
    for n in range(2):
        for k, (x0, y0, x1, y1) in enumerate(boxes[n].round().long().tolist()):
            part = labels[n, y0 : max(y1, y0 + 1), x0 : max(x1, x0 + 1)]
            expected = [(part == c).double().mean().item() for c in range(3)]
            assert shares[n, k].tolist() == pytest.approx(expected)
