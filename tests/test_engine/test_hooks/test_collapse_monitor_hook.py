"""The monitor speaks up on collapse, on empty masks and on broken losses, and only then."""

import math
from types import SimpleNamespace

import pytest
import torch
from mmengine.hooks import Hook
from mmengine.logging import MessageHub

from poodle_mm.engine import CollapseMonitorHook


class Silence(Hook):
    """Makes all target projections of the dense head equal."""

    def before_train_iter(self, runner, batch_idx, data_batch=None) -> None:
        torch.nn.init.zeros_(runner.model.target.module['dense_projector'][-1].weight)


def warnings_of(runner, monkeypatch) -> list[str]:
    messages = []
    monkeypatch.setattr(runner.logger, 'warning', messages.append)
    runner.train()
    return [message for message in messages if 'in a row' in message]


def test_constant_features_are_reported(make_runner, monkeypatch):
    runner = make_runner()
    runner.register_hook(CollapseMonitorHook(interval=2, patience=2))
    runner.register_hook(Silence())
    (message,) = warnings_of(runner, monkeypatch)
    assert message.startswith('std_dense averages 0 at iteration 4 ')


def test_stop(make_runner):
    runner = make_runner()
    runner.register_hook(CollapseMonitorHook(interval=2, patience=2, stop=True))
    runner.register_hook(Silence())
    with pytest.raises(RuntimeError, match='std_dense averages 0 at iteration 4'):
        runner.train()


def test_healthy_run_is_silent(make_runner, monkeypatch):
    runner = make_runner()
    runner.register_hook(CollapseMonitorHook(interval=1, patience=1))
    assert warnings_of(runner, monkeypatch) == []


def test_average_patience_and_recovery():
    """Looks at iterations 2, 4, … on averages of two values; low twice in a row is reported."""
    hub = MessageHub('test_average_patience_and_recovery')
    messages = []
    runner = SimpleNamespace(message_hub=hub, logger=SimpleNamespace(warning=messages.append))
    hook = CollapseMonitorHook(interval=2, min_valid_share=0.5, patience=2)
    # Averages: .45 low, .55, .4 low, .3 low (reported), .2 low, .9, .1 low, .2 low (reported).
    values = [0.1, 0.8, 0.2, 0.9, 0.4, 0.4, 0.3, 0.3, 0.2, 0.2, 0.9, 0.9, 0.1, 0.1, 0.2, 0.2]
    for runner.iter, value in enumerate(values):
        hub.update_scalar('train/valid_share', value)
        hook.after_train_iter(runner, 0, {}, outputs=dict(valid_share=torch.tensor(value)))
    assert [message.split(' and ')[0] for message in messages] == [
        'valid_share averages 0.3 at iteration 8',
        'valid_share averages 0.2 at iteration 16',
    ]


@pytest.mark.parametrize('name', ['information', 'information_patch'])
def test_outputs_that_tell_nothing(name):
    hub, messages = MessageHub(f'test_outputs_that_tell_nothing_{name}'), []
    runner = SimpleNamespace(message_hub=hub, logger=SimpleNamespace(warning=messages.append))
    hook = CollapseMonitorHook(interval=1, patience=2)
    for runner.iter, value in enumerate([0.2, 0.006, 0.004, 0.003]):
        hub.update_scalar(f'train/{name}', value)
        hook.after_train_iter(runner, 0, {}, outputs={name: torch.tensor(value)})
    (message,) = messages
    assert message.startswith(f'{name} averages 0.003 at iteration 4 and was below 0.005')
    assert 'temperature' in message


@pytest.mark.parametrize('value', [math.nan, math.inf])
def test_broken_loss_stops_before_the_checkpoint(make_runner, tmp_path, value):
    runner = make_runner()
    runner.register_hook(CollapseMonitorHook())
    loss = runner.model.loss

    def broken(views):
        # The fourth iteration is the last of the first epoch, after which a checkpoint is due.
        return loss(views) | (dict(loss_pool=torch.tensor(value)) if runner.iter == 3 else {})

    runner.model.loss = broken
    with pytest.raises(FloatingPointError, match=r'iteration 4: .*loss_pool is (nan|inf)'):
        runner.train()
    assert not list((tmp_path / 'run').glob('*.pth'))
