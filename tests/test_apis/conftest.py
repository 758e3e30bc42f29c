"""A tiny pretraining checkpoint, and frames that are easy to tell apart."""

from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config

from poodle_mm.apis import load_encoder
from poodle_mm.registry import MODELS
from tests.test_models.tiny import tiny_config


def save_checkpoint(path: Path, **overrides) -> Path:
    """What MMEngine writes of a PooDLe whose batch norms have seen something."""
    cfg = Config(dict(default_scope='poodle_mm', model=tiny_config(**overrides)))
    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    model.init_weights()
    with torch.no_grad():
        for name, value in model.state_dict().items():
            if value.is_floating_point():  # also biases and statistics; online unlike target
                value.add_(0.05 * torch.rand_like(value) * (2 if 'target' in name else 1))
    torch.save(dict(meta=dict(cfg=cfg.pretty_text), state_dict=model.state_dict()), path)
    return path


@pytest.fixture(scope='session')
def checkpoint(tmp_path_factory) -> Path:
    """ResNet-18 of an eighth of the width with batch norm and decoder."""
    norm_cfg = dict(type='BN')
    cfg = tiny_config()
    return save_checkpoint(
        tmp_path_factory.mktemp('checkpoint') / 'tiny.pth',
        backbone=cfg['backbone'] | dict(norm_cfg=norm_cfg),
        neck=cfg['neck'] | dict(norm_cfg=norm_cfg),
    )


@pytest.fixture(scope='session')
def encoder(checkpoint):
    """Encoder and decoder of the tiny checkpoint."""
    return load_encoder(checkpoint)


def noise(height: int = 64, width: int = 96, seed: int = 0) -> np.ndarray:
    """uint8 (H, W, 3) of blurred noise."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (height // 8, width // 8, 3), dtype=np.uint8)
    return coarse.repeat(8, 0).repeat(8, 1)


def assert_same_map(found: torch.Tensor, expected: torch.Tensor) -> None:
    """Equal up to rounding, which grows with the largest value."""
    scale = expected.abs().max().item()
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5 * scale)
