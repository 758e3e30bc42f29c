"""What a file holds, and that nothing of it is left out silently."""

import pytest
import torch
from mmengine.registry import init_default_scope
from mmpretrain.registry import MODELS as BACKBONES
from torchvision.models import resnet18, resnet34, resnet50, resnet101

from poodle_mm.checkpoints import EncoderCheckpoint, load_part, read_checkpoint
from poodle_mm.checkpoints.convert_vit import convert_vit_file
from poodle_mm.checkpoints.encoder_checkpoint import check_pretrained
from poodle_mm.registry import MODELS
from tests.test_evaluation.tiny import BACKBONE, NECK, save_checkpoint


@pytest.mark.parametrize(('weights', 'prefix'), [('online', ''), ('ema', 'target.module.')])
def test_our_checkpoint(tmp_path, weights, prefix):
    """Architecture from its config, weights from its online or its target network."""
    path = tmp_path / 'epoch_1.pth'
    state = save_checkpoint(path)
    found = read_checkpoint(path, weights)
    assert found.backbone == BACKBONE
    assert found.neck == dict(NECK, type='poodle_mm.SpatialDecoderModule')
    for name, cfg in (('backbone', found.backbone), ('neck', found.neck)):
        init = found.init_cfg(name)
        part = MODELS.build(dict(cfg, init_cfg=init))
        part.init_weights()  # MMEngine's own loading
        mine = MODELS.build(cfg)
        load_part(mine, path, init['prefix'], name)
        for key, value in part.state_dict().items():
            assert torch.equal(value, state[f'{prefix}{name}.{key}']), key
            assert torch.equal(value, mine.state_dict()[key]), key


@pytest.mark.parametrize(
    ('build', 'depth'), [(resnet18, 18), (resnet34, 34), (resnet50, 50), (resnet101, 101)]
)
def test_plain_weights_of_torchvision(tmp_path, build, depth):
    """The depth is read off the keys; the same images give the same features."""
    path = tmp_path / 'resnet.pth'
    plain = build().eval()
    torch.save(plain.state_dict(), path)
    found = read_checkpoint(path)
    assert found.backbone == dict(type='mmpretrain.ResNet', depth=depth)
    assert found.neck is None
    encoder = BACKBONES.build(found.backbone)
    load_part(encoder, path)
    images = torch.randn(1, 3, 64, 64)
    encoder.eval()
    logits = plain.fc(encoder(images)[-1].mean((2, 3)))
    torch.testing.assert_close(logits, plain(images))


def test_narrow_weights_and_prefixes(tmp_path):
    """Width of stem and stages, and what another framework puts before the keys."""
    narrow = dict(type='mmpretrain.ResNet', depth=18, stem_channels=8, base_channels=16)
    state = BACKBONES.build(narrow).state_dict()
    path = tmp_path / 'narrow.pth'
    torch.save(dict(model={f'module.backbone.{k}': v for k, v in state.items()}), path)
    found = read_checkpoint(path)
    # the stages of an mmpretrain ResNet start at stem_channels wide inputs
    assert found.backbone == narrow and found.backbone_prefix == 'backbone.'


def test_deeper_network_is_refused_in_both_directions(tmp_path):
    """ResNet-50's keys are all in ResNet-101's file, with the same shapes: only counting helps."""
    path = tmp_path / 'r101.pth'
    torch.save(resnet101().state_dict(), path)
    with pytest.raises(ValueError, match=r'(?s)r101\.pth does not fit.*left over.*layer3\.6\.'):
        load_part(BACKBONES.build(dict(type='mmpretrain.ResNet', depth=50)), path)
    torch.save(resnet50().state_dict(), path)
    with pytest.raises(ValueError, match=r'(?s)missing \(\d+\).*layer3\.6\.'):
        load_part(BACKBONES.build(dict(type='mmpretrain.ResNet', depth=101)), path)
    with pytest.raises(ValueError, match='of another shape'):
        load_part(BACKBONES.build(dict(type='mmpretrain.ResNet', depth=50, base_channels=32)), path)


