"""The hook speaks up on collapse, empty masks and broken numbers, and only then."""

import math
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from mmengine.hooks import Hook
from mmengine.logging import MessageHub
from mmengine.optim import OptimWrapper
from torch import nn

from poodle_mm.engine import CollapseMonitorHook, HealthHook
from poodle_mm.engine.health.events import read_events
from poodle_mm.engine.health.saved_batch import load_batch
from poodle_mm.engine.hooks.health_hook import over_processes
from poodle_mm.registry import OPTIM_WRAPPERS

# What random textures of two pairs do not have: a rank, a place.
QUIET = dict(rank=None, filled=None, position=None)


class Silence(Hook):
    """Makes all target projections of the dense head equal."""

    def before_train_iter(self, runner, batch_idx, data_batch=None) -> None:
        nn.init.zeros_(runner.model.target.module['dense_projector'][-1].weight)


class Inject(Hook):
    """Puts a NaN somewhere before, or within, one iteration."""

    def __init__(self, where: str, iteration: int = 3) -> None:
        self.where, self.iteration = where, iteration

    def before_train_iter(self, runner, batch_idx, data_batch=None) -> None:
        weight = runner.model.backbone.layer1[0].conv1.weight
        if runner.iter != self.iteration:
            return
        if self.where == 'weight':
            with torch.no_grad():
                weight[0, 0, 0, 0] = math.nan
        elif self.where == 'gradient':
            weight.register_hook(lambda grad: torch.full_like(grad, math.inf))
        else:
            loss = runner.model.loss
            runner.model.loss = lambda views: loss(views) | dict(loss_pool=torch.tensor(math.nan))


def messages_of(runner, monkeypatch) -> list[str]:
    messages = []
    monkeypatch.setattr(runner.logger, 'warning', messages.append)
    runner.train()
    return [message for message in messages if 'in a row' in message]


def by_hand(hook: HealthHook, series: dict[str, list[float]], folder: Path) -> list[str]:
    """Messages of a hook that is given logged numbers, the rest of a run being absent."""
    hub, messages = MessageHub(f'by_hand_{id(hook)}'), []
    runner = SimpleNamespace(
        message_hub=hub,
        logger=SimpleNamespace(warning=messages.append, info=messages.append),
        model=nn.Linear(1, 1),
        hooks=[hook],
        iter=0,
        rank=0,
        work_dir=str(folder),
    )
    parameters = list(runner.model.parameters())
    runner.optim_wrapper = SimpleNamespace(optimizer=torch.optim.SGD(parameters, 1.0))
    hook.stop_on = frozenset()
    hook.before_train(runner)
    for runner.iter, values in enumerate(zip(*series.values())):
        hook.before_train_iter(runner, 0, {})
        hook.after_train_iter(runner, 0, {}, dict(zip(series, map(torch.tensor, values))))
    hook.after_train(runner)
    return messages


@pytest.mark.parametrize('kind', [HealthHook, CollapseMonitorHook])
def test_constant_features_are_reported(make_runner, monkeypatch, kind):
    runner = make_runner()
    runner.register_hook(kind(interval=2, patience=2))
    runner.register_hook(Silence())
    message, *_ = messages_of(runner, monkeypatch)
    assert message.startswith('std_dense averages 0 at iteration 4 ')
    event, *others = read_events(runner.work_dir)
    assert 'rank_dense' in {other['name'] for other in others}
    assert event['message'] == message and event['cause'] in message and event['key'] in message
    assert {k: event[k] for k in ('iter', 'kind', 'level', 'name', 'value', 'batch')} == dict(
        iter=4, kind='collapse', level='warning', name='std_dense', value=0.0, batch=None
    )


def test_stop(make_runner):
    runner = make_runner()
    runner.register_hook(CollapseMonitorHook(interval=2, patience=2, stop=True))
    runner.register_hook(Silence())
    with pytest.raises(RuntimeError, match='std_dense averages 0 at iteration 4'):
        runner.train()


