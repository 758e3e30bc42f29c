"""Rates and momenta of both schedules against the released code's, at its fractional epochs."""

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import PARAM_SCHEDULERS
from torch import nn

from poodle_mm.models import CosineMomentumEMA

STEPS = 1000  # an epoch, fine enough for any fraction
CONFIGS = dict(
    full=['poodle_r50_bdd.py', 'poodle_r50_bdd_release.py'],
    ablation=['ablations/bdd100k/poodle_r50_bdd_256x512_40e.py'],
)
CASES = [(schedule, name) for schedule, names in CONFIGS.items() for name in names]


@pytest.mark.parametrize(('schedule', 'name'), CASES)
def test_learning_rate(repo, parity, schedule, name):
    cfg = Config.fromfile(repo / 'configs' / name)
    highest = cfg.optim_wrapper.optimizer.lr
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=highest)
    schedulers = []
    for part in cfg.param_scheduler:
        part = dict(part)
        assert part.pop('convert_to_iter_based')
        cls = PARAM_SCHEDULERS.get(part.pop('type'))
        schedulers.append(
            cls.build_iter_from_epoch(optimizer=optimizer, epoch_length=STEPS, **part)
        )
    epochs = parity[f'schedule_{schedule}_epoch'].tolist()
    expected = parity[f'schedule_{schedule}_lr'].tolist()
    rates = []
    for _ in range(int(max(epochs) * STEPS) + 1):
        rates.append(optimizer.param_groups[0]['lr'])
        optimizer.step()
        for scheduler in schedulers:
            scheduler.step()
    found = [rates[int(epoch * STEPS)] for epoch in epochs]
    # A step of ours is a thousandth of an epoch, and the warm-up begins at 1e-4, not at 0.
    assert found == pytest.approx(expected, abs=1e-3 * highest)
    assert max(expected) == pytest.approx(highest, rel=1e-2)


@pytest.mark.parametrize(('schedule', 'name'), CASES)
def test_momentum(repo, parity, schedule, name):
    cfg = Config.fromfile(repo / 'configs' / name)
    total = cfg.custom_hooks[0].schedule_epochs * STEPS
    target = CosineMomentumEMA(nn.Linear(1, 1), cfg.model.momentum, total_steps=total)
    epochs = parity[f'schedule_{schedule}_epoch'].tolist()
    found = [target.momentum_at(int(epoch * STEPS)) for epoch in epochs]
    expected = parity[f'schedule_{schedule}_momentum'].tolist()
    assert found == pytest.approx(expected, abs=1e-6)
