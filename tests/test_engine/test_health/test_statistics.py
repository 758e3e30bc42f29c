"""Ranks, place and flow of what a step gave, against cases that are known."""

import pytest
import torch
from torch import nn

from poodle_mm.engine.health.statistics import Observer, step_statistics, warp_gain
from poodle_mm.models.heads.projection import collapse_std, sample_cells


def random(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


def test_a_map_that_knows_only_its_place():
    """The same map for every image: well spread, of full rank, and all of it position."""
    maps = random(1, 16, 8, 16).expand(12, -1, -1, -1)
    assert collapse_std(sample_cells(maps.unflatten(0, (2, -1)))) > 0.9
    found = step_statistics(dict(dense=maps))
    assert found['position_dense'] == pytest.approx(1)
    assert found['rank_dense'] > 14
    found = step_statistics(dict(dense=random(128, 16, 8, 16)))
    assert found['position_dense'] == pytest.approx(0, abs=0.02)


@pytest.mark.parametrize('directions', [1, 3])
def test_vectors_on_few_lines(directions):
    """Unit vectors along one or three axes, forwards and backwards alike."""
    axes = torch.eye(8)[torch.arange(240) % directions]
    vectors = axes * torch.tensor([1.0, -1.0]).repeat_interleave(120)[:, None]
    found = step_statistics(dict(pool=vectors))
    assert found['rank_pool'] == pytest.approx(directions, rel=1e-3)


def test_too_few_vectors_have_no_rank():
    assert step_statistics(dict(pool=random(32, 16))) == {}
    assert 'rank_features' in step_statistics(dict(features=random(8, 9, 16)))  # tokens


def test_of_several_outputs_the_last_map_or_tokens_count():
    """MAE gives tokens, a mask and an order; encoders give maps from fine to coarse."""
    model = nn.Module()
    model.backbone = nn.Identity()
    for outputs, index in (
        ((random(2, 5, 4), random(2, 9), torch.arange(18).view(2, 9)), 0),
        ([random(2, 4, 6, 6), random(2, 8, 3, 3)], 1),
        ((random(6, 4),), 0),
    ):
        observer = Observer(model)
        observer.active = True
        model.backbone(outputs)
        assert torch.equal(observer.seen['features'], outputs[index])
        observer.close()


def test_flow_that_explains_and_that_does_not():
    """Columns that move by three pixels, both ways."""
    frame = random(2, 3, 12, 20).sigmoid()
    frames = torch.stack([frame, frame.roll(3, -1)])
    flow = torch.zeros(2, 2, 2, 12, 20)
    flow[0, :, 0], flow[1, :, 0] = 3, -3
    visible = torch.ones(2, 2, 12, 20, dtype=torch.bool)
    visible[0, ..., -3:] = visible[1, ..., :3] = False
    assert warp_gain(frames, flow, visible) == pytest.approx(1, abs=1e-5)
    assert warp_gain(frames, torch.zeros_like(flow), visible) == pytest.approx(0)
    assert abs(warp_gain(frames, -flow, visible)) < 0.2
    # hidden pixels do not count, whatever they show
    frames[0, ..., -3:] = frames[1, ..., :3] = 0.5
    assert warp_gain(frames, flow, visible) == pytest.approx(1, abs=1e-5)
    assert warp_gain(frames, flow, torch.zeros_like(visible)) is None
    assert warp_gain(frame.expand(2, -1, -1, -1, -1), flow, visible) is None


def test_observer_keeps_only_when_asked_and_ends():
    """Of a network with a target: its projections; of others: the encoder's larger output."""
    model = nn.Module()
    model.backbone = nn.Linear(4, 4)
    model.target = nn.Module()
    model.target.module = nn.ModuleDict(dict(dense_projector=nn.Conv2d(4, 2, 1)))
    observer = Observer(model)
    maps = random(2, 4, 3, 3)
    model.target.module['dense_projector'](maps)
    assert observer.seen == {}
    observer.active = True
    output = model.target.module['dense_projector'](maps)
    model.backbone(random(9, 4))
    assert list(observer.seen) == ['dense'] and torch.equal(observer.seen['dense'], output)
    assert not observer.seen['dense'].requires_grad
    observer.close()
    model.target.module['dense_projector'](maps)
    assert observer.seen == {}
    del model.target
    observer = Observer(model)
    observer.active = True
    large = model.backbone(random(9, 4))
    model.backbone(random(3, 4))
    assert torch.equal(observer.seen['features'], large)
