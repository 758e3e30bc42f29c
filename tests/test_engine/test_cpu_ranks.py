"""Training in several processes on the CPU."""

import multiprocessing
import os
import signal

import pytest
import torch
from mmengine.config import Config
from mmengine.hooks import Hook

from poodle_mm.engine.cpu_ranks import cpu_ranks, processes_to_start
from poodle_mm.engine.pretrain import pretrain
from poodle_mm.engine.schedule import set_max_iters
from poodle_mm.engine.train import build_runner
from poodle_mm.registry import HOOKS
from poodle_scenes import write_scenes
from tests.test_engine.toy_pairs import toy_config
from tests.test_experiments.test_demo.tiny import TINY_DEMO


@pytest.fixture
def cfg(tmp_path) -> Config:
    """The tiny demo on four scenes, two steps, two processes."""
    cfg = Config.fromstring(TINY_DEMO, '.py')
    root = tmp_path / 'scenes'
    write_scenes(root, **(cfg.scenes | dict(counts=dict(train=4))))
    cfg.train_dataloader.dataset.data_root = str(root)
    cfg.work_dir = str(tmp_path / 'run')
    cfg.env_cfg = dict(dist_cfg=dict(backend='gloo', timeout=60))
    set_max_iters(cfg, 2)
    return cfg


def test_two_processes_see_twice_the_pairs_and_leave_no_trace(cfg):
    before, threads = dict(os.environ), torch.get_num_threads()
    cfg.processes = 2
    trained = pretrain(cfg)
    assert trained.pairs == 2 * 2 * cfg.train_dataloader.batch_size
    assert trained.checkpoint.is_file()
    assert int(trained.runner.model.target.steps) == 2  # the bare model, not its DDP wrapper
    assert not torch.distributed.is_initialized()
    assert torch.get_num_threads() == threads
    assert {k: os.environ.get(k) for k in ('RANK', 'WORLD_SIZE', 'MASTER_PORT')} == {
        k: before.get(k) for k in ('RANK', 'WORLD_SIZE', 'MASTER_PORT')
    }


def test_the_other_processes_end_when_this_one_fails(cfg):
    with pytest.raises(RuntimeError, match='broken'), cpu_ranks(cfg, 2):
        raise RuntimeError('broken')
    assert not multiprocessing.active_children()
    assert 'RANK' not in os.environ


def test_one_process_changes_nothing(cfg):
    with cpu_ranks(cfg, 1):
        assert 'launcher' not in cfg


@HOOKS.register_module(force=True)
class FailInRank1(Hook):
    """Has the second process fail in its third iteration, with an error or by SIGKILL."""

    def __init__(self, killed: bool) -> None:
        self.killed = killed

    def before_train_iter(self, runner, batch_idx, data_batch=None) -> None:
        if runner.rank == 1 and runner.iter == 2:
            if self.killed:
                os.kill(os.getpid(), signal.SIGKILL)
            raise ZeroDivisionError('only here')


@pytest.mark.parametrize(
    ('killed', 'message'),
    [
        (False, r'(?s)process 1 of the 2 ended:\n.*ZeroDivisionError: only here'),
        (True, 'process 1 of the 2 ended with exit code -9'),
    ],
)
def test_what_ended_another_process_is_said(tmp_path, killed, message):
    hooks = [dict(type='TargetUpdateHook'), dict(type='FailInRank1', killed=killed)]
    cfg = toy_config(tmp_path, custom_hooks=hooks, experiment_name=tmp_path.name)
    cfg.custom_imports.imports.append(__name__)
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(RuntimeError, match=message), cpu_ranks(cfg, 2):
        build_runner(cfg).train()
    assert not multiprocessing.active_children()
    assert not torch.distributed.is_initialized()
    assert signal.getsignal(signal.SIGTERM) is before


def test_an_error_in_all_processes_is_said_once(tmp_path, capfd):
    cfg = toy_config(tmp_path, experiment_name=tmp_path.name)
    cfg.model.backbone.with_cpp = True
    with pytest.raises(TypeError, match='with_cpp'), cpu_ranks(cfg, 2):
        build_runner(cfg)
    assert 'with_cpp' not in capfd.readouterr().err


def test_a_process_that_does_not_start(tmp_path):
    """Before, the first one waited at the rendezvous until its time was over."""
    cfg = toy_config(tmp_path, custom_imports=dict(imports=['no_such_module']))
    with pytest.raises(RuntimeError, match='no_such_module'), cpu_ranks(cfg, 2):
        raise AssertionError('not reached')


@pytest.mark.parametrize(
    ('options', 'gpu', 'launched', 'started'),
    [
        ({}, False, None, 1),
        (dict(processes=3), False, None, 3),
        (dict(processes=1), True, None, 1),
        (dict(processes=3, launcher='pytorch'), True, 3, 1),
        (dict(launcher='pytorch'), True, 16, 1),  # the config names no number
        (dict(processes=3, launcher='slurm', auto_scale_lr=dict(enable=True)), True, 4, 1),
    ],
)
def test_number_of_processes(tmp_path, monkeypatch, options, gpu, launched, started):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: gpu)
    if launched:
        monkeypatch.setenv('WORLD_SIZE', str(launched))
        monkeypatch.setenv('SLURM_NTASKS', str(launched))
    assert processes_to_start(toy_config(tmp_path, **options)) == started


@pytest.mark.parametrize(
    ('options', 'words'),
    [
        (
            dict(processes=2),
            ['2 processes of batch size 2', 'with a GPU 1', 'processes=1 train_dat'],
        ),
        (dict(processes=2, launcher='slurm'), ['and 4 were launched', 'batch_size=1 for the same']),
        (dict(processes=3, launcher='mpi'), ['and 4 were launched', 'dist_train.sh CONFIG 3']),
        (dict(processes=0), ['a number from 1, got 0']),
        (dict(processes='two'), ["got 'two'"]),
    ],
)
def test_another_number_of_processes_is_refused(tmp_path, monkeypatch, options, words):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
    for name in ('SLURM_NTASKS', 'OMPI_COMM_WORLD_SIZE'):
        monkeypatch.setenv(name, '4')
    with pytest.raises(ValueError) as info:
        processes_to_start(toy_config(tmp_path, **options))
    assert all(word in str(info.value) for word in words), info.value
    assert ('for the same' in str(info.value)) == (options['processes'] == 2)
