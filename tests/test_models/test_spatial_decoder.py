"""Shapes, parameter counts and arithmetic of the spatial decoder."""

import pytest
import torch
from mmpretrain.models.backbones.resnet import Bottleneck
from torch.nn import functional as F

from benchmarks.activations import kept_bytes
from poodle_mm.models import SpatialDecoderModule

MAPS = [(512, 64, 128), (1024, 32, 64), (2048, 16, 32)]  # ResNet-50 at 512x1024


def bottleneck_parameters(channels: int) -> int:
    inner = channels // 8
    convs = channels * inner + 9 * inner * inner + inner * channels
    return convs + 2 * (inner + inner + channels)


def test_resnet50_shapes_and_parameters():
    sdm = SpatialDecoderModule([512, 1024, 2048])
    with torch.device('meta'):
        feats = [torch.empty(1, *shape) for shape in MAPS]
    (out,) = sdm.to('meta')(feats)
    assert out.shape == (1, 2048, 64, 128)
    laterals = 1024 * 2048 + 2048 + 512 * 2048 + 2048
    expected = 2 * bottleneck_parameters(2048) + laterals
    assert sum(p.numel() for p in sdm.parameters()) == expected == 6_436_864


@pytest.mark.parametrize(
    ('channels', 'out'), [([128, 256, 512], 512), ([512, 1024, 2048], 2048), ([8, 16], 16)]
)
def test_channels_follow_the_encoder(channels, out):
    size = 2 ** len(channels)
    feats = [torch.randn(2, c, size >> i, size >> i) for i, c in enumerate(channels)]
    (z,) = SpatialDecoderModule(channels)(feats)
    assert z.shape == (2, out, size, size)


def test_laterals_only_is_upsampling_plus_convolution():
    """Ablation row 4: z' = up(z) + lateral, worked by hand with torch's functions."""
    sdm = SpatialDecoderModule([3, 4, 8], block=None)
    feats = [torch.randn(1, 3, 8, 8), torch.randn(1, 4, 4, 4), torch.randn(1, 8, 2, 2)]
    z = feats[2]
    for block, skip in zip(sdm.blocks, (feats[1], feats[0])):
        up = F.interpolate(z, scale_factor=2, mode='bilinear', align_corners=False)
        z = up + F.conv2d(skip, block.lateral.weight, block.lateral.bias)
    torch.testing.assert_close(sdm(feats)[0], z)


def test_release_order_is_the_block_then_the_upsampling():
    """z' = up(g(z)) + lateral, with mmpretrain's own bottleneck as g; same keys in both orders."""
    sdm = SpatialDecoderModule([3, 4, 8], upsample_first=False).eval()
    feats = [torch.randn(1, 3, 8, 8), torch.randn(1, 4, 4, 4), torch.randn(1, 8, 2, 2)]
    z = feats[2]
    for block, skip in zip(sdm.blocks, (feats[1], feats[0])):
        z = Bottleneck.forward(block.block, z)
        z = F.interpolate(z, scale_factor=2, mode='bilinear', align_corners=False)
        z = z + F.conv2d(skip, block.lateral.weight, block.lateral.bias)
    torch.testing.assert_close(sdm(feats)[0], z)
    paper = SpatialDecoderModule([3, 4, 8]).eval()
    paper.load_state_dict(sdm.state_dict())
    assert not torch.allclose(paper(feats)[0], z, atol=1e-2)


def test_maps_of_equal_size_are_not_upsampled():
    """Row 4 on a dilated encoder: z' = z + lateral; and any mixture of equal and doubled maps."""
    sdm = SpatialDecoderModule([3, 4, 8], block=None)
    feats = [torch.randn(1, c, 5, 7) for c in (3, 4, 8)]
    coarse, fine = (block.lateral for block in sdm.blocks)
    expected = feats[2] + coarse(feats[1]) + fine(feats[0])
    torch.testing.assert_close(sdm(feats)[0], expected)
    for order in (True, False):
        sdm = SpatialDecoderModule([3, 4, 8], upsample_first=order).eval()
        z = feats[2]
        for block, skip in zip(sdm.blocks, (feats[1], feats[0])):
            z = Bottleneck.forward(block.block, z) + block.lateral(skip)
        torch.testing.assert_close(sdm(feats)[0], z)
    doubled = [torch.randn(1, 3, 10, 14), *feats[1:]]
    assert SpatialDecoderModule([3, 4, 8])(doubled)[0].shape == (1, 8, 10, 14)


@pytest.mark.parametrize('size', [(4, 8), (3, 5), (2, 5), (8, 8)])
def test_maps_of_other_ratios_are_refused(size):
    with pytest.raises(ValueError, match=r'2x2 cells cannot go up to'):
        SpatialDecoderModule([8, 16])([torch.randn(1, 8, *size), torch.randn(1, 16, 2, 2)])


def test_initialisation_is_torchs():
    """The released code's: bounds of kaiming_uniform with a = sqrt(5), norms of gain 1."""
    sdm = SpatialDecoderModule([64, 128, 256])
    sdm.init_weights()
    for module in sdm.modules():
        if isinstance(module, torch.nn.Conv2d):
            bound = module.weight[0].numel() ** -0.5
            assert 0.95 * bound < module.weight.abs().max() <= bound
        if isinstance(module, torch.nn.BatchNorm2d):
            assert (module.weight == 1).all()


