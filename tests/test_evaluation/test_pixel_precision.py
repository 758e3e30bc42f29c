"""Average precision of pixels against a ranking by hand and a naive sort."""

import numpy as np
import pytest
import torch

pytest.importorskip('mmseg')
from poodle_mm.evaluation.segmentation.pixel_precision import (
    average_precision,
    score_histogram,
)


def naive(scores: np.ndarray, own: np.ndarray) -> float:
    """Mean precision at the rank of each own pixel."""
    order = np.argsort(-scores, kind='stable')
    hits = own[order]
    return float((np.cumsum(hits) / np.arange(1, len(hits) + 1))[hits].mean())


def test_five_pixels_by_hand():
    """Ranks 1 and 3 of two classes' pixels: (1/1 + 2/3) / 2; the ignored pixel does not count."""
    odds = torch.tensor([[[4.0, 3.0, 2.0, 1.0, 5.0]], [[0.0] * 5]])
    labels = torch.tensor([[0, 1, 0, 1, 255]])
    found = average_precision(score_histogram(odds, labels))
    # of class 1 the ranking is the other way round: its pixels are at ranks 1 and 3 too
    assert found.tolist() == pytest.approx([5 / 6, 5 / 6])


def test_equals_a_naive_sort_over_images():
    generator = torch.Generator().manual_seed(0)
    logits = 3 * torch.randn(2, 4, 12, 16, generator=generator)
    labels = torch.randint(0, 3, (2, 12, 16), generator=generator)  # no pixel of class 3
    labels[0, 0] = 255
    logits.scatter_add_(1, labels.clamp(max=3)[:, None], torch.full((2, 1, 12, 16), 2.0))
    found = average_precision(sum(map(score_histogram, logits, labels)))
    p = logits.double().softmax(1)
    known = (labels != 255).numpy()
    for c in range(3):
        scores = (p[:, c] / (1 - p[:, c])).log().numpy()[known]
        assert float(found[c]) == pytest.approx(
            naive(scores, (labels == c).numpy()[known]), abs=5e-3
        )
    assert found[3].isnan()


def test_certain_pixels_and_ties():
    """Log-odds beyond the ends are ties there; a constant score has the class's share."""
    certain = torch.full((2, 1, 4), 0.0)
    certain[0] = torch.tensor([1e4, 1e4, -1e4, -1e4])
    labels = torch.tensor([[0, 0, 1, 1]])
    assert average_precision(score_histogram(certain, labels)).tolist() == [1.0, 1.0]
    labels = torch.tensor([[0, 1, 1, 1]])
    same = average_precision(score_histogram(torch.zeros(2, 1, 4), labels))
    assert same.tolist() == pytest.approx([0.25, 0.75])
