"""Two steps of a config, small enough for a test."""

import math

from mmengine.config import Config
from mmengine.runner import Runner


def train_two_steps(cfg: Config, scenes, tmp_path) -> Runner:
    """Two pairs a step from the scenes' videos, in the Runner; the recipe is the config's."""
    cfg.work_dir = str(tmp_path)
    cfg.experiment_name = tmp_path.name
    loader = cfg.train_dataloader
    loader.update(batch_size=2, num_workers=0, persistent_workers=False, pin_memory=False)
    if loader.sampler.get('parts', 1) > 1:  # of two videos
        loader.sampler.parts = loader.dataset.repeats = 2
        loader.batch_size = 1
    for dataset in loader.dataset.get('datasets', [loader.dataset]):
        dataset.update(data_root=str(scenes), data_prefix=dict(path='videos/train'))
        dataset.update(source='videos', index_cache=str(scenes / 'index'))
        if dataset.get('delta_unit') == 'frames':
            dataset.delta = (5, 10)  # of 24 frames at 10 a second
        if dataset.source == 'clips':
            dataset.update(clip_seconds=2, pairs_per_clip=4)
    cfg.train_cfg = dict(type='IterBasedTrainLoop', max_iters=2)
    cfg.default_hooks = dict(checkpoint=None, sampler_seed=None, logger=None)
    cfg.visualizer = dict(type='mmengine.Visualizer')
    cfg.param_scheduler = None
    cfg.log_level = 'ERROR'
    runner = Runner.from_cfg(cfg)
    runner.train()
    assert math.isfinite(runner.message_hub.get_scalar('train/loss').current())
    return runner


def tiny_images(cfg: Config) -> Config:
    """The same parts, narrow, on small views."""
    model, size = cfg.model, 32
    model.backbone.pop('init_cfg', None)
    if model.type == 'MAE':
        size, patch = 4 * model.backbone.patch_size, model.backbone.patch_size
        arch = dict(embed_dims=16, num_layers=1, num_heads=2, feedforward_channels=32)
        model.backbone.update(arch=arch, img_size=size)
        model.neck.update(num_patches=16, embed_dim=16, decoder_embed_dim=16, decoder_depth=1)
        model.neck.update(decoder_num_heads=2, patch_size=patch)
    else:
        model.backbone.update(stem_channels=8, base_channels=8)
        last = 8 * (32 if model.backbone.depth == 50 else 8)
        if model.type != 'PixPro':
            model.neck.in_channels = last
        elif model.get('neck'):
            model.neck.in_channels = (last // 4, last // 2, last)
        else:
            model.dense_head.in_channels = last
    if 'queue_len' in model:
        model.queue_len = 8
    for pipeline in cfg.train_dataloader.dataset.pipeline[0].pipelines:
        square = not isinstance(pipeline[0].scale, (tuple, list))
        pipeline[0].scale = size if square else (size, 2 * size)
    return cfg
