"""Counted bytes and operations: by hand, and against the same step with numbers."""

import sys
from unittest.mock import patch

import pytest
import torch

from benchmarks.activations import BLOCK, LiveBytes, kept_bytes
from benchmarks.footprint import FakeStep, crop_size, main, size_of
from benchmarks.networks import total_loss
from poodle_mm.engine.config import load_config
from poodle_mm.models.heads import dense_head
from poodle_mm.registry import MODELS

SIZE, BATCH = (64, 128), 2


@pytest.fixture(scope='module')
def demo(repo):
    return load_config(repo / 'configs' / 'demo' / 'poodle_r18_scenes.py')


def test_live_bytes_by_hand():
    """Two tensors at once, a view that adds nothing, one that takes the place of a dead one."""
    x = torch.ones(BLOCK)  # made before: not counted
    with LiveBytes() as bytes_:
        a = x + 1
        b = a * a
        b[:3].add_(1)
        assert (bytes_.live, bytes_.peak) == (8 * BLOCK, 8 * BLOCK)
        del a
        small = x[:1].exp()
        assert (bytes_.live, bytes_.peak) == (4 * BLOCK + BLOCK, 8 * BLOCK)
    del b, small
    assert bytes_.live == 0


def test_a_step_without_numbers_takes_what_the_step_with_numbers_takes(demo):
    """The same forward and backward pass on real tensors, every allocation counted."""
    counted = FakeStep(demo).footprint(BATCH, SIZE)
    fake = FakeStep(demo)
    model = MODELS.build(demo.model).train()
    views = {name: torch.zeros_like(x) for name, x in fake.views(BATCH, SIZE).items()}
    views['dense'].normal_()
    views['subcrops'].normal_()
    static = dense_head.flow_equivariance_loss

    def loss() -> torch.Tensor:
        return total_loss(model(views, mode='loss'))

    def on_the_way_of_gpus(*args, **kwargs):
        return static(*args, **kwargs, static=True)

    with patch.object(dense_head, 'flow_equivariance_loss', on_the_way_of_gpus):
        assert counted.kept == kept_bytes(loss, model.parameters())
        loss().backward()
        with LiveBytes() as step:
            loss().backward()
    assert counted.step == pytest.approx(step.peak, rel=0.01)
    assert counted.step > counted.kept
    trained = sum(p.numel() for p in model.parameters() if p.requires_grad)
    assert (counted.gradients, counted.optimizer) == (4 * trained, 8 * trained)
    assert counted.views == size_of(views.values())


def test_bytes_grow_with_the_batch_and_shrink_with_bfloat16_and_checkpointing(repo):
    cfg = load_config(repo / 'configs' / 'poodle_r50_bdd.py')
    assert crop_size(cfg) == (512, 1024)
    cfg.model.data_preprocessor.flow.num_updates = 1
    size = (128, 256)
    step = FakeStep(cfg)
    one, two = (step.footprint(batch, size) for batch in (1, 2))
    assert two.kept == pytest.approx(2 * one.kept, rel=1e-3)
    assert two.flow > 1.9 * one.flow > 0
    assert two.weights == one.weights
    shared = step.footprint(1, size, processes=2)
    assert shared.total - one.total == shared.gradients - one.gradients == one.gradients
    half = FakeStep(cfg, amp=True).footprint(1, size)
    assert 0.5 * one.kept < half.kept < 0.65 * one.kept  # bfloat16 copies of the weights, too
    assert half.flow == one.flow  # float32 always
    for part in ('backbone', 'neck', 'dense_head'):
        cfg.model[part].with_cp = True
    assert FakeStep(cfg).footprint(1, size).kept < 0.4 * one.kept


def test_operations_of_the_headline_config(repo):
    """Forward GFLOP of docs/performance.md: online three times, target (no predictors) once."""
    cfg = load_config(repo / 'configs' / 'poodle_r50_bdd.py')
    cfg.model.data_preprocessor.flow.num_updates = 1
    step = FakeStep(cfg)
    parts = {name: count / 1e9 for name, count in step.operations((512, 1024)).items()}
    assert parts['encoder'] == pytest.approx(4 * (170.8 + 72.1), rel=1e-3)
    assert parts['SDM'] == pytest.approx(4 * 102.5, rel=1e-3)
    predictor = 2 * 2 * 64 * 128 * (256 * 4096 + 4096 * 256) / 1e9
    assert parts['dense head'] == pytest.approx(4 * 378.0 - predictor, rel=1e-3)
    # A band of dot products of all cells and its two gradients, in both directions.
    assert parts['dense loss'] == pytest.approx(2 * 2 * 2 * (64 * 128) ** 2 * 256 / 1e9, rel=0.01)
    assert parts['flow'] > 0


def test_flow_that_needs_no_gpu_counts_nothing(demo):
    step = FakeStep(demo)
    assert step.operations(SIZE)['flow'] == step.footprint(1, SIZE).flow == 0


def test_the_command_prints_both_tables(repo, monkeypatch, capsys):
    config = str(repo / 'configs' / 'demo' / 'poodle_r18_scenes.py')

    def run(*options: str) -> None:
        monkeypatch.setattr(sys, 'argv', ['footprint', config, *options])
        main()

    run('--batch', '1', '2', '--amp')
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith('| pairs | weights GiB |')
    assert [line[:4] for line in lines[2:4]] == ['| 1 ', '| 2 ']
    assert lines[-1].startswith('| dense loss |')
    with pytest.raises(SystemExit):
        run('--size', '100', '100')
    assert capsys.readouterr().err.startswith('error: a crop of 100x100')
