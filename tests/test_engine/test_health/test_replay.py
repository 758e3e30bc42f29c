"""A saved batch runs again with the same numbers, and says where the first bad one arose."""

import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.structures import BaseDataElement
from torch import nn

from poodle_mm.datasets import FramePairSample
from poodle_mm.engine import HealthHook
from poodle_mm.engine.health.events import read_events
from poodle_mm.engine.health.replay import replay
from poodle_mm.engine.health.saved_batch import (
    from_plain,
    load_batch,
    random_state,
    set_random_state,
    to_plain,
)
from poodle_mm.engine.health.trace import tracing
from tests.test_engine.test_hooks.test_health_hook import Inject


@pytest.fixture
def stopped(make_runner):
    """A function that trains until the hook stops it, and gives the batch's path."""

    def train(inject: str | None = None, **options) -> tuple[Path, dict]:
        runner = make_runner()
        runner.register_hook(HealthHook(**options))
        if inject:
            runner.register_hook(Inject(inject))
        with pytest.raises((RuntimeError, FloatingPointError), match=r'tools/replay\.py'):
            runner.train()
        (event,) = read_events(runner.work_dir)
        return Path(runner.work_dir, event['batch']), event

    return train


def test_the_same_losses_to_the_last_bit(stopped):
    """Stopped by a look, after the weights had moved on."""
    path, event = stopped(
        interval=2, patience=3, limits=dict(position=-1.0, rank=None), stop_on=['position']
    )
    assert (event['iter'], event['level'], path.name) == (6, 'error', 'iter_000006_position.pth')
    saved = torch.load(path, weights_only=True)
    assert saved['checkpoint'] == 'epoch_1.pth' and saved['batch']['inputs'].dtype == torch.uint8
    result = replay(path)
    assert result.exact and result.losses == saved['losses'] and len(result.losses) >= 7
    assert result.statistics['position_dense'] == event['value']
    assert result.trace.outputs == result.trace.gradients == []
    assert result.described().count('the same') == len(result.losses)
    assert [p.name for p in result.pictures] == [f'{path.stem}_0.png', f'{path.stem}_1.png']
    assert all(p.stat().st_size > 10_000 for p in result.pictures)
    other = replay(path, checkpoint=path.parents[1] / 'epoch_1.pth', num=0)
    assert not other.exact and other.losses != saved['losses'] and not other.pictures


def test_a_weight_that_is_not_finite(stopped):
    path, _ = stopped('weight')
    result = replay(path, num=1, out=path.parent / 'pictures')
    (picture,) = result.pictures
    assert picture.parent.name == 'pictures' and picture.exists()
    assert result.exact and math.isnan(result.losses['loss'])
    assert result.trace.outputs[0] == 'backbone.layer1.0.conv1'
    assert result.broken['weights'] == ['backbone.layer1.0.conv1.weight']
    text = result.described()
    assert 'the first that is not finite is of backbone.layer1.0.conv1 ' in text


def test_missing_files_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'none\.pth: no such file; HealthHook'):
        replay(tmp_path / 'none.pth')
    torch.save(dict(state_dict={}), tmp_path / 'other.pth')
    with pytest.raises(ValueError, match='no batch that HealthHook has saved'):
        replay(tmp_path / 'other.pth')
    (tmp_path / 'torn.pth').write_bytes(b'PK\x03\x04')
    with pytest.raises(ValueError, match='damaged or no saved batch'):
        replay(tmp_path / 'torn.pth')


class Evil:
    """Would run a command when it is read as a pickle."""

    def __reduce__(self) -> tuple:
        return subprocess.check_call, ([sys.executable, '-c', 'open("ran", "w")'],)


def test_nothing_is_executed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.save(dict(format='poodle_mm batch 1', batch=Evil()), 'evil.pth')
    with pytest.raises(ValueError, match='damaged or no saved batch'):
        load_batch('evil.pth')
    assert not Path('ran').exists()


def test_batches_as_plain_values(tmp_path):
    """Whatever a collate function gives comes back; what has no place in a file is text."""
    sample = FramePairSample(metainfo=dict(source='a.mp4', frame_ids=(0, 9), scale=np.float32(2)))
    sample.flow = torch.ones(2, 2)
    sample.inner = BaseDataElement(metainfo=dict(seed=7))
    batch = dict(
        inputs=[torch.zeros(2, 3), (1, 2.5, None, True, 'x')],
        data_samples=[sample],
        mask=np.arange(3),
        path=Path('a/b'),
    )
    torch.save(to_plain(batch), tmp_path / 'batch.pth')
    found = from_plain(torch.load(tmp_path / 'batch.pth', weights_only=True))
    assert found['inputs'][1] == batch['inputs'][1] and found['path'] == str(Path('a/b'))
    assert np.array_equal(found['mask'], batch['mask'])
    (again,) = found['data_samples']
    assert type(again) is FramePairSample and again.metainfo == dict(sample.metainfo, scale=2.0)
    assert torch.equal(again.flow, sample.flow) and again.inner.seed == 7


def test_generators_are_put_back():
    state = random_state()
    before = torch.rand(3), np.random.rand(3)  # noqa: NPY002
    set_random_state(state)
    assert torch.equal(torch.rand(3), before[0])
    assert np.array_equal(np.random.rand(3), before[1])  # noqa: NPY002


def test_the_first_bad_gradient_is_the_last_layers():
    """sqrt at 0: its output is finite, the gradient that it sends back is not."""

    class Root(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x.sqrt()

    model = nn.Sequential(nn.Linear(2, 2), nn.ReLU(inplace=True), Root(), nn.Linear(2, 1))
    nn.init.constant_(model[0].weight, -1.0)
    nn.init.zeros_(model[0].bias)
    with tracing(model) as trace:
        model(torch.ones(1, 2)).sum().backward()
    # of the output of module 1, which is what entered the root
    assert trace.outputs == [] and trace.gradients[0] == '1'
    with tracing(model) as trace:
        model(torch.full((1, 2), math.nan))
    assert trace.outputs == ['0', '1', '2', '3']
