"""Configs of DINO and iBOT: the published settings line by line, and a step of each."""

from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import default_collate
from mmengine.optim import build_optim_wrapper
from mmengine.registry import PARAM_SCHEDULERS, DefaultScope

from poodle_mm.registry import DATASETS, MODELS, register_all_modules
from tests.test_datasets.video_factory import write_video

CONFIGS = Path(__file__).resolve().parents[2] / 'configs'
FILES = sorted([*CONFIGS.glob('dino/*.py'), *CONFIGS.glob('ibot/*.py')])
LARGE = [file for file in FILES if '_224x224_' in file.name]


def scales(cfg: Config) -> list[tuple]:
    """Side and area of each view."""
    views = cfg.train_dataloader.dataset.pipeline[0].pipelines
    return [(view[0].scale, tuple(view[0].crop_ratio_range)) for view in views]


def names(view: list) -> list[str]:
    return [transform.type for transform in view[1:]]


@pytest.mark.parametrize(
    ('name', 'epochs', 'areas', 'local', 'prototypes', 'teacher'),
    [
        ('dino_r50_bdd', 100, ((0.14, 1), (0.05, 0.14)), 8, 65536, (0.04, 0.04)),
        ('dino_vit-s16_bdd', 300, ((0.4, 1), (0.05, 0.4)), 8, 65536, (0.04, 0.07)),
        ('ibot_vit-s16_bdd', 800, ((0.25, 1), (0.05, 0.25)), 10, 8192, (0.04, 0.07)),
        ('dino_r50_wt-venice', 100, ((0.14, 1), (0.05, 0.14)), 8, 65536, (0.04, 0.04)),
        ('dino_vit-s16_wt-venice', 100, ((0.4, 1), (0.05, 0.4)), 8, 65536, (0.04, 0.07)),
        ('ibot_vit-s16_wt-venice', 100, ((0.25, 1), (0.05, 0.25)), 10, 8192, (0.04, 0.07)),
    ],
)
def test_published_settings(name, epochs, areas, local, prototypes, teacher):
    (file,) = (f for f in LARGE if f.name.startswith(name))
    assert file.stem == f'{name}_224x224_{epochs}e'
    cfg = Config.fromfile(file)
    assert scales(cfg) == [(224, areas[0])] * 2 + [(96, areas[1])] * local
    colours = ['RandomFlip', 'RandomApply', 'RandomGrayscale', 'GaussianBlur']
    views = cfg.train_dataloader.dataset.pipeline[0].pipelines
    assert [names(v) for v in views] == [colours, [*colours, 'Solarize'], *[colours] * local]
    assert [v[4].prob for v in views] == [1.0, 0.1] + [0.5] * local
    model = cfg.model
    head = model.head
    assert (head.out_channels, head.hid_channels, head.bottleneck_channels) == (
        prototypes,
        2048,
        256,
    )
    assert head.norm_last_layer == ('r50' in name)
    assert (model.momentum, model.temperature) == (0.996, 0.1)
    assert tuple(model.teacher_temperature) == teacher
    assert model.get('warmup', 0) == (0 if 'r50' in name else 30 / epochs)
    optimizer, warmup, cosine = cfg.optim_wrapper.optimizer, *cfg.param_scheduler[:2]
    assert cfg.optim_wrapper.clip_grad.max_norm == 3
    assert cfg.processes * cfg.train_dataloader.batch_size == 256
    assert (warmup.end, cosine.end, cosine.T_max) == (10, epochs, epochs - 10)
    assert cosine.eta_min == 1e-6 and cfg.train_cfg.max_epochs == epochs
    if 'r50' in name:
        assert (optimizer.type, optimizer.lr, optimizer.weight_decay) == ('SGD', 0.03, 1e-4)
        assert len(cfg.param_scheduler) == 2
    else:
        assert (optimizer.type, optimizer.lr, optimizer.weight_decay) == ('AdamW', 5e-4, 0.04)
        decay = cfg.param_scheduler[2]
        assert (decay.eta_min, decay.end, decay.T_max) == (0.4, epochs, epochs)
    freeze = next(hook for hook in cfg.custom_hooks if hook.type == 'FreezeHook')
    assert (freeze.part, freeze.end) == ('head.last_layer', 1)


@pytest.fixture(scope='module')
def videos(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp('videos')
    write_video(root / '0.mp4', num_frames=20)
    return root


@pytest.mark.parametrize('file', FILES, ids=lambda file: file.stem)
def test_config_steps(file, videos):
    """Its own views, masks, optimizer and schedules; networks and prototypes smaller."""
    register_all_modules()
    torch.manual_seed(0)
    cfg = Config.fromfile(file)
    cfg.model.head.update(out_channels=64, hid_channels=32)
    if 'vit-s16' in file.name:
        cfg.model.backbone.arch = dict(
            embed_dims=24, num_layers=2, num_heads=2, feedforward_channels=24
        )
        cfg.model.head.in_channels = 24
    elif 'r50' in file.name:
        cfg.model.backbone.update(stem_channels=8, base_channels=8)
        cfg.model.head.in_channels = 256
    data = dict(
        type='FramePairDataset',
        data_root=str(videos),
        index_cache=str(videos / 'index'),
        delta=(3, 8),
        pipeline=cfg.train_dataloader.dataset.pipeline,
    )
    with DefaultScope.overwrite_default_scope('poodle_mm'):
        dataset = DATASETS.build(data)
        model = MODELS.build(cfg.model).train()
        model.init_weights()
        optimizer = build_optim_wrapper(model, cfg.optim_wrapper)
    model.target.total_steps = 10
    batch = default_collate([dataset[0, 0], dataset[1, 0]])
    assert [view.shape[-1] for view in batch['inputs']] == [scale for scale, _ in scales(cfg)]
    networks = model.online, model.target.module
    before = [[p.clone() for p in network.parameters()] for network in networks]
    logged = model.train_step(batch, optimizer)
    model.update_target()
    assert all(torch.isfinite(value) for value in logged.values())
    assert 0 < logged['information'] < 1
    for network, old in zip(networks, before):
        moved = [not torch.equal(a, b) for a, b in zip(old, network.parameters(), strict=True)]
        assert sum(moved) > (0.8 * len(moved) if network is networks[0] else 1)
    with DefaultScope.overwrite_default_scope('poodle_mm'):
        for scheduler in cfg.param_scheduler:
            scheduler.pop('convert_to_iter_based', None)
            PARAM_SCHEDULERS.build(scheduler, default_args=dict(optimizer=optimizer))


def test_small_ones_are_of_one_size():
    """The ViT is as large as the ResNet, and all see as many frames as BYOL."""
    byol = Config.fromfile(CONFIGS / 'byol' / 'byol_r18_scenes_128x128.py')
    sizes = []
    for file in set(FILES) - set(LARGE):
        cfg = Config.fromfile(file)
        backbone = MODELS.build(cfg.model.backbone)
        sizes.append(sum(p.numel() for p in backbone.parameters()))
        assert cfg.train_cfg == byol.train_cfg
        assert cfg.train_dataloader.batch_size == byol.train_dataloader.batch_size
        local = 64 if '_r18_' in file.name else 48
        assert [side for side, _ in scales(cfg)] == [128] * 2 + [local] * 4
    assert max(sizes) / min(sizes) < 1.03
