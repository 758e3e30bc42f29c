"""The dilated encoder sees what ordinary weights were trained to see."""

import pytest
import torch
import torchvision

from poodle_mm.registry import MODELS

DILATED = dict(strides=(1, 2, 1, 1), dilations=(1, 1, 2, 4), out_indices=(1, 2, 3))


def dilations(backbone) -> list[list[int]]:
    """Of the 3x3 convolutions of the last two stages."""
    stages = (backbone.layer3, backbone.layer4)
    return [[block.conv2.dilation[0] for block in stage] for stage in stages]


def test_it_is_torchvisions_dilated_resnet():
    torch.manual_seed(0)
    reference = torchvision.models.resnet50(replace_stride_with_dilation=[False, True, True])
    reference = reference.double().eval()
    backbone = MODELS.build(dict(type='poodle_mm.ResNet', depth=50, **DILATED)).double()
    backbone.eval()
    weights = {k: v for k, v in reference.state_dict().items() if not k.startswith('fc.')}
    backbone.load_state_dict(weights)
    x = torch.randn(1, 3, 64, 96, dtype=torch.double)
    stem = reference.maxpool(reference.relu(reference.bn1(reference.conv1(x))))
    expected = [reference.layer2(reference.layer1(stem))]
    expected += [reference.layer3(expected[0])]
    expected += [reference.layer4(expected[1])]
    for ours, theirs in zip(backbone(x), expected, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-12)


def test_pattern_of_the_released_code():
    kind = dict(depth=50, **DILATED)
    backbone = MODELS.build(dict(type='poodle_mm.ResNet', **kind))
    assert dilations(backbone) == [[1, 2, 2, 2, 2, 2], [2, 4, 4]]
    for other in (
        dict(type='mmpretrain.ResNet'),
        dict(type='poodle_mm.ResNet', contract_dilation=False),
    ):
        assert dilations(MODELS.build(other | kind)) == [[2] * 6, [4] * 3]


@pytest.mark.parametrize('depth', [18, 50])
def test_contracted_weights_give_the_strided_maps_at_every_second_cell(depth):
    """Where a stride became a dilation, the old map is the new one's even cells (eval mode)."""
    torch.manual_seed(1)
    small = dict(depth=depth, base_channels=8, stem_channels=8, out_indices=(1, 2, 3))
    strided = MODELS.build(dict(type='mmpretrain.ResNet', **small))
    dilated = MODELS.build(dict(type='poodle_mm.ResNet', **(small | DILATED)))
    dilated.load_state_dict(strided.state_dict())
    strided.eval(), dilated.eval()
    x = torch.randn(1, 3, 128, 128)
    coarse, fine = strided(x), dilated(x)
    for step, a, b in zip((1, 2, 4), coarse, fine):
        torch.testing.assert_close(a, b[..., ::step, ::step], rtol=1e-4, atol=1e-5)


def test_reflected_borders_say_nothing_of_the_place():
    """An even image has even maps but for zeros at its borders, dilated or not."""
    torch.manual_seed(2)
    kind = dict(type='poodle_mm.ResNet', depth=18, base_channels=8, stem_channels=8)
    kind |= dict(strides=(1, 1, 1, 1), dilations=(1, 1, 2, 4))
    x = torch.ones(1, 3, 64, 96)
    spread = {}
    for mode in ('zeros', 'reflect'):
        cfg = dict(kind, conv_cfg=dict(type='Conv2d', padding_mode=mode))
        backbone = MODELS.build(cfg)
        backbone.eval()
        maps = backbone(x)[-1]
        assert maps.shape[-2:] == (16, 24)
        spread[mode] = (maps.std((2, 3)).max() / maps.abs().mean()).item()
    assert spread['zeros'] > 0.1 and spread['reflect'] < 1e-4
