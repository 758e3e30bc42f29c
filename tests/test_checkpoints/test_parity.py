"""A full ResNet-50 under the authors' names gives the numbers of the authors' own network.

The reference lies beside the test data: samples of their maps for weights that anybody can fill in
from the tensors' names.
"""

import re
import zlib

import numpy as np
import pytest
import torch
from torch import Tensor
from torchvision.models import resnet50

from poodle_mm.checkpoints import convert_state, release_model
from poodle_mm.registry import MODELS
from tests.test_parity.filler import value

CHANNELS, HIDDEN, OUT = 2048, 4096, 256


def mlp_shapes(name: str, channels: int) -> dict[str, tuple]:
    return {
        f'{name}.0.weight': (HIDDEN, channels, 1, 1),
        f'{name}.0.bias': (HIDDEN,),
        **norm_shapes(f'{name}.1', HIDDEN),
        f'{name}.3.weight': (OUT, HIDDEN, 1, 1),
        f'{name}.3.bias': (OUT,),
    }


def norm_shapes(name: str, channels: int) -> dict[str, tuple]:
    vectors = ('weight', 'bias', 'running_mean', 'running_var')
    return {f'{name}.{k}': (channels,) for k in vectors} | {f'{name}.num_batches_tracked': ()}


def network_shapes() -> dict[str, tuple]:
    """Names and shapes of one of the authors' two networks, without predictors."""
    with torch.device('meta'):
        state = resnet50().state_dict()
    shapes = {f'backbone.{k}': tuple(v.shape) for k, v in state.items() if not k.startswith('fc.')}
    width = CHANNELS // 8
    for i, lateral in enumerate((1024, 512)):
        block = f'decoder_blocks.{i}'
        shapes |= {
            f'{block}.conv1.weight': (width, CHANNELS, 1, 1),
            f'{block}.conv2.weight': (width, width, 3, 3),
            f'{block}.conv3.weight': (CHANNELS, width, 1, 1),
            **norm_shapes(f'{block}.bn1', width),
            **norm_shapes(f'{block}.bn2', width),
            **norm_shapes(f'{block}.bn3', CHANNELS),
            f'decoder_laterals.{i}.weight': (CHANNELS, lateral, 1, 1),
            f'decoder_laterals.{i}.bias': (CHANNELS,),
        }
    return (
        shapes | mlp_shapes('dense_projector', CHANNELS) | mlp_shapes('pooled_projector', CHANNELS)
    )


def their_shapes() -> dict[str, tuple]:
    """All tensors of the authors' PooDLe with a ResNet-50."""
    shapes = network_shapes()
    teacher = {f'teacher_{k}': v for k, v in shapes.items()}
    predictors = mlp_shapes('dense_predictor', OUT) | mlp_shapes('pooled_predictor', OUT)
    return shapes | predictors | teacher


def neutral(key: str) -> str:
    """The name by which the reference filled a tensor of the authors'."""
    key = re.sub('^teacher_', 'target.', key)
    key = re.sub(r'decoder_blocks\.(\d)\.', r'sdm.\1.block.', key)
    key = re.sub(r'decoder_laterals\.(\d)\.', r'sdm.\1.lateral.', key)
    return re.sub('(dense|pooled)_', r'\1.', key)


def filled(key: str, shape: tuple) -> Tensor:
    """The reference's numbers of a tensor of the authors'."""
    return value(neutral(key), shape)


@pytest.fixture(scope='module')
def reference(request):
    """Arrays of the authors' network: ``oracles/parity.npz`` beside the folder of test data."""
    path = request.getfixturevalue('test_data').parent / 'oracles' / 'parity.npz'
    if not path.is_file():
        pytest.skip(f'no reference numbers at {path}')
    return {key: torch.from_numpy(value) for key, value in np.load(path).items()}


def build(state: dict[str, Tensor]):
    """Our model with the converted tensors."""
    converted = convert_state(state)
    model = MODELS.build(release_model(converted))
    steps = {'target.steps': torch.tensor(0)}
    model.load_state_dict(converted | steps, strict=True, assign=True)
    return model.eval()


def test_forward_equals_the_authors(reference):
    """Encoder, decoder and prediction; the networks that this path does not use stay zero."""
    used = re.compile('backbone|decoder|dense')
    state = {
        k: torch.zeros((), dtype=torch.long)
        if k.endswith('num_batches_tracked')
        else (filled(k, s) if used.match(k) else torch.zeros(()).expand(s))
        for k, s in their_shapes().items()
    }
    model = build(state)
    with torch.no_grad():
        feats = model.backbone(reference['frames'])
        dense = model.neck(feats)[-1]
        prediction = model.dense_head.predict(dense)
    for name, found, step in (
        ('eval_layer4', feats[-1], 64),
        ('eval_sdm', dense, 32),
        ('eval_prediction', prediction, 8),
    ):
        expected = reference[name]
        error = (found[:, ::step] - expected).norm() / expected.norm()
        assert error < 1e-5, (name, error)


def test_the_teacher_goes_to_the_target():
    """Each of the teacher's tensors, by a number of its own, in the full architecture."""
    shapes = their_shapes()
    state = {
        k: torch.tensor(float(zlib.crc32(k.encode()) % 9973)).expand(s) for k, s in shapes.items()
    }
    converted = convert_state(state)
    assert len(converted) == len(shapes)
    for theirs, ours in (
        ('teacher_backbone.layer4.2.bn3.running_var', 'backbone.layer4.2.bn3.running_var'),
        ('teacher_decoder_blocks.1.conv2.weight', 'neck.blocks.1.block.conv2.weight'),
        ('teacher_decoder_laterals.0.bias', 'neck.blocks.0.lateral.bias'),
        ('teacher_dense_projector.3.weight', 'dense_projector.3.weight'),
        ('teacher_pooled_projector.3.weight', 'pooled_projector.mlp.3.weight'),
    ):
        found = converted[f'target.module.{ours}']
        assert torch.equal(found.flatten(), state[theirs].flatten()), theirs