def test_blocks_only_ignores_the_encoder_maps():
    """Ablation row 3: z' = g(up(z))."""
    sdm = SpatialDecoderModule([3, 4, 8], lateral=None).eval()
    feats = [torch.randn(1, 3, 8, 8), torch.randn(1, 4, 4, 4), torch.randn(1, 8, 2, 2)]
    other = [torch.randn(1, 3, 8, 8), torch.randn(1, 4, 4, 4), feats[2]]
    torch.testing.assert_close(sdm(feats)[0], sdm(other)[0])
    assert all(block.lateral is None for block in sdm.blocks)


def test_mlp_lateral_has_two_convolutions():
    sdm = SpatialDecoderModule([3, 4, 8], lateral='mlp')
    convs = [m for m in sdm.blocks[0].lateral if isinstance(m, torch.nn.Conv2d)]
    assert [c.weight.shape for c in convs] == [(8, 4, 1, 1), (8, 8, 1, 1)]


def test_checkpointing_changes_nothing():
    torch.manual_seed(0)
    feats = [torch.randn(2, 8 << i, 8 >> i, 8 >> i, requires_grad=True) for i in range(3)]
    plain = SpatialDecoderModule([8, 16, 32])
    cheap = SpatialDecoderModule([8, 16, 32], with_cp=True)
    cheap.load_state_dict(plain.state_dict())
    grads = []
    for sdm in (plain, cheap):
        (z,) = sdm(feats)
        grads.append(torch.autograd.grad(z.square().sum(), [*feats, *sdm.parameters()]))
    for a, b in zip(*grads):
        torch.testing.assert_close(a, b)


@pytest.mark.parametrize('sizes', [(8, 4, 2), (7, 4, 2), (5, 3, 2)])
def test_reducing_before_upsampling_changes_nothing(sizes):
    """Against mmpretrain's own bottleneck of the upsampled map; odd sizes are cut."""
    torch.manual_seed(0)
    shapes = zip((8, 16, 32), sizes)
    feats = [torch.randn(3, c, n, n + 2, dtype=torch.double) for c, n in shapes]
    feats[1] = feats[1][..., : -(-feats[0].shape[-1] // 2)]
    feats[2] = feats[2][..., : -(-feats[1].shape[-1] // 2)]
    feats = [f.requires_grad_() for f in feats]
    quick = SpatialDecoderModule([8, 16, 32]).double()
    plain = SpatialDecoderModule([8, 16, 32], reduce_first=False).double()
    plain.load_state_dict(quick.state_dict())
    results = []
    for sdm in (quick, plain):
        (z,) = sdm(feats)
        grads = torch.autograd.grad(z.sin().sum(), [*feats, *sdm.parameters()])
        results.append([z, *grads, *sdm.buffers()])
    for a, b in zip(*results, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-10)


def test_reducing_first_keeps_less_for_the_gradient():
    kept = {}
    for first in (False, True):
        sdm = SpatialDecoderModule([8, 16, 32], reduce_first=first)
        feats = [torch.randn(1, 8 << i, 16 >> i, 16 >> i, requires_grad=True) for i in range(3)]
        kept[first] = kept_bytes(lambda sdm=sdm, feats=feats: sdm(feats))
    # 32 channels upsampled to 8 and 16 cells a side; their coarse maps in place of them, but one
    # is kept by the block before anyhow
    upsampled, coarse = 32 * 4 * (8**2 + 16**2), 32 * 4 * (4**2 + 8**2)
    assert kept[False] - kept[True] == upsampled - coarse


@pytest.mark.parametrize(
    ('kwargs', 'message'),
    [
        (dict(in_channels=[8]), 'at least two'),
        (dict(in_channels=[8, 12]), 'multiple of 8'),
        (dict(in_channels=[8, 16], block='resnet'), "'bottleneck' or None"),
        (dict(in_channels=[8, 16], lateral='conv'), "'linear', 'mlp' or None"),
    ],
)
def test_bad_config_is_named(kwargs, message):
    with pytest.raises(ValueError, match=message):
        SpatialDecoderModule(**kwargs)


def test_maps_of_another_depth_are_refused():
    with pytest.raises(ValueError, match=r'expects encoder maps of \[8, 16\].*got \[8, 32\]'):
        SpatialDecoderModule([8, 16])([torch.randn(1, 8, 4, 4), torch.randn(1, 32, 2, 2)])


def test_reflected_borders_say_nothing_of_the_place():
    """Even maps come out even, where blocks padded with zeros tell the border."""
    torch.manual_seed(0)
    feats = [torch.rand(1, 3, 1, 1).expand(1, 3, 16, 24)]
    feats += [torch.rand(1, c, 1, 1).expand(1, c, h, w) for c, h, w in ((4, 8, 12), (8, 4, 6))]
    spread = {}
    for mode in ('zeros', 'reflect'):
        sdm = SpatialDecoderModule([3, 4, 8], conv_cfg=dict(type='Conv2d', padding_mode=mode))
        z = sdm.eval()(feats)[0]
        spread[mode] = (z.std((2, 3)).max() / z.abs().mean()).item()
    assert spread['zeros'] > 1e-2 and spread['reflect'] < 1e-5