def test_healthy_run_is_silent_and_unchanged(make_runner, monkeypatch):
    """Also with a look at every iteration, and a copy of the weights before it."""
    plain = make_runner('plain')
    plain.train()
    runner = make_runner('watched')
    kinds = ('nonfinite', 'collapse', 'flow')
    runner.register_hook(HealthHook(interval=1, patience=1, limits=QUIET, stop_on=kinds))
    assert messages_of(runner, monkeypatch) == []
    assert read_events(runner.work_dir) == []
    for name, value in plain.model.state_dict().items():
        assert torch.equal(value, runner.model.state_dict()[name]), name
    logged = runner.message_hub.log_scalars
    looked = ('rank_dense', 'position_dense', 'warp_gain', 'data_share')
    # the time of an iteration is known in the next one
    assert [len(logged[f'train/{name}'].data[0]) for name in looked] == [8, 8, 8, 7]
    assert logged['train/warp_gain'].min() > 0.9  # exact flow


def test_average_patience_and_recovery(tmp_path):
    """Looks at iterations 2, 4, … at averages of two; low twice in a row is reported."""
    hook = HealthHook(interval=2, limits=dict(valid_share=0.5), patience=2)
    # Averages: .45 low, .55, .4 low, .3 low (reported), .2 low, .9, .1 low, .2 low (reported).
    values = [0.1, 0.8, 0.2, 0.9, 0.4, 0.4, 0.3, 0.3, 0.2, 0.2, 0.9, 0.9, 0.1, 0.1, 0.2, 0.2]
    messages = by_hand(hook, dict(valid_share=values), tmp_path)
    assert [message.split(' and ')[0] for message in messages] == [
        'valid_share averages 0.3 at iteration 8',
        'valid_share averages 0.9 at iteration 12: it has recovered',
        'valid_share averages 0.2 at iteration 16',
    ]
    levels = [event['level'] for event in read_events(tmp_path)]
    assert levels == ['warning', 'recovered', 'warning']


@pytest.mark.parametrize(
    ('losses', 'reported'), [([4.0, 3.0, 2.0, 1.0], True), ([4.0, 5.0, 6.0, 7.0], False)]
)
def test_a_spread_that_falls_while_the_loss_falls(tmp_path, losses, reported):
    """From 0.8 to 0.3, far above the absolute limit."""
    hook = HealthHook(interval=1, patience=2)
    series = dict(std_dense=[0.8, 0.5, 0.3, 0.3], loss=losses)
    messages = by_hand(hook, series, tmp_path)
    assert len(messages) == reported
    if reported:
        (event,) = read_events(tmp_path)
        assert (event['iter'], event['kind'], event['name']) == (4, 'collapse', 'std_dense')
        assert event['limit'] == pytest.approx(0.4 * 0.8)


def test_spread_times_rank(tmp_path, monkeypatch):
    """32, 6, 2, 2 directions filled, where neither spread nor rank alone is low."""
    ranks = iter([40.0, 10.0, 4.0, 4.0])
    monkeypatch.setattr(
        'poodle_mm.engine.hooks.health_hook.step_statistics',
        lambda seen: dict(rank_dense=next(ranks)),
    )
    series = dict(std_dense=[0.8, 0.6, 0.5, 0.5], loss=[4.0, 3.0, 2.0, 1.0])
    by_hand(HealthHook(interval=1, patience=2), series, tmp_path)
    (event,) = read_events(tmp_path)
    assert (event['iter'], event['kind'], event['name']) == (4, 'rank', 'filled_dense')
    assert event['value'] == pytest.approx(2.0) and event['limit'] == pytest.approx(3.2)


@pytest.mark.parametrize('name', ['information', 'information_patch'])
def test_outputs_that_tell_nothing(name, tmp_path):
    hook = HealthHook(interval=1, patience=2)
    (message,) = by_hand(hook, {name: [0.2, 0.006, 0.004, 0.003]}, tmp_path)
    assert message.startswith(f'{name} averages 0.003 at iteration 4 and was below 0.005')
    assert 'temperature' in message


