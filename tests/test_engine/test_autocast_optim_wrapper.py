"""bfloat16: products are rounded, weights and losses are not."""

import pytest
import torch
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from torch import nn

from poodle_mm.engine.autocast_optim_wrapper import BFloat16OptimWrapper
from poodle_mm.engine.train import build_runner, training_config
from poodle_mm.registry import OPTIM_WRAPPERS
from tests.test_engine.toy_pairs import toy_config


def test_products_are_bfloat16_and_weights_float32():
    """1 + 2^-9 does not exist in bfloat16: the product of the layer is exactly 1."""
    layer = nn.Linear(1, 1, bias=False)
    nn.init.constant_(layer.weight, 1 + 2**-9)
    optimizer = torch.optim.SGD(layer.parameters(), lr=1.0)
    wrapper = BFloat16OptimWrapper(optimizer)
    with wrapper.optim_context(layer):
        out = layer(torch.ones(1, 1))
    assert out.dtype == torch.bfloat16 and out.item() == 1
    assert layer(torch.ones(1, 1)).item() == 1 + 2**-9
    wrapper.update_params(out.float().sum())
    assert layer.weight.dtype == torch.float32
    assert layer.weight.item() == pytest.approx(2**-9)


def test_found_by_name():
    init_default_scope('poodle_mm')
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
    wrapper = OPTIM_WRAPPERS.build(dict(type='BFloat16OptimWrapper', optimizer=optimizer))
    assert isinstance(wrapper, BFloat16OptimWrapper)


@pytest.mark.slow
def test_training_follows_float32(tmp_path):
    """Eight steps of the toy run: losses agree to 5 %, their mean to 1 %, moves in direction."""
    runs = {}
    for amp in (None, 'bfloat16'):
        path = tmp_path / f'{amp}.py'
        toy_config(tmp_path / str(amp), experiment_name=f'{tmp_path.name}-{amp}').dump(path)
        runner: Runner = build_runner(training_config(path, amp=amp))
        before = runner.model.backbone.conv1.weight.detach().clone()
        losses = []
        model = runner.model
        step = model.train_step

        def noting(data, optim_wrapper, step=step, losses=losses):
            values = step(data, optim_wrapper)
            losses.append(values['loss'].item())
            return values

        model.train_step = noting
        runner.train()
        moved = (runner.model.backbone.conv1.weight - before).detach().flatten()
        runs[amp] = torch.tensor(losses), moved
    (plain, move), (mixed, mixed_move) = runs.values()
    assert len(plain) == 8 and plain.dtype == mixed.dtype == torch.float32
    assert not torch.equal(plain, mixed)
    torch.testing.assert_close(mixed, plain, rtol=5e-2, atol=0)
    torch.testing.assert_close(mixed.mean(), plain.mean(), rtol=1e-2, atol=0)
    assert torch.cosine_similarity(move, mixed_move, dim=0) > 0.9
