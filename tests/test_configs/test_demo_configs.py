"""The demo configs build, end their schedules together, and call functions by their arguments."""

import inspect

import pytest
import torch
from mmengine.config import Config

from poodle_mm.evaluation.readout import readout_config
from poodle_mm.evaluation.suites import SUITES
from poodle_mm.registry import MODELS
from poodle_scenes import write_scenes

DEMOS = [
    f'poodle_r18_{data}{recipe}.py' for data in ('scenes', 'camvid') for recipe in ('', '_release')
]


@pytest.mark.parametrize('name', DEMOS)
def test_demo_config(repo, name):
    cfg = Config.fromfile(repo / 'configs' / 'demo' / name)
    model = MODELS.build(cfg.model)
    feats = model.eval().extract_feats(
        torch.zeros(1, 3, *cfg.train_dataloader.dataset.pipeline[0].size)
    )
    assert [f.shape[1:] for f in feats] == [(32, 12, 24), (64, 6, 12), (128, 3, 6), (128, 12, 24)]
    ends = {scheduler['end'] for scheduler in cfg.param_scheduler}
    assert max(ends) == cfg.train_cfg.max_iters
    warmup, cosine = cfg.param_scheduler
    assert warmup['end'] == cosine['begin'] and cosine['T_max'] == cosine['end'] - cosine['begin']


def test_scenes_are_arguments_of_the_writer(repo):
    cfg = Config.fromfile(repo / 'configs' / 'demo' / 'poodle_r18_scenes.py')
    inspect.signature(write_scenes).bind('root', workers=1, **cfg.scenes)
    assert set(cfg.scenes.counts) == {'train', 'val', 'test'}


@pytest.mark.parametrize('name', DEMOS)
def test_readout_is_arguments_of_the_readout(repo, name):
    cfg = Config.fromfile(repo / 'configs' / 'demo' / name)
    inspect.signature(readout_config).bind(
        'configs', readout='linear', encoder=None, work_dir='', **cfg.readout
    )
    assert SUITES[cfg.readout.suite].whole_images
