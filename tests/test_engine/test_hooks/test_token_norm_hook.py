"""Norms and ranks are logged, a huge token is seen under a final norm, training is not changed."""

import pytest
import torch

from poodle_mm.engine.hooks.token_norm_hook import TokenNormHook, look_at_tokens
from poodle_mm.registry import MODELS, register_all_modules
from poodle_mm.utils.modules import map_before_norm
from tests.test_engine.toy_pairs import toy_config, toy_vit

NAMES = {
    'token_norm', 'token_norm_peak', 'token_norm_outliers', 'rank_features', 'rank_dense',
}  # fmt: skip


def test_logs_and_leaves_the_training_alone(make_runner):
    plain = make_runner('plain', **toy_vit())
    plain.train()
    watched = make_runner('watched', **toy_vit())
    watched.register_hook(TokenNormHook(interval=3, num=2))
    watched.train()
    for name, value in plain.model.state_dict().items():
        assert torch.equal(value, watched.model.state_dict()[name]), name
    scalars = watched.message_hub.log_scalars
    for name in NAMES:
        assert len(scalars[f'train/{name}'].data[0]) == 3  # iterations 1, 3 and 6


@pytest.mark.parametrize('final_norm', [True, False])
def test_a_huge_token_is_seen_though_a_norm_follows(final_norm):
    register_all_modules()
    torch.manual_seed(0)
    cfg = toy_config('unused', **toy_vit()).model
    cfg.backbone.final_norm = final_norm
    model = MODELS.build(cfg)
    model.init_weights()
    frames = torch.randint(0, 256, (2, 2, 3, 64, 64), dtype=torch.uint8)
    before = look_at_tokens(model, frames)
    assert set(before) == NAMES and before['token_norm_outliers'] == 0
    with torch.no_grad():
        model.backbone.pos_embed[0, 5] += 50.0 * torch.randn(24)
    after = look_at_tokens(model, frames)
    assert after['token_norm_peak'] > 5 * before['token_norm_peak']
    assert after['token_norm_outliers'] > 0
    assert model.backbone.final_norm is final_norm
    images = torch.randn(1, 3, 32, 32)
    same = torch.equal(map_before_norm(model.backbone, images), model.backbone(images)[-1])
    assert same != final_norm
