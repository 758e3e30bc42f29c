"""SIGTERM costs nothing: the run goes on where the signal found it, bit for bit."""

import gc
import multiprocessing
import os
import re
import signal
import subprocess
import sys
import time

import pytest
import torch
from mmengine.hooks import Hook
from torch.utils.data import DataLoader

from poodle_mm.datasets import PairSampler
from poodle_mm.engine import stop_signal
from poodle_mm.engine.resumable import find_resumable
from poodle_mm.engine.stop_signal import EXIT_CODE, outlive_stop
from poodle_mm.registry import DATA_SAMPLERS
from tests.test_engine.test_resume import (
    Journal,
    accumulating,
    assert_equal_checkpoints,
    iteration_based,
)
from tests.test_engine.toy_pairs import toy_config


class Terminate(Journal):
    """Sends SIGTERM to this process in the middle of an iteration."""

    def __init__(self, at: int) -> None:
        super().__init__()
        self.at = at

    def before_train_iter(self, runner, batch_idx, data_batch=None) -> None:
        super().before_train_iter(runner, batch_idx, data_batch)
        if runner.iter == self.at:
            os.kill(os.getpid(), signal.SIGTERM)


def workers() -> dict:
    base = iteration_based()['train_dataloader']
    base['sampler'].pop('infinite')
    return dict(train_dataloader=base | dict(num_workers=1))


@pytest.mark.parametrize(
    ('overrides', 'at', 'saved', 'last'),
    [
        (dict, 5, 'stopped_iter_6.pth', 'epoch_2.pth'),
        (dict, 3, 'epoch_1.pth', 'epoch_2.pth'),  # the last iteration of an epoch
        (workers, 1, 'stopped_iter_2.pth', 'epoch_2.pth'),
        (accumulating, 4, 'stopped_iter_6.pth', 'epoch_2.pth'),  # after the optimizer's step
        (iteration_based, 1, 'stopped_iter_2.pth', 'iter_7.pth'),
    ],
    ids=['within', 'end', 'workers', 'accumulation', 'iterations'],
)
def test_stopped_equals_uninterrupted(make_runner, tmp_path, overrides, at, saved, last):
    before = signal.getsignal(signal.SIGTERM)
    through, stopped, resumed = Journal(), Terminate(at), Journal()
    runner = make_runner('through', **overrides())
    runner.register_hook(through)
    runner.train()
    assert signal.getsignal(signal.SIGTERM) is before
    runner = make_runner('stopped', **overrides())
    runner.register_hook(stopped)
    try:
        with pytest.raises(SystemExit) as stop:
            runner.train()
    finally:
        signal.signal(signal.SIGTERM, before)
    assert stop.value.code == EXIT_CODE == 143

    path = find_resumable(tmp_path / 'stopped')
    assert path == str(tmp_path / 'stopped' / saved)
    runner = make_runner('stopped', resume=True, load_from=path, **overrides())
    runner.register_hook(resumed)
    runner.train()
    assert stopped.lines + resumed.lines == through.lines
    assert_equal_checkpoints(tmp_path / 'through' / last, tmp_path / 'stopped' / last)
    assert not list((tmp_path / 'stopped').glob('stopped_*'))
    del stop, runner
    gc.collect()  # ends the data workers
    assert not multiprocessing.active_children()


@DATA_SAMPLERS.register_module(force=True)
class NeverSkips(PairSampler):
    """As MMEngine's and MMDetection's samplers."""

    skip = None


def test_sampler_that_cannot_start_within_an_epoch(make_runner, tmp_path, monkeypatch):
    """Nothing is written that could not be gone on from."""
    before, said = signal.getsignal(signal.SIGTERM), []
    loader = workers()['train_dataloader'] | dict(num_workers=0, sampler=dict(type='NeverSkips'))
    runner = make_runner(train_dataloader=loader)
    runner.register_hook(Terminate(5))
    monkeypatch.setattr(runner.logger, 'warning', said.append)
    try:
        with pytest.raises(SystemExit):
            runner.train()
    finally:
        signal.signal(signal.SIGTERM, before)
    assert said[-1].endswith('cannot start within an epoch: resume from the last checkpoint')
    assert find_resumable(tmp_path / 'run') == str(tmp_path / 'run' / 'epoch_1.pth')


def train_until_stopped(
    repo, tmp_path, processes: int, whole_job: bool, launcher: bool = False
) -> int:
    """Train without end and send SIGTERM: to the process started, or to every one there is."""
    loader = workers()['train_dataloader'] | dict(batch_size=1)
    cfg = toy_config(
        tmp_path / 'run',
        train_dataloader=loader,
        train_cfg=dict(type='EpochBasedTrainLoop', max_epochs=500),
        param_scheduler=None,
        custom_hooks=[dict(type='TargetUpdateHook')],
        default_hooks=dict(
            logger=dict(type='LoggerHook', interval=1),
            checkpoint=dict(type='AtomicCheckpointHook', interval=500),
        ),
        env_cfg=dict(dist_cfg=dict(backend='gloo')),
        log_level='INFO',
    )
    cfg.processes = processes
    cfg.dump(tmp_path / 'toy.py')
    env = dict(os.environ, PYTHONPATH=str(repo), OMP_NUM_THREADS='1', PYTHON=sys.executable)
    train = [sys.executable, str(repo / 'tools/train.py'), 'toy.py']
    if launcher:
        train = ['bash', str(repo / 'tools/dist_train.sh'), 'toy.py', str(processes)]
    with open(tmp_path / 'log', 'w') as log:
        run = subprocess.Popen(
            train, cwd=tmp_path, env=env, stdout=log, stderr=log, start_new_session=True
        )
        try:
            for _ in range(1200):
                text = (tmp_path / 'log').read_text()
                if re.search(r'Epoch\(train\) +\[\d+\]\[3/', text) or run.poll() is not None:
                    break
                time.sleep(0.1)
            (os.killpg if whole_job else os.kill)(run.pid, signal.SIGTERM)
            return run.wait(60)
        finally:
            if run.poll() is None:
                os.killpg(run.pid, signal.SIGKILL)