@pytest.mark.parametrize(
    ('where', 'says', 'name'),
    [
        ('loss', 'loss_pool is nan, loss is nan', 'loss_pool'),
        ('weight', 'the weight backbone.layer1.0.conv1.weight is not finite', None),
        ('gradient', 'the gradient backbone.layer1.0.conv1.weight is not finite', None),
    ],
)
def test_broken_numbers_are_named_before_the_checkpoint(make_runner, where, says, name):
    """In the fourth iteration, the last of the first epoch, after which a checkpoint is due."""
    runner = make_runner()
    runner.register_hook(HealthHook())
    runner.register_hook(Inject(where))
    with pytest.raises(FloatingPointError, match=r'iteration 4: .*replay.py') as error:
        runner.train()
    assert says in str(error.value)
    assert not list(Path(runner.work_dir).glob('*.pth'))
    (event,) = read_events(runner.work_dir)
    assert (event['kind'], event['level'], event['value']) == ('nonfinite', 'error', None)
    assert event['name'] == (name or 'backbone.layer1.0.conv1.weight')
    assert load_batch(Path(runner.work_dir, event['batch']))['iter'] == 4
    if where == 'gradient':  # its step was withheld
        assert all(p.isfinite().all() for p in runner.model.parameters())


@OPTIM_WRAPPERS.register_module(force=True)
class CarefulOptimWrapper(OptimWrapper):
    """What ``GradScaler`` does: after infinite gradients the optimizer is not called."""

    def step(self, **kwargs) -> None:
        grads = (p.grad for group in self.optimizer.param_groups for p in group['params'])
        if all(grad is None or grad.isfinite().all() for grad in grads):
            super().step(**kwargs)


def test_a_scaler_that_leaves_steps_out_is_no_error(make_runner):
    wrapper = dict(type='CarefulOptimWrapper', optimizer=dict(type='SGD', lr=1e-3))
    runner = make_runner(optim_wrapper=wrapper)
    runner.register_hook(HealthHook())
    runner.register_hook(Inject('gradient', 2))
    runner.train()
    assert read_events(runner.work_dir) == []


def test_accumulation(make_runner):
    """A NaN in the first half of a step ends the run at once; the weights are untouched."""
    wrapper = dict(type='OptimWrapper', accumulative_counts=2, optimizer=dict(type='SGD', lr=1e-3))
    runner = make_runner(optim_wrapper=wrapper)
    runner.register_hook(HealthHook())
    runner.register_hook(Inject('loss', 4))
    with pytest.raises(FloatingPointError, match='iteration 5: '):
        runner.train()
    batch = read_events(runner.work_dir)[0]['batch']
    assert load_batch(Path(runner.work_dir, batch))['exact']


def test_a_later_hook_of_ones_own_takes_the_place_of_the_default(make_runner, monkeypatch):
    runner = make_runner()
    runner.register_hook(HealthHook(interval=1, patience=1))
    runner.register_hook(CollapseMonitorHook(interval=4, patience=1))
    runner.register_hook(Silence())
    assert all('at iteration 4 and' in message for message in messages_of(runner, monkeypatch))


def test_resuming_goes_on_in_the_log_and_from_the_same_start(make_runner):
    first = make_runner()
    first.register_hook(HealthHook(interval=2, patience=1, limits=dict(position=-1.0)))
    first.train()
    events = read_events(first.work_dir)
    assert [event['kind'] for event in events] == ['position']
    start = first.message_hub.get_info('health_start')
    again = make_runner(resume=True, train_cfg=dict(type='EpochBasedTrainLoop', max_epochs=3))
    again.register_hook(HealthHook(interval=2, patience=1, limits=dict(position=-1.0)))
    again.train()
    assert again.message_hub.get_info('health_start') == start
    assert [event['iter'] for event in read_events(again.work_dir)] == [2, 10]
    anew = make_runner()
    anew.register_hook(HealthHook(limits=QUIET))
    anew.train()
    assert read_events(anew.work_dir) == []


def test_one_process_is_its_own_average():
    assert over_processes(dict(loss=1.0, std_pool=0.5)) == dict(loss=1.0, std_pool=0.5)


def test_unknown_limits_and_kinds():
    with pytest.raises(ValueError, match='limits has spread; there are data_share, fall, '):
        HealthHook(limits=dict(spread=1.0))
    with pytest.raises(ValueError, match='stop_on has nan; kinds are collapse, '):
        HealthHook(stop_on=['nan'])
