"""Losses of DINO and iBOT against naive loops and values by hand."""

import math

import pytest
import torch

from poodle_mm.geometry.self_distillation import (
    cross_entropy,
    information,
    masked_patch_loss,
    multi_crop_loss,
    relative_entropy,
    teacher_probabilities,
)


def softmax(values: list[float], temperature: float) -> list[float]:
    """By the formula, in floats of 64 bits."""
    powers = [math.exp(value / temperature) for value in values]
    return [power / sum(powers) for power in powers]


def naive_cross_entropy(teacher, student, centre, warm=0.1, cold=0.04) -> float:
    """Of one vector, prototype by prototype."""
    p = softmax([t - c for t, c in zip(teacher.tolist(), centre.tolist())], cold)
    q = softmax(student.tolist(), warm)
    return -sum(a * math.log(b) for a, b in zip(p, q))


@pytest.fixture
def outputs():
    """Teacher (2, 3, 5), student (4, 3, 5), centre (5,)."""
    generator = torch.Generator().manual_seed(0)
    shapes = ((2, 3, 5), (4, 3, 5), (5,))
    return [0.3 * torch.randn(shape, generator=generator) for shape in shapes]


def test_two_prototypes_by_hand():
    """Logits 0.04 ln 3 and 0.1 ln 4 apart: (3/4, 1/4) against (4/5, 1/5)."""
    p = teacher_probabilities(
        torch.tensor([0.04 * math.log(3), 0.5]), torch.tensor([0.0, 0.5]), 0.04
    )
    torch.testing.assert_close(p, torch.tensor([0.75, 0.25]))
    loss = cross_entropy(p, torch.tensor([0.1 * math.log(4), 0.0], requires_grad=True))
    assert loss.item() == pytest.approx(-0.75 * math.log(0.8) - 0.25 * math.log(0.2))


def test_multi_crop_loss_is_the_loop(outputs):
    teacher, student, centre = outputs
    terms = [
        naive_cross_entropy(teacher[t, n], student[v, n], centre)
        for t in range(2)
        for v in range(4)
        for n in range(3)
        if t != v
    ]
    student.requires_grad_()
    loss = multi_crop_loss(teacher_probabilities(teacher, centre, 0.04), student)
    assert loss.item() == pytest.approx(sum(terms) / len(terms), rel=1e-5)
    loss.backward()
    assert student.grad.abs().amin(dim=(1, 2)).max() > 0
    with pytest.raises(ValueError, match='no pair'):
        multi_crop_loss(teacher[:1], student[:1])


def test_autocast_leaves_the_multi_crop_loss_in_float32(outputs):
    teacher, student, centre = outputs
    probabilities = teacher_probabilities(teacher, centre, 0.04)
    expected = multi_crop_loss(probabilities, student)
    with torch.autocast('cpu', torch.bfloat16):
        assert torch.equal(multi_crop_loss(probabilities, student), expected)


def test_patch_loss_weights_images_equally(outputs):
    teacher, student, centre = outputs
    mask = torch.zeros(3, 2, 2, dtype=torch.bool)
    mask[0, 0, 1] = mask[2, 0, 0] = mask[2, 1, 1] = True  # the second image has none
    p = teacher_probabilities(teacher[0], centre, 0.04)
    terms = [naive_cross_entropy(teacher[0, m], student[0, m], centre) for m in range(3)]
    expected = (terms[0] + (terms[1] + terms[2]) / 2) / 3
    assert masked_patch_loss(p, student[0], mask).item() == pytest.approx(expected, rel=1e-5)
    empty = student[0, :0].requires_grad_()
    assert masked_patch_loss(p[:0], empty, mask & False).item() == 0


def test_statistics_know_both_collapses():
    uniform, one_hot = torch.full((6, 4), 0.25), torch.eye(4)[[2] * 6]
    different, half = torch.eye(4)[[0, 1, 2, 3]], torch.tensor([[0.5, 0.5, 0, 0], [0, 0, 0.5, 0.5]])
    entropies = [relative_entropy(p).item() for p in (uniform, one_hot, different, half)]
    assert entropies == pytest.approx([1, 0, 0, 0.5], abs=1e-6)
    found = [information(p).item() for p in (uniform, one_hot, different, half)]
    assert found == pytest.approx([0, 0, 1, 1], abs=1e-6)
    assert information(different.view(2, 2, 4)).item() == pytest.approx(1)
