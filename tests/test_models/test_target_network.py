"""Momentum schedule and averages by hand."""

import copy
import math

import pytest
import torch
from torch import nn

from poodle_mm.models import CosineMomentumEMA


def test_momentum_follows_byols_cosine():
    ema = CosineMomentumEMA(nn.Linear(1, 1), 0.996, total_steps=300)
    assert ema.momentum_at(0) == pytest.approx(0.996)
    assert ema.momentum_at(100) == pytest.approx(0.997)  # a third: 1 - 0.004 * (0.5 + 1) / 2
    assert ema.momentum_at(150) == pytest.approx(0.998)
    assert ema.momentum_at(300) == 1
    assert ema.momentum_at(400) == 1  # training longer than the schedule keeps the target still


def test_two_updates_by_hand():
    online = nn.Linear(1, 1, bias=False)
    online.weight.data.fill_(1.0)
    ema = CosineMomentumEMA(online, 0.9, total_steps=4)
    online.weight.data.fill_(3.0)
    ema.update_parameters(online)
    assert ema.module.weight.item() == pytest.approx(0.9 * 1 + 0.1 * 3)  # 1.2
    online.weight.data.fill_(5.0)
    ema.update_parameters(online)
    m1 = 1 - 0.1 * (math.cos(math.pi / 4) + 1) / 2
    assert ema.module.weight.item() == pytest.approx(m1 * 1.2 + (1 - m1) * 5)
    assert int(ema.steps) == 2


def test_the_count_is_read_once_and_follows_what_is_loaded(monkeypatch):
    online = nn.Linear(1, 1)
    ema = CosineMomentumEMA(online, 0.9, total_steps=20)
    reads = []
    monkeypatch.setattr(torch.Tensor, '__int__', lambda x: reads.append(x) or x.item())
    for step in range(5):
        assert ema.step_count == step
        ema.update_parameters(online)
    assert len(reads) == 1
    state = copy.deepcopy(ema.state_dict())
    state['steps'].fill_(11)
    ema.load_state_dict(state)
    assert ema.step_count == 11 and len(reads) == 2
    ema.steps = torch.tensor(3)
    assert ema.step_count == 3
    ema.double()
    ema.update_parameters(online.double())
    assert ema.step_count == ema.steps.item() == 4
    assert copy.deepcopy(ema).step_count == 4


def test_buffers_are_the_targets_own():
    online = nn.BatchNorm1d(2)
    ema = CosineMomentumEMA(online, 0.5, total_steps=2)
    online(torch.randn(8, 2) + 5)
    before = copy.deepcopy(ema.module.running_mean)
    ema.update_parameters(online)
    torch.testing.assert_close(ema.module.running_mean, before)


def test_unknown_schedule_is_an_error():
    online = nn.Linear(1, 1)
    with pytest.raises(RuntimeError, match='TargetUpdateHook'):
        CosineMomentumEMA(online).update_parameters(online)


def test_momentum_out_of_range():
    with pytest.raises(ValueError, match='momentum'):
        CosineMomentumEMA(nn.Linear(1, 1), momentum=1.5)
