"""Training in several processes on the CPU."""

import os

import pytest
import torch
from mmengine.config import Config

from poodle_mm.engine.cpu_ranks import cpu_ranks
from poodle_mm.engine.pretrain import pretrain
from poodle_mm.engine.schedule import set_max_iters
from poodle_scenes import write_scenes
from tests.test_experiments.test_demo.tiny import TINY_DEMO


@pytest.fixture
def cfg(tmp_path) -> Config:
    """The tiny demo on two scenes, two steps, two processes."""
    cfg = Config.fromstring(TINY_DEMO, '.py')
    root = tmp_path / 'scenes'
    write_scenes(root, **(cfg.scenes | dict(counts=dict(train=2))))
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
    import multiprocessing

    with pytest.raises(RuntimeError, match='broken'), cpu_ranks(cfg, 2):
        raise RuntimeError('broken')
    assert not multiprocessing.active_children()
    assert 'RANK' not in os.environ


def test_one_process_changes_nothing(cfg):
    with cpu_ranks(cfg, 1):
        assert 'launcher' not in cfg
