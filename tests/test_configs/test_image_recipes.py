"""Recipes of methods on single frames: the published settings, and that each steps."""

from pathlib import Path

import pytest
from mmengine.config import Config

from poodle_mm.engine.schedule import epochs_of_a_pass
from tests.test_configs.tiny_steps import tiny_images, train_two_steps

REPO = Path(__file__).resolve().parents[2]
# Method, name after it: epochs, warm-up, batch, rate for 256 images, decay.
PUBLISHED = {
    'byol/byol_r50_bdd_224x224_100e': (100, 10, 4096, 0.45, 1e-6),
    'byol/byol_r50_bdd_224x224_300e': (300, 10, 4096, 0.3, 1e-6),
    'byol/byol_r50_bdd_224x224_1000e': (1000, 10, 4096, 0.2, 1.5e-6),
    'densecl/densecl_r50_bdd_224x224_100e': (100, 0, 256, 0.03, 1e-4),
    'densecl/densecl_r50_bdd_224x224_800e': (800, 0, 256, 0.03, 1e-4),
    'mae/mae_vit-s16_bdd_224x224_300e': (300, 40, 4096, 1.5e-4, 0.05),
    'mae/mae_vit-s16_wt-venice_224x224_300e': (300, 40, 4096, 1.5e-4, 0.05),
    'mae/mae_vit-s16_wt-all_224x224_300e': (300, 40, 4096, 1.5e-4, 0.05),
    'pixpro/pixpro_r50_bdd_224x224_100e': (100, 5, 1024, 1.0, 1e-5),
    'pixpro/pixpro_r50-fpn_bdd_224x224_100e': (100, 5, 1024, 1.0, 1e-5),
    'pixpro/pixpro_r50_bdd_512x1024_100e': (100, 5, 1024, 1.0, 1e-5),
    'pixpro/pixpro_r50_wt-venice_224x224_100e': (100, 5, 1024, 1.0, 1e-5),
}
OPTIMIZERS = dict(byol='mmpretrain.LARS', pixpro='mmpretrain.LARS', densecl='SGD', mae='AdamW')


def load(name: str) -> Config:
    return Config.fromfile(REPO / 'configs' / f'{name}.py')


@pytest.mark.parametrize('name', PUBLISHED)
def test_published_settings(name):
    cfg, method = load(name), name.split('/')[0]
    epochs, warmup, batch, rate, decay = PUBLISHED[name]
    optimizer = cfg.optim_wrapper.optimizer
    assert optimizer.type == OPTIMIZERS[method] and optimizer.weight_decay == decay
    assert optimizer.lr == pytest.approx(rate * batch / 256)
    if method != 'mae':
        assert optimizer.momentum == 0.9
    assert cfg.processes * cfg.train_dataloader.batch_size == batch
    assert cfg.auto_scale_lr == dict(base_batch_size=batch, enable=False)
    assert cfg.train_cfg == dict(type='EpochBasedTrainLoop', max_epochs=epochs)
    *warm, cosine = cfg.param_scheduler
    assert [w.end for w in warm] == ([warmup] if warmup else [])
    assert (cosine.begin, cosine.end, cosine.T_max) == (warmup, epochs, epochs - warmup)
    assert epochs_of_a_pass(cfg) == 1 and cfg.train_dataloader.drop_last  # a frame of each video
    hooks = [hook.type for hook in cfg.custom_hooks]
    own = dict(pixpro='TargetUpdateHook', byol='ProjectionSpreadHook')
    own['densecl'] = own['byol']
    assert hooks == ([own[method]] if method in own else [])
    assert cfg.default_hooks.health.type == 'HealthHook'


def test_momentum_of_byols_longest_run():
    """1 - 0.996; the shorter runs have 0.99."""
    assert load('byol/byol_r50_bdd_224x224_1000e').model.base_momentum == 0.004
    for epochs in (100, 300):
        assert load(f'byol/byol_r50_bdd_224x224_{epochs}e').model.base_momentum == 0.01


def test_crops_of_pixpro():
    """From 0.08 of the frame; the large ones by PooDLe's law."""
    for name, size, area, aspect in (
        ('pixpro_r50_bdd_224x224_100e', 224, None, None),
        ('pixpro_r50_bdd_512x1024_100e', (512, 1024), (0.16, 0.45), (2, 2)),
    ):
        for pipeline in load(f'pixpro/{name}').train_dataloader.dataset.pipeline[0].pipelines:
            crop = pipeline[0]
            assert crop.type == 'poodle_mm.RandomResizedCropBox'
            found = crop.scale, crop.get('crop_ratio_range'), crop.get('aspect_ratio_range')
            assert found == (size, area, aspect)


@pytest.mark.parametrize('name', PUBLISHED)
def test_steps(name, scenes, tmp_path):
    train_two_steps(tiny_images(load(name)), scenes, tmp_path)
