"""Other projects' files load in every way: by us, and by MMEngine through ``init_cfg``."""

import argparse

import pytest
import torch
from mmpretrain.models import ResNet

from poodle_mm import apis
from poodle_mm.checkpoints import load_file, read_checkpoint, state_dict_of
from poodle_mm.checkpoints.encoder_checkpoint import check_pretrained
from poodle_mm.checkpoints.files import name_children

NARROW = dict(depth=18, stem_channels=8, base_channels=8)
NUMBERS = dict(conv1='0', bn1='1', layer1='4', layer2='5', layer3='6', layer4='7')


@pytest.fixture(scope='module')
def state() -> dict:
    torch.manual_seed(0)
    return ResNet(**NARROW).state_dict()


def under(prefix: str, state: dict) -> dict:
    return {prefix + k: v for k, v in state.items()}


def numbered(prefix: str, state: dict) -> dict:
    """As ``Sequential(*resnet.children())`` names them."""
    parts = {k: k.split('.', 1) for k in state}
    return {f'{prefix}{NUMBERS[first]}.{rest}': state[k] for k, (first, rest) in parts.items()}


LAYOUTS = {
    'plain': lambda s: s,
    'MoCo': lambda s: dict(
        arch='x',
        state_dict={**under('module.encoder_q.', s), **under('module.encoder_k.', zeros(s))},
    ),
    'PixPro': lambda s: dict(
        opt=argparse.Namespace(lr=1),
        model={**under('module.encoder.', s), **under('module.encoder_k.', zeros(s))},
    ),
    'DINO': lambda s: dict(
        student=under('module.backbone.', zeros(s)),
        teacher=under('backbone.', s),
        args=argparse.Namespace(),
    ),
    'Barlow Twins': lambda s: dict(epoch=1, model=under('module.backbone.', s)),
    'SwAV': lambda s: dict(state_dict=under('module.', s)),
    'VISSL': lambda s: dict(
        phase_idx=1,
        classy_state_dict=dict(
            base_model=dict(
                model=dict(trunk=under('_feature_blocks.', s), heads={'0.weight': torch.ones(2)})
            )
        ),
    ),
    'lightly': lambda s: dict(
        state_dict={**numbered('backbone.', s), **numbered('backbone_momentum.', zeros(s))},
        hyper_parameters=argparse.Namespace(),
    ),
}


def zeros(state: dict) -> dict:
    return {k: torch.zeros_like(v) for k, v in state.items()}


@pytest.mark.parametrize('name', LAYOUTS)
def test_every_way_of_loading(tmp_path, state, name):
    path = str(tmp_path / 'checkpoint.pth')
    torch.save(LAYOUTS[name](state), path)
    found = read_checkpoint(path)
    encoder = apis.load_encoder(path).backbone
    cfg = found.init_cfg()
    by_mmengine = ResNet(**NARROW, init_cfg=cfg)
    by_mmengine.init_weights()
    check_pretrained(by_mmengine, equal=True)
    for key, value in state.items():
        assert torch.equal(encoder.state_dict()[key], value), key
        assert torch.equal(by_mmengine.state_dict()[key], value), key


def test_numbers_of_other_networks_stay(state):
    """A stem of three channels alone is no ResNet."""
    other = {'0.weight': torch.ones(8, 3, 3, 3), '1.weight': torch.ones(8), 'x.4.y': torch.ones(1)}
    assert list(name_children(other)) == list(other)
    named = name_children({**numbered('a.', state), 'head.0.weight': torch.ones(2, 2)})
    assert list(named) == [*under('a.', state), 'head.0.weight']


def test_file_without_tensors_says_what_it_has(tmp_path):
    path = tmp_path / 'x.pth'
    torch.save(dict(epoch=3, network=dict(module=dict(w=torch.ones(1)))), path)
    with pytest.raises(ValueError, match=r'x\.pth holds no tensors; it has epoch, network'):
        state_dict_of(load_file(path), path)
