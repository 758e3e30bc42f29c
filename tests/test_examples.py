"""The example without MMEngine's Runner: its loss is PooDLe's, it learns, it runs."""

import importlib.util
import math
import re
import subprocess
import sys
from copy import deepcopy
from types import ModuleType

import pytest
import torch
from torchvision.models import resnet18

from poodle_mm.registry import MODELS
from tests.test_datasets.video_factory import write_video
from tests.test_models.tiny import random_views


@pytest.fixture(scope='module')
def example(repo) -> ModuleType:
    file = repo / 'examples' / 'plain_pytorch.py'
    spec = importlib.util.spec_from_file_location(file.stem, file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def model(example):
    torch.manual_seed(0)
    return example.PlainPooDLe('resnet18', steps=20)


def total(losses: dict[str, torch.Tensor]) -> torch.Tensor:
    return losses['loss_dense'] + losses['loss_pool']


def test_the_loss_is_that_of_poodle(model):
    """On given views and weights, with mmpretrain's encoder and a target of other weights."""
    torch.manual_seed(1)
    for parameter in model.target.parameters():
        parameter.data += 0.01 * torch.randn_like(parameter)
    heads = dict(in_channels=512)
    other = MODELS.build(
        dict(
            type='PooDLe',
            backbone=dict(type='mmpretrain.ResNet', depth=18, out_indices=(1, 2, 3)),
            neck=dict(type='SpatialDecoderModule', in_channels=[128, 256, 512]),
            dense_head=dict(type='DenseFlowHead', **heads),
            pooled_head=dict(type='PooledHead', **heads),
        )
    )
    target, names = other.target.module, dict(dense='dense_projector', pooled='pooled_projector')
    for ours, theirs in (
        (model.encoder, other.backbone),
        (model.decoder, other.neck),
        (model.dense, other.dense_head),
        (model.pooled, other.pooled_head),
        (model.target.module['encoder'], target['backbone']),
        (model.target.module['decoder'], target['neck']),
        *((model.target.module[name], target[names[name]]) for name in names),
    ):
        theirs.load_state_dict(ours.state_dict())
    views = random_views(num=6)
    views['visible'][:, :, 10:30, 5:60] = False
    expected = other.train().loss(views)
    found = model.train()(views)
    for name, value in found.items():
        torch.testing.assert_close(value, expected[name], rtol=1e-5, atol=1e-6)
    assert {'loss_dense', 'loss_pool'} <= found.keys()


def test_every_parameter_gets_a_gradient_and_the_loss_falls(example, model):
    """Ten steps on the same views."""
    views = random_views()
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], 1e-3)
    before = deepcopy(model.target.module['encoder'].conv1.weight)
    values = []
    for _ in range(10):
        loss = total(model(views))
        optimizer.zero_grad()
        loss.backward()
        missing = [n for n, p in model.named_parameters() if p.requires_grad and p.grad is None]
        assert not missing
        assert all(p.grad is None for p in model.target.parameters())
        assert all(p.grad.abs().sum() > 0 for p in model.encoder.parameters())
        optimizer.step()
        model.target.update_parameters(model.averaged())
        values.append(loss.item())
    assert all(map(math.isfinite, values))
    assert values[-1] < 0.8 * values[0]
    assert model.target.step_count == 10
    assert not torch.equal(model.target.module['encoder'].conv1.weight, before)


def test_from_two_clips_to_an_encoder(repo, tmp_path):
    """As its docstring has it, in a folder with a space in its name."""
    videos, out = tmp_path / 'my videos', tmp_path / 'encoder.pth'
    for name in ('a', 'b'):
        write_video(videos / f'{name}.mp4', num_frames=40)
    command = [sys.executable, repo / 'examples' / 'plain_pytorch.py', videos, out, '--batch', '2']
    options = ['--network', 'resnet18', '--size', '64', '128', '--steps', '3']
    result = subprocess.run([*command, *options], cwd=tmp_path, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr[-3000:]
    found = re.findall(r'^(\d) loss_dense (\S+) .*loss_pool (\S+)', result.stdout, flags=re.M)
    assert [step for step, *_ in found] == ['1', '2', '3']
    assert all(0 < float(value) < 8 for _, *values in found for value in values)
    encoder = resnet18()
    missing, unexpected = encoder.load_state_dict(torch.load(out), strict=False)
    assert (missing, unexpected) == (['fc.weight', 'fc.bias'], [])
