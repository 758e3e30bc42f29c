"""Encoders start from checkpoints completely or not at all."""

import pytest
import torch

from poodle_mm.registry import MODELS
from tests.test_models.tiny import tiny_config, tiny_model


def backbone_cfg(checkpoint, **kwargs) -> dict:
    init_cfg = dict(type='Pretrained', checkpoint=str(checkpoint), **kwargs)
    return tiny_config()['backbone'] | dict(init_cfg=init_cfg)


def test_own_checkpoint_and_target(tmp_path):
    source = tiny_model(seed=1)
    torch.save(dict(state_dict=source.state_dict()), tmp_path / 'ours.pth')
    model = tiny_model(seed=2, backbone=backbone_cfg(tmp_path / 'ours.pth', prefix='backbone.'))
    for key, value in source.backbone.state_dict().items():
        assert torch.equal(model.backbone.state_dict()[key], value)
        assert torch.equal(model.target.module['backbone'].state_dict()[key], value)


def test_torchvision_keys_with_a_classifier(tmp_path):
    state = tiny_model(seed=1).backbone.state_dict()
    torch.save(state | {'fc.weight': torch.zeros(1000, 64)}, tmp_path / 'plain.pth')
    model = tiny_model(seed=2, backbone=backbone_cfg(tmp_path / 'plain.pth'))
    assert torch.equal(model.backbone.conv1.weight, state['conv1.weight'])


def test_missing_prefix_is_an_error(tmp_path):
    torch.save(dict(state_dict=tiny_model().state_dict()), tmp_path / 'ours.pth')
    with pytest.raises(
        ValueError, match=r'(?s)ours\.pth does not fit.*missing .*conv1\.weight.*prefix'
    ):
        tiny_model(backbone=backbone_cfg(tmp_path / 'ours.pth'))


def test_another_width_is_an_error(tmp_path):
    wide = MODELS.build(tiny_config()['backbone'] | dict(stem_channels=16))
    torch.save(wide.state_dict(), tmp_path / 'wide.pth')
    with pytest.raises(
        ValueError, match=r'conv1\.weight \(16, 3, 7, 7\) instead of \(8, 3, 7, 7\)'
    ):
        tiny_model(backbone=backbone_cfg(tmp_path / 'wide.pth'))
