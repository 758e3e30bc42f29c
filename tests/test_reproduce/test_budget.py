"""Lengths of runs."""

import pytest
from mmengine.config import Config

from poodle_mm.engine.config import load_config
from poodle_mm.engine.schedule import length_options
from poodle_mm.reproduce import budget as module
from poodle_mm.reproduce.budget import (
    Budget,
    budget_options,
    pairs_per_step,
    parse_budget,
    timed_options,
)


@pytest.mark.parametrize(
    ('text', 'expected'),
    [
        ('10min', Budget(10, 'minutes')),
        ('0.5 minutes', Budget(0.5, 'minutes')),
        ('40', Budget(40, 'epochs')),
        ('40epochs', Budget(40, 'epochs')),
        ('6400pairs', Budget(6400, 'pairs')),
    ],
)
def test_parse(text, expected):
    assert parse_budget(text) == expected


@pytest.mark.parametrize('text', ['', 'ten', '10 hours', '-3', '0', '1e3'])
def test_parse_refuses(text):
    with pytest.raises(ValueError, match='write 10min, 6400pairs'):
        parse_budget(text)


@pytest.fixture
def by_iterations(repo):
    return load_config(repo / 'configs/ablations/scenes/poodle_r18_scenes_96x192.py')


@pytest.fixture
def by_epochs(repo):
    return load_config(repo / 'configs/ablations/bdd100k/poodle_r50_bdd_256x512_40e.py')


def test_pairs(by_iterations, monkeypatch):
    """16 pairs a step: 6400 pairs are 400 steps, 20 of them warm-up, a twentieth as before."""
    assert pairs_per_step(by_iterations) == 16
    assert budget_options(by_iterations, Budget(6400, 'pairs')) == {
        'train_cfg.max_iters': 400,
        'param_scheduler.0.begin': 0,
        'param_scheduler.0.end': 20,
        'param_scheduler.1.T_max': 380,
        'param_scheduler.1.begin': 20,
        'param_scheduler.1.end': 400,
    }
    monkeypatch.setattr(module, '_length', lambda cfg: 96)
    assert budget_options(by_iterations, Budget(10, 'epochs'))['train_cfg.max_iters'] == 60


def test_epochs(by_epochs, monkeypatch):
    """With R = 2 pairs a visit, 20 epochs are 10 passes; the target's schedule follows."""
    options = budget_options(by_epochs, Budget(20, 'epochs'))
    assert options['train_cfg.max_epochs'] == 10
    assert options['custom_hooks.0.schedule_epochs'] == 10
    assert options['param_scheduler.1.end'] == 10
    assert pairs_per_step(by_epochs) == 128
    monkeypatch.setattr(module, '_length', lambda cfg: 1000)
    assert budget_options(by_epochs, Budget(8000, 'pairs'))['train_cfg.max_epochs'] == 4
    with pytest.raises(ValueError, match='less than one pass'):
        budget_options(by_epochs, Budget(900, 'pairs'))


def test_schedules_that_stop_early_keep_their_share(repo):
    """The headline run stops at a third of its schedule; so does a shorter one."""
    options = length_options(load_config(repo / 'configs/poodle_r50_bdd.py'), 50)
    assert options['custom_hooks.0.schedule_epochs'] == 150
    assert options['param_scheduler.1.end'] == 150 and options['train_cfg.max_epochs'] == 50


def test_nothing_left_of_a_schedule(by_epochs):
    with pytest.raises(ValueError, match='nothing is left of CosineAnnealingLR'):
        length_options(by_epochs, 1)
    mixed = Config(dict(train_cfg=dict(max_iters=5), param_scheduler=[dict(type='LinearLR')]))
    with pytest.raises(ValueError, match='by_epoch'):
        length_options(mixed, 3)


def test_minutes_are_timed_once(by_iterations, by_epochs, tmp_path, monkeypatch):
    """A run that goes on later keeps its length, whatever the machine does then."""
    calls = []

    def steps_in(cfg, minutes):
        calls.append(minutes)
        return 100 * len(calls)

    monkeypatch.setattr(module, 'steps_in', steps_in)
    file = tmp_path / 'run' / 'length.json'
    for _ in range(2):
        options = timed_options(by_iterations, 10, 1, file)
        assert options['train_cfg.max_iters'] == 100
    assert timed_options(by_iterations, 20, 1, file)['train_cfg.max_iters'] == 200
    assert calls == [10, 20]
    with pytest.raises(ValueError, match='in epochs or pairs'):
        timed_options(by_epochs, 10, 1, tmp_path / 'length.json')
    with pytest.raises(ValueError, match='timed'):
        budget_options(by_iterations, Budget(10, 'minutes'))
