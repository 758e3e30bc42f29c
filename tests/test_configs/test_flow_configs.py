"""The trainings of flow build, and the small one runs from a command to an estimator."""

import os
import subprocess
import sys

import pytest
import torch

from poodle_mm.engine.config import load_config
from poodle_mm.engine.schedule import set_max_iters
from poodle_mm.registry import MODELS
from poodle_scenes import write_scenes

NAMES = (
    'kitti',
    'bdd',
    'scenes',
    'clips',
    'small_scenes_exact',
    'small_scenes',
    'small_clips',
    'small_camvid',
)


def test_all_are_here(repo):
    found = {path.stem.removeprefix('uflow_') for path in (repo / 'configs/flow').glob('*.py')}
    assert found == {*NAMES}
    readme = (repo / 'configs/flow/README.md').read_text(encoding='utf-8')
    assert all(f'`uflow_{name}.py`' in readme for name in NAMES)


@pytest.mark.parametrize('name', NAMES)
def test_builds_and_fits_its_crops(repo, name):
    cfg = load_config(repo / f'configs/flow/uflow_{name}.py')
    model = MODELS.build(cfg.model)
    parameters = sum(p.numel() for p in model.parameters())
    assert parameters == 5_701_802 or ('small' in name and parameters < 1.4e6)
    size = cfg.train_dataloader.dataset.pipeline[0].size
    crop = model.selfsup['crop']
    assert all(side % 32 == 0 and cut < side / 2 for side, cut in zip(size, crop))
    exact = 'LoadSceneFlow' in [t.type for t in cfg.train_dataloader.dataset.pipeline]
    assert (model.weights['epe'] > 0) == exact
    ends = [s.end for s in cfg.get('param_scheduler') or []]
    assert not ends or max(ends) == cfg.train_cfg.max_iters


def test_authors_recipe(repo):
    """What their released settings say of the second part."""
    cfg = load_config(repo / 'configs/flow/uflow_bdd.py')
    model = MODELS.build(cfg.model)
    assert model.weights == dict(
        census=0, ssim=1, coarse=0, smooth1=0, smooth2=2, selfsup=0.6, epe=0
    )
    assert model.edge_weight == 150 and model.level_dropout == 0.1
    assert model.occlusion == dict(kind='forward_backward', alpha1=0.01, alpha2=0.5, begin=0)
    assert (model.selfsup['sigma_student'], model.selfsup['sigma_teacher']) == (0.03, 0.003)
    assert (model.selfsup['begin'], model.selfsup['ramp']) == (0, 0)
    dataset = cfg.train_dataloader.dataset
    assert dataset.delta == 10 and dataset.pipeline[0].size == (256, 512)
    assert cfg.optim_wrapper.optimizer == dict(type='Adam', lr=1e-4)
    assert cfg.train_cfg.max_iters == 100_000 and cfg.train_dataloader.batch_size == 16


def test_lengths_scale(repo):
    cfg = load_config(repo / 'configs/flow/uflow_small_scenes_exact.py')
    set_max_iters(cfg, 600)
    assert [s.end for s in cfg.param_scheduler] == [10, 600]


@pytest.mark.parametrize('name', ['small_scenes_exact', 'small_clips'])
def test_trains_and_serves(repo, name, tmp_path):
    data = write_scenes(tmp_path / 'scenes', dict(train=2), (96, 192), 12, labelled_frames=0)
    if name == 'small_clips':
        data = data / 'videos' / 'train'
    size = 'train_dataloader.dataset.pipeline.0.size=(64,96)'
    command = [
        *(sys.executable, 'tools/train.py', f'configs/flow/uflow_{name}.py', '--iters', '2'),
        *('--data-root', data, '--work-dir', tmp_path / 'run', '--cfg-options', size),
        *('train_dataloader.batch_size=2', 'train_dataloader.num_workers=0'),
    ]
    environment = dict(os.environ, PYTHONPATH=str(repo), OMP_NUM_THREADS='1')
    run = subprocess.run(
        [str(c) for c in command], cwd=repo, capture_output=True, text=True, env=environment
    )
    assert run.returncode == 0, run.stderr[-2000:]
    pictures = sorted(path.name for path in (tmp_path / 'run' / 'pictures').iterdir())
    assert pictures == ['iter_000001_0.png', 'iter_000001_1.png']
    weights = str(tmp_path / 'run' / 'iter_2.pth')
    flow = MODELS.build(dict(type='UFlow', weights=weights, size=None))
    assert flow(*torch.rand(2, 1, 3, 64, 96))[0].shape == (1, 2, 64, 96)