def terminate_self(worker_id: int) -> None:
    os.kill(os.getpid(), signal.SIGTERM)


@pytest.mark.parametrize('start', ['fork', 'spawn'])
def test_signal_while_a_worker_starts(start):
    """It comes before the worker listens; the data arrive all the same."""
    loader = DataLoader(
        range(4), num_workers=1, worker_init_fn=terminate_self, multiprocessing_context=start
    )
    outlive_stop(loader)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    assert torch.cat(list(loader)).tolist() == [0, 1, 2, 3]
    assert signal.pthread_sigmask(signal.SIG_BLOCK, []) == before


def test_a_worker_ends_by_its_process_at_once_and_by_others_later():
    """Nothing else would end it here: the loader's own way is to ask it through its queue."""
    loader = DataLoader(range(1000), num_workers=2, prefetch_factor=1)
    outlive_stop(loader)
    batches = iter(loader)
    first = next(batches)
    asked, told = batches._workers
    subprocess.run(['kill', '-TERM', str(asked.pid)], check=True)
    assert first.item() == 0 and [next(batches).item() for _ in range(9)] == list(range(1, 10))
    assert asked.is_alive()
    batches._shutdown_workers = lambda: None  # which else says that workers are missing
    told.terminate()
    told.join(30)
    assert told.exitcode == 0
    subprocess.run(['kill', '-TERM', str(asked.pid)], check=True)
    asked.join(30)
    assert asked.exitcode == 0


@pytest.mark.slow
def test_signal_to_the_whole_job_with_data_workers(repo, tmp_path):
    """As Slurm does: data workers get it as well, and the iteration still ends."""
    code = train_until_stopped(repo, tmp_path, 1, whole_job=True)
    log = (tmp_path / 'log').read_text()
    assert code == EXIT_CODE, log[-3000:]
    (path,) = (tmp_path / 'run').glob('*.pth')
    assert f'{path} is written and --resume goes on from it' in log
    assert 'Traceback' not in log


@pytest.mark.slow
@pytest.mark.skipif(torch.cuda.is_available(), reason='the CPU path')
def test_signal_to_the_launcher_of_two_processes(repo, tmp_path):
    train_until_stopped(repo, tmp_path, 2, whole_job=False, launcher=True)
    log = (tmp_path / 'log').read_text()
    paths = list((tmp_path / 'run').glob('*.pth'))
    assert len(paths) == 1, log[-3000:]
    (path,) = paths
    assert log.count(f'{path} is written and --resume goes on from it') == 1, log[-3000:]
    iteration = torch.load(path, weights_only=False)['meta']['iter']
    assert re.search(rf'Stopped by SIGTERM after {iteration} of', log)


@pytest.mark.slow
@pytest.mark.skipif(torch.cuda.is_available(), reason='the CPU path')
@pytest.mark.parametrize('whole_job', [False, True])
def test_signal_to_two_processes_without_launcher(repo, tmp_path, whole_job):
    code = train_until_stopped(repo, tmp_path, 2, whole_job)
    log = (tmp_path / 'log').read_text()
    assert code == EXIT_CODE and 'Traceback' not in log, log[-3000:]
    (path,) = (tmp_path / 'run').glob('*.pth')
    assert log.count(f'{path} is written and --resume goes on from it') == 1, log[-3000:]
    assert torch.load(path, weights_only=False)['meta']['world']['processes'] == 2


@pytest.mark.parametrize('error', [RuntimeError, KeyboardInterrupt])
def test_signal_is_given_back_when_training_fails(make_runner, error):
    class Fail(Hook):
        def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None) -> None:
            assert signal.getsignal(signal.SIGTERM) is not before
            raise error

    before = signal.getsignal(signal.SIGTERM)
    runner = make_runner()
    runner.register_hook(Fail())
    with pytest.raises(error):
        runner.train()
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_second_signal_ends_at_once(monkeypatch):
    """But not one that follows on the heels of the first, as from Slurm and then torchrun."""
    killed = []
    monkeypatch.setattr(stop_signal.os, 'kill', lambda *call: killed.append(call))
    monkeypatch.setattr(stop_signal.signal, 'signal', lambda *_: None)
    now = iter([100.0, 100.5, 121.0])
    monkeypatch.setattr(stop_signal.time, 'monotonic', lambda: next(now))
    stop = stop_signal.StopSignal()
    assert not stop.requested()
    for ended in (False, False, True):
        stop._receive(signal.SIGTERM, None)
        assert stop.requested()
        assert bool(killed) == ended


def test_what_is_forked_while_it_listens_can_be_ended():
    """A pool of a user's hook closes; before, its workers swallowed the signal for ever."""
    listener = stop_signal.StopSignal()
    listener.start()
    try:
        context = multiprocessing.get_context('fork')
        ready = context.Event()
        child = context.Process(target=lambda: (ready.set(), time.sleep(60)))
        child.start()
        assert ready.wait(20)
        child.terminate()
        child.join(20)
        assert child.exitcode == -signal.SIGTERM
        assert not listener.requested()
    finally:
        child.kill()
        listener.close()
