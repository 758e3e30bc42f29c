"""Weights under the names of PooDLe's released code, which its architecture dictates."""

import pytest
import torch

from poodle_mm.flow import UFlow
from poodle_mm.flow.uflow.estimator import build_network


def their_names() -> dict[str, str]:
    """Our modules to theirs, written out."""
    names = {}
    for level in range(5):
        for conv in range(3):
            names[f'pyramid.{level}.{conv}.0'] = f'encoder.blocks.{level}.{2 * conv}'
    for level in (1, 2, 3, 4):
        module = f'flow_predictor.flow_modules.{level}'
        for conv in range(5):
            names[f'decoders.{level}.convs.{conv}.0'] = f'{module}.{conv}.0'
        names[f'decoders.{level}.head'] = f'{module}.5'
    for level in (2, 3, 4):
        names[f'context_upsamplers.{level - 1}'] = f'flow_predictor.upsample_modules.{level}'
    for conv, index in enumerate((0, 2, 4, 6, 8, 10)):
        names[f'refinement.{conv}.0'] = f'flow_predictor.refinement_module.{index}'
    return names | {'refinement.6': 'flow_predictor.refinement_module.12'}


@pytest.mark.parametrize('prefix', ['', 'module.', 'flow_model.'])
def test_released_checkpoint(tmp_path, prefix):
    ours = build_network('uflow').state_dict()
    names = their_names()
    theirs = {}
    for key, value in ours.items():
        module, _, parameter = key.rpartition('.')
        theirs[f'{prefix}{names[module]}.{parameter}'] = value
    assert len(theirs) == 98 and sum(v.numel() for v in theirs.values()) == 5_701_802
    torch.save(dict(model=theirs, epoch=3), tmp_path / 'theirs.pth')
    found = UFlow(str(tmp_path / 'theirs.pth')).net.state_dict()
    assert found.keys() == ours.keys()
    assert all(torch.equal(found[key], value) for key, value in ours.items())


def test_a_missing_tensor_is_named(tmp_path):
    state = {f'{v}.weight': torch.zeros(1) for v in their_names().values()}
    torch.save(state, tmp_path / 'theirs.pth')
    with pytest.raises(ValueError, match=r'pyramid\.0\.0\.0\.bias'):
        UFlow(str(tmp_path / 'theirs.pth')).net  # noqa: B018
