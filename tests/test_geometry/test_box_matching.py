"""Matches of boxes, by hand and against every assignment that the rule allows."""

import torch

from poodle_mm.geometry.box_matching import match_boxes

TRUTH = torch.tensor([[0, 0, 10, 10], [20, 0, 30, 10], [0, 0, 9, 10]])
LABELS = torch.tensor([1, 1, 2])


def test_by_hand():
    boxes = torch.tensor(
        [
            [0, 0, 10, 9],  # IoU 0.9 with the first; a surer one takes it
            [0, 0, 10, 8],  # 0.8 with the first, the surest
            [0, 0, 9, 10],  # exactly the third, but of another class
            [20, 0, 30, 5],  # 0.5 with the second: the limit is enough
            [50, 0, 60, 5],
        ]
    )
    scores = torch.tensor([0.6, 0.9, 0.3, 0.2, 0.8])
    labels = torch.ones(5, dtype=torch.int64)
    assert match_boxes(boxes, scores, labels, TRUTH, LABELS).tolist() == [-1, 0, -1, 1, -1]
    strict = match_boxes(boxes, scores, labels, TRUTH, LABELS, threshold=0.51)
    assert strict.tolist() == [-1, 0, -1, -1, -1]


def test_naive_loop():
    torch.manual_seed(0)
    corners = 20 * torch.rand(2, 12, 2)
    predicted, true = torch.cat([corners, corners + 8 + 4 * torch.rand(2, 12, 2)], dim=-1)
    labels, true_labels = torch.randint(0, 2, (2, 12))
    scores = torch.rand(12)
    taken, expected = set(), [-1] * 12
    for k in sorted(range(12), key=lambda k: -scores[k]):
        best, index = 0.3, -1
        for j in range(12):
            if j in taken or labels[k] != true_labels[j]:
                continue
            a, b = predicted[k].tolist(), true[j].tolist()
            width, height = (min(a[2 + i], b[2 + i]) - max(a[i], b[i]) for i in (0, 1))
            both = max(width, 0) * max(height, 0)
            areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (a, b)]
            overlap = both / (sum(areas) - both)
            if overlap >= best:
                best, index = overlap, j
        if index >= 0:
            taken.add(index)
            expected[k] = index
    found = match_boxes(predicted, scores, labels, true, true_labels, threshold=0.3)
    assert found.tolist() == expected and max(expected) >= 0


def test_nothing_there():
    none, no_labels = torch.zeros(0, 4), torch.zeros(0, dtype=torch.int64)
    assert match_boxes(none, torch.zeros(0), no_labels, TRUTH, LABELS).shape == (0,)
    assert match_boxes(TRUTH, torch.ones(3), LABELS, none, no_labels).tolist() == [-1] * 3
    assert match_boxes(TRUTH, torch.ones(3), LABELS, TRUTH, LABELS).tolist() == [0, 1, 2]
