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


PARTS = {
    'poodle_r18_camvid.py': 'neck dense_head pooled_head',
    'dense-only_r18_camvid.py': ('neck dense_head'),
    'pooled-only_r18_camvid.py': 'pooled_head',
}


@pytest.mark.parametrize('name', PARTS)
def test_objectives_of_the_camvid_configs(repo, name):
    """Each objective alone has only its own parts; data and schedule are the same."""
    cfg = Config.fromfile(repo / 'configs' / 'demo' / name)
    model = MODELS.build(cfg.model)
    parts = [p for p in ('neck', 'dense_head', 'pooled_head') if getattr(model, p) is not None]
    assert parts == PARTS[name].split()
    assert (model.data_preprocessor.num_subcrops > 0) == ('pooled_head' in parts)
    whole = Config.fromfile(repo / 'configs' / 'demo' / 'poodle_r18_camvid.py')
    for key in ('train_dataloader', 'param_scheduler', 'optim_wrapper', 'train_cfg', 'processes'):
        assert cfg[key] == whole[key]


@pytest.mark.parametrize('name', DEMOS)
def test_readout_is_arguments_of_the_readout(repo, name):
    cfg = Config.fromfile(repo / 'configs' / 'demo' / name)
    inspect.signature(readout_config).bind(
        'configs', readout='linear', encoder=None, work_dir='', **cfg.readout
    )
    assert SUITES[cfg.readout.suite].whole_images
