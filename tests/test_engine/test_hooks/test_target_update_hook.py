"""Target network: EMA by hand, counts of optimizer steps, the schedule's length."""

import math

import pytest
import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.optim.scheduler import CosineAnnealingLR, LinearLR

from poodle_mm.engine import TargetUpdateHook


class Recorder(Hook):
    """Keeps weights after each iteration; runs after the target's update."""

    priority = 'VERY_LOW'

    def __init__(self, target_name: str, online_name: str) -> None:
        self.names = (target_name, online_name)
        self.values = []

    def before_train(self, runner) -> None:
        self._keep(runner)

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None) -> None:
        self._keep(runner)

    def _keep(self, runner) -> None:
        state = runner.model.state_dict()
        self.values.append([state[name].double().clone() for name in self.names])


def test_ema_by_hand(make_runner):
    runner = make_runner()
    recorder = Recorder('target.module.backbone.conv1.weight', 'backbone.conv1.weight')
    runner.register_hook(recorder)
    runner.train()
    target, online = recorder.values[0]
    assert torch.equal(target, online)
    for k, (found, online) in enumerate(recorder.values[1:]):
        # 4 epochs of 4 iterations are the schedule, of which 2 epochs are trained.
        momentum = 1 - 0.1 * (math.cos(math.pi * k / 16) + 1) / 2
        target = momentum * target + (1 - momentum) * online
        torch.testing.assert_close(found, target, rtol=1e-5, atol=1e-7)
        target = found
    assert k == 7
    assert not torch.equal(target, online)
    history = runner.message_hub.get_scalar('train/momentum')
    assert float(history.current()) == pytest.approx(1 - 0.1 * (math.cos(math.pi * 7 / 16) + 1) / 2)


def test_momentum_of_the_papers_schedule(make_runner):
    """0.996 at the start and, stopped at a third, 0.997 (appendix A): 1 - 0.004 * (1/2 + 1)/2."""
    runner = make_runner(
        train_cfg=dict(type='EpochBasedTrainLoop', max_epochs=1),
        custom_hooks=[dict(type='TargetUpdateHook', schedule_epochs=300)],
    )
    runner.model.target.momentum = 0.996
    runner.train()
    target = runner.model.target
    assert target.total_steps == 300 * 4
    assert target.momentum_at(0) == pytest.approx(0.996)
    assert target.momentum_at(100 * 4) == pytest.approx(0.997)
    assert target.momentum_at(300 * 4) == 1


def test_accumulated_iterations_are_one_step(make_runner):
    """7 iterations by 3 are two whole steps and the flushed rest."""
    cfg = dict(type='OptimWrapper', optimizer=dict(type='AdamW', lr=1e-3), accumulative_counts=3)
    loader = dict(
        batch_size=1,
        num_workers=0,
        sampler=dict(type='PairSampler'),
        collate_fn=dict(type='poodle_mm.frame_pair_collate'),
        dataset=dict(type='ToyPairs', length=7),
    )
    runner = make_runner(
        optim_wrapper=cfg,
        train_dataloader=loader,
        train_cfg=dict(type='EpochBasedTrainLoop', max_epochs=1),
        custom_hooks=[dict(type='TargetUpdateHook')],
    )
    steps = []
    runner.optim_wrapper = runner.build_optim_wrapper(runner.optim_wrapper)
    runner.optim_wrapper.optimizer.register_step_post_hook(lambda *_: steps.append(runner.iter))
    runner.train()
    assert steps == [2, 5, 6]
    assert int(runner.model.target.steps) == 3
    assert runner.model.target.total_steps == 3


def test_schedule_in_iterations(make_runner):
    runner = make_runner(custom_hooks=[dict(type='TargetUpdateHook', schedule_iters=50)])
    runner.train()
    assert runner.model.target.total_steps == 50


def test_wrong_schedules(make_runner):
    with pytest.raises(ValueError, match='not both'):
        TargetUpdateHook(schedule_epochs=1, schedule_iters=1)
    runner = make_runner(custom_hooks=[dict(type='TargetUpdateHook', schedule_epochs=1)])
    with pytest.raises(ValueError, match=r'ends after 4 iterations.*\(8\)'):
        runner.train()


def test_headline_schedule(repo):
    """300 epochs of rate and momentum, 100 of training; the rate at epoch 100 by hand."""
    cfg = Config.fromfile(repo / 'configs' / 'poodle_r50_bdd.py')
    assert cfg.train_cfg.max_epochs == 100
    hook = next(hook for hook in cfg.custom_hooks if hook.type == 'TargetUpdateHook')
    assert hook.schedule_epochs == 300
    assert cfg.optim_wrapper.optimizer.lr == 5e-4
    assert cfg.model.momentum == 0.996

    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=5e-4)
    classes = dict(LinearLR=LinearLR, CosineAnnealingLR=CosineAnnealingLR)
    schedulers = []
    for scheduler in cfg.param_scheduler:
        assert scheduler.pop('convert_to_iter_based')
        kind = classes[scheduler.pop('type')]
        schedulers.append(
            kind.build_iter_from_epoch(optimizer=optimizer, epoch_length=10, **scheduler)
        )
    rates = []
    for _ in range(1001):
        rates.append(optimizer.param_groups[0]['lr'])
        optimizer.step()
        for scheduler in schedulers:
            scheduler.step()
    assert rates[0] < 1e-6
    assert rates[10] == pytest.approx(2.5e-4, rel=0.06)  # half of the warm-up
    assert max(rates) == pytest.approx(5e-4) and rates.index(max(rates)) in (19, 20)
    expected = 5e-4 * (1 + math.cos(math.pi * (100 - 2) / (300 - 2))) / 2
    assert rates[1000] == pytest.approx(expected, rel=1e-3)
