"""PixPro's parts: instance branch, feature pyramid, boxes. Its training: test_image_baselines."""

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from mmpretrain.structures import DataSample

from poodle_mm.geometry.pixel_propagation import propagate
from poodle_mm.models import FeaturePyramid, PixelPropagationHead
from poodle_mm.models.methods.pixpro import view_boxes
from poodle_mm.registry import MODELS


def make(backbone_init: Path | None = None, **parts):
    torch.manual_seed(0)
    backbone = dict(type='mmpretrain.ResNet', depth=18, base_channels=8, stem_channels=8)
    if backbone_init:
        backbone['init_cfg'] = dict(type='Pretrained', checkpoint=str(backbone_init))
    widths = dict(in_channels=64, hidden_channels=16, out_channels=8)
    cfg = dict(
        type='PixPro',
        backbone=dict(backbone, out_indices=(1, 2, 3)),
        dense_head=dict(type='PixelPropagationHead', **widths),
        **parts,
    )
    if 'neck' in parts:
        cfg['dense_head']['in_channels'] = 8
    if 'pooled_head' in parts:
        cfg['pooled_head'] = dict(type='PooledHead', **widths)
    model = MODELS.build(cfg)
    model.init_weights()
    return model


def batch(flip: str | None = None) -> tuple[list, list]:
    generator = torch.Generator().manual_seed(1)
    inputs = [torch.randn(2, 3, 64, 128, generator=generator) for _ in range(2)]
    box = (0, 0, 200, 100)
    meta = dict(crop_box=[box, box], flip_direction=[None, flip])
    return inputs, [DataSample(metainfo=meta) for _ in range(2)]


@pytest.mark.parametrize('parts', [{}, dict(pooled_head=True), dict(neck=True)])
def test_every_weight_has_a_gradient(parts):
    if 'neck' in parts:
        parts = dict(neck=dict(type='FeaturePyramid', in_channels=(16, 32, 64), out_channels=8))
    model = make(**parts).train()
    losses = model(*batch(), mode='loss')
    expected = {'loss_dense', 'positive_share', 'std_dense'}
    assert losses.keys() == expected | (
        {'loss_pool', 'std_pool'} if 'pooled_head' in parts else set()
    )
    sum(v for k, v in losses.items() if 'loss' in k).backward()
    without = [n for n, p in model.named_parameters() if p.requires_grad and p.grad is None]
    assert not without and losses['positive_share'] == 1
    assert all(not p.requires_grad for p in model.target.parameters())


class Pool(torch.nn.Module):
    """An encoder that cannot tell left from right."""

    def forward(self, images):
        return (F.avg_pool2d(images, 32),)


def test_a_mirrored_view_has_the_same_loss():
    """Where the boxes say that it is mirrored, and only there."""
    model = make()
    model.backbone = model.target.module['backbone'] = Pool()
    model.dense_head = PixelPropagationHead(3, 16, 8)
    model.target.module['dense_projector'] = model.dense_head.projector
    model.eval()
    inputs, samples = batch()
    one, other = (50 * view for view in inputs)  # means that differ from cell to cell
    plain = model([one, other], samples, mode='loss')
    mirrored = model([one, other.flip(-1)], batch('horizontal')[1], mode='loss')
    wrong = model([one, other.flip(-1)], samples, mode='loss')
    torch.testing.assert_close(mirrored['loss_dense'], plain['loss_dense'])
    assert abs(wrong['loss_dense'] - plain['loss_dense']) > 1e-3


def test_values_of_the_released_code_and_of_the_equation():
    head = PixelPropagationHead(4, 6, 5, normalise_values=False).eval()
    released = PixelPropagationHead(4, 6, 5).eval()
    released.load_state_dict(head.state_dict())
    feats = torch.randn(2, 4, 3, 3, generator=torch.Generator().manual_seed(0))
    x = head.projector(feats)
    torch.testing.assert_close(head.predict(feats), propagate(x, head.transform(x)))
    values = F.normalize(head.transform(x), dim=1)
    torch.testing.assert_close(released.predict(feats), propagate(x, values))
    with pytest.raises(ValueError, match='positive_ratio'):
        PixelPropagationHead(positive_ratio=0)


def test_views_that_do_not_meet_train_nothing():
    model = make().train()
    inputs, samples = batch()
    for sample in samples:
        sample.set_metainfo(dict(crop_box=[(0, 0, 10, 10), (500, 500, 600, 600)]))
    losses = model(inputs, samples, mode='loss')
    assert losses['loss_dense'] == 0 and losses['positive_share'] == 0
    losses['loss_dense'].backward()
    assert not model.backbone.conv1.weight.grad.any()


def test_boxes_of_samples():
    boxes = dict(crop_box=[(1, 2, 3, 4), (5, 6, 7, 8)])
    sample = DataSample(metainfo=dict(boxes, flip_direction=[None, None]))
    assert view_boxes([sample]).tolist() == [[[1, 2, 3, 4]], [[5, 6, 7, 8]]]
    sample.set_metainfo(dict(flip_direction=['horizontal', None]))
    assert view_boxes([sample]).tolist() == [[[3, 2, 1, 4]], [[5, 6, 7, 8]]]
    # without directions a mirrored view would be taken for one that is not
    for meta in ({}, dict(crop_box=[None, None], flip_direction=[None, None]), boxes):
        with pytest.raises(ValueError, match='RandomResizedCropBox'):
            view_boxes([DataSample(metainfo=meta)])


def test_pyramid_by_hand():
    """Sums of 1x1 convolutions, coarser ones repeated, then the 3x3 convolution of the finest."""
    torch.manual_seed(0)
    neck = FeaturePyramid((4, 6, 8), out_channels=3)
    feats = [torch.randn(2, c, 8 // s, 16 // s) for c, s in ((4, 1), (6, 2), (8, 4))]
    inner = neck.pyramid.inner_blocks
    summed = inner[2][0](feats[2])
    for level in (1, 0):
        summed = inner[level][0](feats[level]) + summed.repeat_interleave(2, 2).repeat_interleave(
            2, 3
        )
    (found,) = neck(feats)
    torch.testing.assert_close(found, neck.pyramid.layer_blocks[0][0](summed))
    found.sum().backward()
    assert all(p.grad is not None for p in neck.parameters())


def test_modes():
    model = make()
    maps = model(torch.zeros(1, 3, 64, 64), mode='tensor')
    assert [m.shape[-1] for m in maps] == [8, 4, 2]
    with pytest.raises(ValueError, match="'predict'"):
        model(torch.zeros(1, 3, 64, 64), mode='predict')


def test_a_pretrained_encoder_that_does_not_fit_is_an_error(tmp_path):
    state = make().backbone.state_dict()
    torch.save(state, tmp_path / 'whole.pth')
    whole = make(backbone_init=tmp_path / 'whole.pth')
    assert torch.equal(whole.target.module['backbone'].conv1.weight, state['conv1.weight'])
    state.pop('layer4.1.conv2.weight')
    torch.save(state, tmp_path / 'part.pth')
    with pytest.raises(ValueError, match=r'(?s)part\.pth does not fit.*missing .*layer4\.1\.conv2'):
        make(backbone_init=tmp_path / 'part.pth')
