"""Counted operations: by hand, and as MMEngine counts a traced network."""

import pytest
import torch
import torch.nn.functional as F
from mmengine.analysis import get_model_complexity_info
from torch import nn

from poodle_mm.registry import MODELS
from poodle_mm.utils.operations import count_operations


def test_layers_by_hand():
    convolution = nn.Conv2d(3, 4, 3, padding=1)
    products = 8 * 16 * 3 * 4 * 9
    assert count_operations(convolution, (8, 16)) == (products, products)
    network = nn.Sequential(convolution, nn.BatchNorm2d(4), nn.ReLU(), nn.Upsample(scale_factor=2))
    elements = 8 * 16 * 4
    assert count_operations(network, (8, 16)) == (products + (5 + 4) * elements, products)
    assert count_operations(network.eval(), (8, 16)) == (products + (2 + 4) * elements, products)


class Attention(nn.Module):
    """A head of 3 channels on the pixels."""

    def forward(self, x):
        x = x.flatten(2).transpose(1, 2)
        return F.layer_norm(F.scaled_dot_product_attention(x, x, x), (3,))


def test_both_products_of_attention_count():
    tokens = 6 * 5
    products = 2 * tokens**2 * 3
    assert count_operations(Attention(), (6, 5)) == (products + 5 * 3 * tokens, products)


@pytest.mark.parametrize('training', [True, False])
def test_as_mmengine_counts(training):
    backbone = dict(type='mmpretrain.ResNet', depth=18, base_channels=16, stem_channels=16)
    channels = [32, 64, 128]
    decoder = dict(type='SpatialDecoderModule', in_channels=channels)
    pyramid = dict(type='FeaturePyramid', in_channels=channels, out_channels=8)
    for neck in (decoder, pyramid):
        parts = MODELS.build(dict(backbone, out_indices=(1, 2, 3))), MODELS.build(neck)
        network = nn.Sequential(*parts).train(training)
        inputs = torch.zeros(2 if training else 1, 3, 64, 96)
        known = get_model_complexity_info(
            network, inputs=(inputs,), show_table=False, show_arch=False
        )
        assert count_operations(network, (64, 96))[0] * len(inputs) == known['flops']
