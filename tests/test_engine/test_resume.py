"""Train, stop, resume equals train through, bit by bit; also when the stop is a kill."""

import os
import signal
import subprocess
import sys
import time

import pytest
import torch
from mmengine.hooks import Hook

from tests.test_engine.toy_pairs import toy_config, toy_motion, toy_vit


class Journal(Hook):
    """Writes down the data, rate and momentum of each iteration, and may stop the run."""

    def __init__(self, stop_at: int | None = None) -> None:
        self.stop_at = stop_at
        self.lines = []

    def before_train_iter(self, runner, batch_idx, data_batch=None) -> None:
        if runner.iter == self.stop_at:
            raise KeyboardInterrupt
        model = runner.model
        self.lines.append((
            tuple(sample.source for sample in data_batch['data_samples']),
            runner.optim_wrapper.get_lr()['lr'][0],
            model.target.momentum_at(int(model.target.steps)),
        ))  # fmt: skip


def assert_equal_checkpoints(path, other) -> None:
    a, b = (torch.load(p, weights_only=False) for p in (path, other))
    assert a['state_dict'].keys() == b['state_dict'].keys()
    for name, tensor in a['state_dict'].items():
        assert torch.equal(tensor, b['state_dict'][name]), name
    assert 'target.steps' in a['state_dict']
    for k, moments in a['optimizer']['state'].items():
        for name, tensor in moments.items():
            assert torch.equal(tensor, b['optimizer']['state'][k][name]), (k, name)
    assert a['optimizer']['param_groups'] == b['optimizer']['param_groups']
    assert [s['last_step'] for s in a['param_schedulers']] == [
        s['last_step'] for s in b['param_schedulers']
    ]
    hubs = [c['message_hub']['log_scalars']['train/momentum'] for c in (a, b)]
    assert hubs[0].data[0].tolist() == hubs[1].data[0].tolist()


def iteration_based() -> dict:
    """6 iterations of 8 samples by 2: the stop lies inside the second epoch."""
    return dict(
        train_cfg=dict(type='IterBasedTrainLoop', max_iters=7),
        train_dataloader=dict(
            batch_size=2,
            num_workers=0,
            sampler=dict(type='PairSampler', shuffle=True, infinite=True),
            collate_fn=dict(type='poodle_mm.frame_pair_collate'),
            dataset=dict(type='ToyPairs', length=8),
        ),
        param_scheduler=[dict(type='CosineAnnealingLR', T_max=20, by_epoch=False)],
        custom_hooks=[dict(type='TargetUpdateHook', schedule_iters=20)],
        default_hooks=dict(
            checkpoint=dict(type='AtomicCheckpointHook', interval=5, by_epoch=False)
        ),
    )


def accumulating() -> dict:
    """Steps of two iterations."""
    return dict(
        optim_wrapper=dict(
            type='OptimWrapper', optimizer=dict(type='AdamW', lr=1e-3), accumulative_counts=2
        )
    )


@pytest.mark.parametrize(
    ('overrides', 'stop_at', 'saved_at', 'last'),
    [
        (dict, 6, 4, 'epoch_2.pth'),
        (accumulating, 7, 4, 'epoch_2.pth'),
        (iteration_based, 6, 5, 'iter_7.pth'),
        (toy_vit, 6, 4, 'epoch_2.pth'),
        (toy_motion, 6, 4, 'epoch_2.pth'),
    ],
    ids=['epochs', 'accumulation', 'iterations', 'vit', 'motion'],
)
def test_resumed_equals_uninterrupted(make_runner, tmp_path, overrides, stop_at, saved_at, last):
    through = Journal()
    runner = make_runner('through', **overrides())
    runner.register_hook(through)
    runner.train()

    stopped, resumed = Journal(stop_at), Journal()
    runner = make_runner('stopped', **overrides())
    runner.register_hook(stopped)
    with pytest.raises(KeyboardInterrupt):
        runner.train()
    assert stopped.lines == through.lines[:stop_at]
    runner = make_runner('stopped', resume=True, **overrides())
    runner.register_hook(resumed)
    runner.train()

    assert resumed.lines == through.lines[saved_at:]
    assert len({line[0] for line in through.lines}) == len(through.lines)
    assert_equal_checkpoints(tmp_path / 'through' / last, tmp_path / 'stopped' / last)


@pytest.mark.slow
def test_killed_while_saving(make_runner, tmp_path, repo):
    """SIGKILL with the second checkpoint half written; ``--resume`` goes on from the first."""
    make_runner('through').train()

    cfg = toy_config(tmp_path / 'killed')
    cfg.dump(tmp_path / 'toy.py')
    cfg.custom_imports.imports.append('tests.test_engine.torn_save')
    cfg.dump(tmp_path / 'torn.py')
    env = dict(os.environ, PYTHONPATH=str(repo), OMP_NUM_THREADS='1')
    command = [sys.executable, str(repo / 'tools' / 'train.py')]
    with open(tmp_path / 'log', 'w') as log:
        run = subprocess.Popen([*command, 'torn.py'], cwd=tmp_path, env=env, stdout=log, stderr=log)
        for _ in range(1200):
            if (tmp_path / 'killed' / 'half_written').exists() or run.poll() is not None:
                break
            time.sleep(0.1)
        run.send_signal(signal.SIGKILL)
        run.wait()
    assert (tmp_path / 'killed' / 'half_written').exists(), (tmp_path / 'log').read_text()
    torn, whole = sorted((tmp_path / 'killed').glob('*.pth'))
    assert torn.match('.*.epoch_2.pth') and torn.stat().st_size > 0
    assert whole.name == 'epoch_1.pth'

    subprocess.run([*command, 'toy.py', '--resume'], cwd=tmp_path, env=env, check=True)
    assert_equal_checkpoints(tmp_path / 'through/epoch_2.pth', tmp_path / 'killed/epoch_2.pth')
    assert not torn.exists()
