"""What a file may lack, or have beside a module's tensors, and what it may not."""

import pytest
import torch
from mmpretrain.registry import MODELS as BACKBONES
from torch import nn
from torchvision.models import resnet18

from poodle_mm.checkpoints.state_dict import LEFT_OVER, MISSING, check_state, compare_state, some

C4 = dict(
    type='mmpretrain.ResNet',
    depth=18,
    num_stages=3,
    out_indices=(2,),
    strides=(1, 2, 2),
    dilations=(1, 1, 1),
)


def test_kinds_of_difference():
    model = dict(a=torch.zeros(2), b=torch.zeros(3))
    assert compare_state(model, model) == {}
    assert compare_state(model, {'module.a': torch.ones(2), 'module.b': torch.ones(3)}) == {}
    assert compare_state(model, dict(c=torch.zeros(2), b=torch.zeros(4), epoch=3)) == {
        'missing': ['a'],
        'left over': ['c', 'epoch'],
        'of another shape': ['b (4,) instead of (3,)'],
    }
    assert compare_state(model, dict(model, b=3)) == {'of another shape': ['b () instead of (3,)']}


def test_message_names_file_and_tensors():
    net = nn.Linear(2, 3)
    found = dict(weight=torch.zeros(3, 4), scale=torch.zeros(1))
    with pytest.raises(ValueError) as info:
        check_state(net, found, 'a.pth', 'head', hint='Is it wide?')
    assert str(info.value).splitlines() == [
        'a.pth does not fit the head:',
        '  missing (1): bias',
        '  left over (1): scale',
        '  of another shape (1): weight (3, 4) instead of (3, 2)',
        'Is it wide?',
    ]
    assert some(list('abc'), 2) == 'a, b and 1 more'


def test_allowed_as_long_as_something_fits():
    """Weights to start from may be a part of the model; those of another network are an error."""
    net, allow = nn.Linear(2, 3), (MISSING, LEFT_OVER)
    check_state(net, dict(bias=torch.zeros(3), other=torch.zeros(1)), 'x', allow=allow)
    with pytest.raises(ValueError, match='left over'):
        check_state(net, dict(other=torch.zeros(1)), 'x', allow=allow)
    with pytest.raises(ValueError, match=r'bias \(4,\) instead of \(3,\)'):
        check_state(net, dict(bias=torch.zeros(4)), 'x', allow=allow)


def test_whole_children_may_be_another_parts():
    """A C4 backbone has no layer4, a backbone no fc: those tensors are somebody else's."""
    state = resnet18().state_dict()
    c4 = BACKBONES.build(dict(C4))
    check_state(c4, state, 'r18.pth', part=True)
    without = {k: v for k, v in state.items() if k != 'layer1.0.conv1.weight'}
    with pytest.raises(ValueError, match=r'missing \(1\): layer1\.0\.conv1\.weight'):
        check_state(c4, without, 'x', part=True)
    with pytest.raises(ValueError, match=r'left over.*layer4\.0.*'):
        check_state(c4, state, 'x')
    deeper = state | {'layer3.2.conv1.weight': torch.zeros(1)}
    with pytest.raises(ValueError, match=r'left over \(1\): layer3\.2\.conv1\.weight'):
        check_state(c4, deeper, 'x', part=True)


def test_old_files_lack_batch_norms_counters():
    norm = nn.Sequential(nn.BatchNorm2d(2))
    state = {k: v for k, v in norm.state_dict().items() if 'tracked' not in k}
    check_state(norm, state, 'x', part=True)
    with pytest.raises(ValueError, match=r'missing \(1\): 0\.num_batches_tracked'):
        check_state(norm, state, 'x')
