"""A PooDLe small enough for unit tests, and views of random content for it."""

import torch

from poodle_mm.registry import MODELS


def tiny_config(**overrides) -> dict:
    """ResNet-18 of an eighth of the width with group norm, so that samples do not interact."""
    norm_cfg = dict(type='GN', num_groups=4)
    cfg = dict(
        type='PooDLe',
        backbone=dict(
            type='mmpretrain.ResNet',
            depth=18,
            base_channels=8,
            stem_channels=8,
            out_indices=(1, 2, 3),
            norm_cfg=norm_cfg,
        ),
        neck=dict(type='SpatialDecoderModule', in_channels=[16, 32, 64], norm_cfg=norm_cfg),
        dense_head=dict(
            type='DenseFlowHead',
            in_channels=64,
            hidden_channels=32,
            out_channels=16,
            norm_cfg=norm_cfg,
        ),
        pooled_head=dict(
            type='PooledHead',
            in_channels=64,
            hidden_channels=32,
            out_channels=16,
            norm_cfg=norm_cfg,
        ),
    )
    cfg.update(overrides)
    return cfg


def tiny_model(seed: int = 0, **overrides):
    """Build and initialise :func:`tiny_config`."""
    torch.manual_seed(seed)
    model = MODELS.build(tiny_config(**overrides))
    model.init_weights()
    return model


def random_views(batch: int = 2, size=(64, 128), num: int = 3, seed: int = 0) -> dict:
    """Views as the preprocessor makes them, with smooth small flows and all pixels visible."""
    gen = torch.Generator().manual_seed(seed)
    height, width = size
    identity = torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    return dict(
        dense=torch.randn(2, batch, 3, height, width, generator=gen),
        affine=identity.expand(2, batch, 2, 3).clone(),
        flow=torch.randn(2, batch, 2, 1, 1, generator=gen).expand(2, batch, 2, height, width) * 3,
        visible=torch.ones(2, batch, height, width, dtype=torch.bool),
        subcrops=torch.randn(2, 2, batch, num, 3, 32, 32, generator=gen),
        fallback=torch.zeros(2, batch, num, dtype=torch.bool),
    )
