"""Entropic optimal transport between two sets, by Sinkhorn and Knopp's iterations."""

import torch
from torch import Tensor


def sinkhorn(scores: Tensor, epsilon: float = 0.05, iterations: int = 3) -> Tensor:
    """Share N things out among K, to those with high scores, and to all of the K alike.

    The plan M >= 0 that maximises ``sum(M * scores) + epsilon * entropy(M)`` while every row sums
    to 1 and every column to K / N (DoRA, Eq. 4 and 5; Cuturi 2013). The rows' sums are exact, the
    columns' come near with the iterations. Computed by logarithms: no score is too large.

    Args:
        scores: (..., K, N).
        epsilon: Weight of the entropy, in the scores' unit; large makes the plan even.
        iterations: Scalings of columns and rows.

    Returns:
        (..., K, N) float32, or float64 for scores of that type.

    Raises:
        ValueError: If ``epsilon`` or ``iterations`` is not positive.
    """
    if epsilon <= 0 or iterations < 1:
        raise ValueError(f'epsilon and iterations must be positive, got {epsilon} and {iterations}')
    plan = (scores if scores.dtype == torch.float64 else scores.float()) / epsilon
    for _ in range(iterations):
        # columns to 1 and not K / N: the factor is lost when the rows are scaled
        plan = plan.log_softmax(dim=-2).log_softmax(dim=-1)
    return plan.exp()
