"""Transport plans: their sums, a plain loop, and plans that are known."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from poodle_mm.geometry.sinkhorn import sinkhorn


def by_scaling(scores: np.ndarray, epsilon: float, iterations: int) -> np.ndarray:
    """Columns and rows of exp(scores / epsilon) scaled in turn, one at a time."""
    plan = np.exp(scores / epsilon)
    rows, columns = plan.shape
    for _ in range(iterations):
        for j in range(columns):
            plan[:, j] *= rows / columns / plan[:, j].sum()
        for i in range(rows):
            plan[i] /= plan[i].sum()
    return plan


def draw(seed: int, *shape: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(shape, generator=generator, dtype=torch.float64) * 2 - 1


@settings(max_examples=40, deadline=None)
@given(
    rows=st.integers(1, 5),
    columns=st.integers(1, 9),
    epsilon=st.sampled_from([0.3, 1.0]),
    iterations=st.integers(1, 4),
    seed=st.integers(0, 999),
)
def test_a_plain_loop_and_the_sums(rows, columns, epsilon, iterations, seed):
    scores = draw(seed, 2, rows, columns)
    plans = sinkhorn(scores, epsilon, iterations)
    for plan, score in zip(plans, scores, strict=True):
        np.testing.assert_allclose(plan, by_scaling(score.numpy(), epsilon, iterations), rtol=1e-9)
    plans = sinkhorn(scores, epsilon, 300)
    assert (plans >= 0).all()
    torch.testing.assert_close(plans.sum(-1), torch.ones(2, rows).double())
    share = torch.full((2, columns), rows / columns).double()
    torch.testing.assert_close(plans.sum(-2), share, atol=1e-6, rtol=1e-6)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 999))
def test_no_other_plan_is_better(seed):
    """The objective falls in every direction that leaves rows and columns their sums."""
    scores, epsilon = draw(seed, 3, 6), 0.5

    def objective(plan):
        return (plan * scores).sum() + epsilon * torch.special.entr(plan).sum()

    best = sinkhorn(scores, epsilon, 500)
    move = draw(seed + 1, 3, 6)
    move = move - move.mean(0) - move.mean(1, keepdim=True) + move.mean()
    for step in (1e-3, -1e-3):
        assert objective(best + step * best.min() * move) <= objective(best) + 1e-12


def test_known_plans():
    """Equal scores share evenly; a prototype that all prefer still gets no more than its part."""
    torch.testing.assert_close(sinkhorn(torch.zeros(2, 4)), torch.full((2, 4), 0.25))
    scores = torch.tensor([[9.0, 8, 7, 6], [5, 5, 5, 5]])  # all like the first better
    expected = torch.tensor([[0.5, 0.5, 0, 0], [0, 0, 0.5, 0.5]])
    torch.testing.assert_close(sinkhorn(scores, 0.05, 200), expected, atol=5e-3, rtol=0)


def test_scores_of_any_size_and_type():
    plan = sinkhorn(torch.tensor([[1e4, -1e4], [1e4, 0]]))
    assert plan.isfinite().all()
    assert sinkhorn(torch.zeros(2, 3, dtype=torch.bfloat16)).dtype == torch.float32


@pytest.mark.parametrize('wrong', [dict(epsilon=0), dict(iterations=0)])
def test_wrong_arguments(wrong):
    with pytest.raises(ValueError, match='must be positive'):
        sinkhorn(torch.zeros(2, 2), **wrong)
