"""The authors' names and ours: both networks, both layouts, to the last tensor."""

import pytest
import torch

from poodle_mm.checkpoints import convert_state, is_release, release_model
from poodle_mm.registry import MODELS
from tests.test_checkpoints.authors import TINY_POODLE, their_state, tiny_model

DILATED = dict(strides=(1, 2, 1, 1), dilations=(1, 1, 2, 4))


def flowe_model(seed: int = 0):
    """A FlowE of ours: no decoder, no pooled head, first layers without bias."""
    head = dict(TINY_POODLE['dense_head'], hidden_bias=False)
    backbone = dict(TINY_POODLE['backbone'], out_indices=(3,))
    return tiny_model(seed, backbone=backbone, neck=None, pooled_head=None, dense_head=head)


def assert_same_tensors(found, expected) -> None:
    assert found.keys() == expected.keys()
    for key, value in expected.items():
        assert found[key].shape == value.shape and torch.equal(found[key], value), key


def without_steps(model) -> dict:
    return {k: v for k, v in model.state_dict().items() if k != 'target.steps'}


def test_poodle_round_trip():
    """Both networks; the order of the parameters is our model's; the config describes it."""
    model = tiny_model()
    state = their_state(model)
    assert 'teacher_decoder_blocks.1.conv2.weight' in state
    assert state['pooled_projector.0.weight'].shape == (24, 64, 1, 1)
    assert is_release(state) and not is_release(model.state_dict())
    converted = convert_state(state)
    assert_same_tensors(converted, without_steps(model))
    parameters = [k for k, _ in model.named_parameters()]
    assert [k for k in converted if k in set(parameters)] == parameters
    assert release_model(converted) == TINY_POODLE
    MODELS.build(release_model(converted)).load_state_dict(
        converted | {'target.steps': torch.tensor(0)}
    )


def test_flowe_round_trip():
    model = flowe_model()
    state = their_state(model, flowe=True)
    assert {k.split('.')[0] for k in state} == {
        'encoder', 'projector', 'predictor', 'target_encoder', 'target_projector', 'flownet',
    }  # fmt: skip
    converted = convert_state(state)
    assert_same_tensors(converted, without_steps(model))
    found = release_model(converted)
    assert found['neck'] is None and found['pooled_head'] is None
    assert found['dense_head'] == dict(TINY_POODLE['dense_head'], hidden_bias=False)
    assert found['backbone'] == dict(
        TINY_POODLE['backbone'], type='poodle_mm.ResNet', out_indices=(3,), **DILATED
    )


def test_absent_heads_and_decoder():
    """Either head may be missing, and the decoder, which makes the encoder a dilated one."""
    found = release_model(convert_state(their_state(tiny_model(pooled_head=None))))
    assert found == dict(TINY_POODLE, pooled_head=None)
    found = release_model(convert_state(their_state(tiny_model(dense_head=None, neck=None))))
    assert found['dense_head'] is None and found['neck'] is None
    assert found['backbone']['dilations'] == (1, 1, 2, 4)


def test_classifier_and_teachers_predictors_are_dropped():
    state = their_state(tiny_model())
    extra = {
        'backbone.fc.weight': torch.zeros(10, 64),
        'teacher_backbone.fc.bias': torch.zeros(10),
        'teacher_dense_predictor.0.weight': torch.zeros(2, 2, 1, 1),
    }
    assert convert_state(state | extra).keys() == convert_state(state).keys()


@pytest.mark.parametrize('flowe', [False, True])
def test_unknown_tensors_are_listed(flowe):
    state = their_state(flowe_model() if flowe else tiny_model(), flowe)
    extra = dict.fromkeys(('decoder_norm.weight', 'module_x.y', 'dense_projector.7.weight'), state)
    with pytest.raises(ValueError, match=r'3 tensors.*decoder_norm\.weight, module_x\.y, dense_'):
        convert_state(state | extra)


@pytest.mark.parametrize(
    ('missing', 'name'),
    [
        ('backbone.conv1.weight', r'backbone\.conv1\.weight'),
        ('backbone.layer2.1.conv1.weight', r'\(2, 1, 2, 2\) basic blocks'),
        ('decoder_laterals.0.weight', r'neck\.blocks\.0\.lateral\.weight'),
        ('decoder_blocks.1.conv1.weight', r'neck\.blocks\.1\.block\.conv1\.weight'),
        ('dense_projector.3.weight', r'dense_head\.projector\.3\.weight'),
        ('pooled_predictor.0.bias', 'hidden_bias of pooled_head'),
    ],
)
def test_incomplete_files_are_refused(missing, name):
    state = their_state(tiny_model())
    del state[missing]
    with pytest.raises(ValueError, match=name):
        release_model(convert_state(state))


def test_large_kernels_are_no_linear_layers():
    state = their_state(tiny_model())
    state['pooled_projector.0.weight'] = torch.zeros(24, 64, 3, 3)
    with pytest.raises(ValueError, match=r'pooled_head\.projector\.mlp\.0\.weight.*not 1x1'):
        convert_state(state)


def test_others_are_not_taken_for_the_authors():
    """BYOL in another's names: its projector is linear."""
    weights = torch.zeros(8, 8)
    assert not is_release({
        'encoder.conv1.weight': torch.zeros(8, 3, 7, 7),
        'target_encoder.conv1.weight': torch.zeros(8, 3, 7, 7),
        'projector.0.weight': weights,
    })  # fmt: skip
    with pytest.raises(ValueError, match='not a checkpoint of PooDLe'):
        convert_state({'fc.weight': weights})
