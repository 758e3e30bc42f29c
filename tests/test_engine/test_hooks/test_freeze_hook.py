"""A part that takes no step while training starts."""

import pytest
import torch
from mmengine.hooks import Hook

from poodle_mm.engine import FreezeHook

PART = 'pooled_head.predictor'


class Weights(Hook):
    """A weight of the part and one of the rest, after each iteration."""

    def __init__(self) -> None:
        self.values = []

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None) -> None:
        model = runner.model
        self.values.append([p.weight.clone() for p in (model.pooled_head.predictor[0],
                                                       model.backbone.conv1)])  # fmt: skip


@pytest.mark.parametrize(('options', 'steps'), [(dict(end=1), 4), (dict(end=3, by_epoch=False), 3)])
def test_the_part_begins_later(make_runner, options, steps):
    runner, weights = make_runner(), Weights()
    runner.register_hook(FreezeHook(PART, **options))
    runner.register_hook(weights)
    runner.train()
    part, rest = zip(*weights.values)
    assert [torch.equal(w, part[0]) for w in part] == [i < steps for i in range(len(part))]
    assert not torch.equal(rest[0], rest[1])


def test_epochs_of_a_loop_that_has_none(make_runner):
    """MMEngine counts none there: the part would never begin."""
    loop = dict(type='IterBasedTrainLoop', max_iters=2)
    runner = make_runner(train_cfg=loop, param_scheduler=[])
    runner.register_hook(FreezeHook(PART))
    with pytest.raises(ValueError, match=r'FreezeHook.*by_epoch=False'):
        runner.train()


def test_an_unknown_part(make_runner):
    runner = make_runner()
    runner.register_hook(FreezeHook('head.nothing'))
    with pytest.raises(ValueError, match=r"no part 'head\.nothing'"):
        runner.train()