def test_vit_weights(tmp_path):
    """DINO's names are read as they are, by us and by MMEngine; the converted file is equal."""
    vit = dict(
        type='mmpretrain.VisionTransformer',
        arch=dict(embed_dims=64, num_layers=2, num_heads=1, feedforward_channels=256),
        img_size=64,
        patch_size=16,
    )
    init_default_scope('mmpretrain')
    state = BACKBONES.build(vit).state_dict()
    path = tmp_path / 'vit.pth'
    torch.save(state, path)
    assert read_checkpoint(path).backbone == vit
    load_part(BACKBONES.build(vit), path)
    foreign = {
        k.replace('patch_embed.projection', 'patch_embed.proj')
        .replace('ffn.layers.0.0', 'mlp.fc1')
        .replace('ffn.layers.1', 'mlp.fc2')
        .replace('layers.', 'blocks.')
        .replace('.ln', '.norm'): v
        for k, v in state.items()
    }
    foreign = {f'norm.{k[4:]}' if k.startswith('ln1.') else k: v for k, v in foreign.items()}
    foreign['head.mlp.0.weight'] = torch.zeros(1)
    whole = dict(student={}, teacher={f'backbone.{k}': v for k, v in foreign.items()})
    for content in (foreign, dict(model=foreign), dict(state_dict=foreign), whole):
        torch.save(content, path)
        found = read_checkpoint(path)
        assert found.backbone == vit
        by_mmengine = BACKBONES.build(dict(vit, init_cfg=found.init_cfg()))
        by_mmengine.init_weights()
        check_pretrained(by_mmengine, equal=True)
        convert_vit_file(path, tmp_path / 'converted.pth')
        converted = torch.load(tmp_path / 'converted.pth', weights_only=True)['state_dict']
        for tensors in (by_mmengine.state_dict(), converted):
            assert tensors.keys() == state.keys()
            assert all(torch.equal(tensors[k], state[k]) for k in state)
    with pytest.raises(ValueError, match='no ViT with the names'):
        convert_vit_file(tmp_path / 'converted.pth', path)


def test_errors_name_file_and_remedy(tmp_path):
    """No file, no checkpoint, no encoder, no target network, no such kind of weights."""
    with pytest.raises(FileNotFoundError, match=r'nothing\.pth'):
        read_checkpoint(tmp_path / 'nothing.pth')
    path = tmp_path / 'broken.pth'
    path.write_bytes(b'half a file')
    with pytest.raises(ValueError, match=r'broken\.pth cannot be read'):
        read_checkpoint(path)
    torch.save(dict(state_dict=dict(something=torch.zeros(1))), path)
    with pytest.raises(ValueError, match='no ResNet or ViT keys'):
        read_checkpoint(path)
    torch.save(resnet18().state_dict(), path)
    with pytest.raises(ValueError, match='no target network'):
        read_checkpoint(path, 'ema')
    with pytest.raises(ValueError, match='weights must be one of'):
        read_checkpoint(path, 'best')


@pytest.mark.parametrize(
    'settings, expected',
    [
        (dict(), (1, 2)),
        (dict(strides=(1, 2, 1, 1), dilations=(1, 1, 2, 4)), (1, 2)),
        (dict(strides=(1, 1, 2, 2)), (1, 1)),
        (dict(strides=(1, 1, 1, 1), dilations=(1, 1, 2, 4)), (1, 1)),
        (dict(strides=(1, 1, 1, 1), dilations=(1, 2, 4, 8)), (1, 2)),
    ],
)
def test_strides_of_the_first_stages(settings, expected):
    """Of the ResNet that a dilated one stands for: dilation in place of a stride is that stride."""
    assert EncoderCheckpoint(None, BACKBONE | settings).first_strides == expected
