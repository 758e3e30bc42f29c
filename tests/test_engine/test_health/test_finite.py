"""What is not finite is found and named; a step with it is withheld."""

import math
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from poodle_mm.engine.health.finite import StepGuard, broken_losses, broken_tensors


@pytest.mark.parametrize('value', [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize('dtype', [torch.float32, torch.bfloat16, torch.float16])
def test_tensors(value, dtype):
    tensors = {str(n): torch.full((3, 5), 3e4 * n, dtype=dtype) for n in range(2)}
    tensors |= dict(none=None, empty=torch.zeros(0), count=torch.tensor(3), mask=torch.ones(2) > 0)
    assert broken_tensors(tensors.items()) == []
    tensors['1'][1, 2] = value
    tensors['last'] = torch.tensor(value)
    assert broken_tensors(tensors.items()) == ['1', 'last']
    assert broken_tensors([]) == []


def test_large_numbers_are_finite():
    """Their squares are not."""
    assert broken_tensors([('large', torch.full((4,), 1e30))]) == []


def test_losses():
    outputs = dict(
        loss=torch.tensor(math.nan), loss_pool=torch.tensor(1.0), std=torch.tensor(math.nan)
    )
    assert broken_losses(outputs) == ['loss is nan']


def test_step_guard():
    model = nn.Linear(2, 2)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1)
    guard = StepGuard(optimizer, model)
    before = model.weight.detach().clone()

    def step(value: float) -> bool:
        """Whether the weights moved."""
        old = model.weight.detach().clone()
        model.weight.grad = torch.full((2, 2), 1.0)
        model.bias.grad = torch.full((2,), value)
        optimizer.step()
        return not torch.equal(old, model.weight)

    assert not step(math.inf) and torch.equal(model.weight, before)
    assert guard.broken == ['bias']
    assert step(1.0) and guard.broken == []
    model.bias.grad = torch.full((2,), math.nan)
    guard._look(SimpleNamespace(found_inf=torch.ones(())))  # fused, under a scaler
    assert guard.broken == []
    guard.close()
    step(math.nan)
    assert guard.broken == []
