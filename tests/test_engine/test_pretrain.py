"""Length and schedules of the demo's pretraining."""

import pytest
from mmengine.config import Config

from poodle_mm.engine.schedule import set_max_iters
from tests.test_experiments.test_demo.tiny import TINY_DEMO


@pytest.fixture
def cfg() -> Config:
    """The tiny demo: 10 iterations, 4 of them warm-up."""
    return Config.fromstring(TINY_DEMO, '.py')


def test_schedules_end_with_training(cfg):
    """Five times as many iterations: warm-up and cosine stretch with them."""
    cfg.custom_hooks.append(dict(type='TargetUpdateHook', schedule_iters=10))
    set_max_iters(cfg, 50)
    assert cfg.train_cfg.max_iters == 50
    warm_up, cosine = cfg.param_scheduler
    assert (warm_up.begin, warm_up.end) == (0, 20)
    assert (cosine.begin, cosine.end, cosine.T_max) == (20, 50, 30)
    assert cfg.custom_hooks[-1]['schedule_iters'] == 50


def test_the_shortest_run(cfg):
    """Two iterations: one of warm-up, one of cosine; less is refused."""
    set_max_iters(cfg, 2)
    warm_up, cosine = cfg.param_scheduler
    assert (warm_up.begin, warm_up.end) == (0, 1)
    assert (cosine.begin, cosine.end, cosine.T_max) == (1, 2, 1)
    with pytest.raises(ValueError, match='nothing is left of CosineAnnealingLR'):
        set_max_iters(cfg, 1)


def test_epochs_are_refused(cfg):
    """Minutes cannot be turned into epochs."""
    cfg.param_scheduler[0].by_epoch = True
    with pytest.raises(ValueError, match='by_epoch=False'):
        set_max_iters(cfg, 5)
