"""DINO's head and centre by their definitions."""

import copy

import pytest
import torch
import torch.nn.functional as F

from poodle_mm.models.heads.centre import Centre
from poodle_mm.registry import MODELS


def build(**options):
    torch.manual_seed(0)
    cfg = dict(in_channels=6, out_channels=10, hid_channels=8, bottleneck_channels=4)
    head = MODELS.build(dict(type='DINOHead', **cfg, **options))
    head.init_weights()
    return head


def test_logits_are_cosines_with_the_prototypes():
    head, feats = build(), torch.randn(2, 3, 6)
    logits = head(feats)
    prototypes = head.last_layer.parametrizations.weight.original1
    bottleneck = head.mlp(feats)
    for i in range(2):
        for j in range(3):
            expected = F.cosine_similarity(bottleneck[i, j], prototypes, dim=1)
            torch.testing.assert_close(logits[i, j], expected)
    assert [layer.out_features for layer in head.mlp[::2]] == [8, 8, 4]
    assert isinstance(head.mlp[-1], torch.nn.Linear)  # no activation before the sphere


@pytest.mark.parametrize('fixed', [True, False])
def test_magnitudes_stay_one_if_asked(fixed):
    head = build(norm_last_layer=fixed)
    optimizer = torch.optim.SGD([p for p in head.parameters() if p.requires_grad], lr=1.0)
    before = head.last_layer.weight.detach().clone()
    head(torch.randn(5, 6)).square().sum().backward()
    optimizer.step()
    norms = head.last_layer.weight.norm(dim=1)
    assert torch.allclose(norms, torch.ones(10)) == fixed
    assert not torch.allclose(head.last_layer.weight, before)


def test_a_copy_is_a_network_of_its_own():
    """As the target network is one."""
    head, feats = build(), torch.randn(2, 6)
    twin = copy.deepcopy(head)
    assert torch.equal(head(feats), twin(feats))
    twin.last_layer.parametrizations.weight.original1.data.neg_()
    torch.testing.assert_close(twin(feats), -head(feats))


def test_centre_is_a_moving_average():
    centre = Centre(3, momentum=0.9)
    first, second = torch.randn(2, 4, 3), torch.randn(5, 3)
    centre.update(first)
    centre.update(second)
    expected = 0.09 * first.mean(dim=(0, 1)) + 0.1 * second.mean(dim=0)
    torch.testing.assert_close(centre.value, expected)
    assert list(centre.state_dict()) == ['value']
