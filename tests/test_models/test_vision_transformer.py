"""Our ViT is mmpretrain's, and timm's with registers; masks and attention by hand."""

import pytest
import torch
from mmengine.config import Config
from mmpretrain.registry import MODELS as MMPRETRAIN_MODELS

from poodle_mm.checkpoints import load_part, read_checkpoint
from poodle_mm.checkpoints.vit_keys import infer_vit, vit_to_timm
from poodle_mm.evaluation.readout import config_file
from poodle_mm.registry import MODELS

ARCH = dict(embed_dims=48, num_layers=6, num_heads=3, feedforward_channels=96)
VIT = dict(type='poodle_mm.VisionTransformer', arch=ARCH, img_size=64, patch_size=8)


def build(**options):
    """A ViT whose biases and tokens are no zeros, in eval mode."""
    torch.manual_seed(0)
    vit = MODELS.build(VIT | options)
    vit.init_weights()
    for parameter in vit.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)
    vit.eval()  # mmpretrain's backbones return nothing
    return vit.requires_grad_(False)


@pytest.fixture(scope='module')
def images():
    return torch.randn(2, 3, 48, 80, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize('out_type', ['raw', 'cls_token', 'featmap', 'avg_featmap'])
def test_plain_is_mmpretrains(images, out_type):
    options = dict(out_type=out_type, out_indices=[1, 5])
    ours = build(**options)
    theirs = MODELS.build({**VIT, **options, 'type': 'mmpretrain.VisionTransformer'})
    theirs.load_state_dict(ours.state_dict())
    for a, b in zip(ours(images), theirs(images), strict=True):
        torch.testing.assert_close(a, b)


def test_registers_are_timms(images):
    """timm gives registers positions, which are zeros here, and they are no part of our outputs."""
    timm = pytest.importorskip('timm')
    vit = build(num_registers=4, use_mask_token=True, out_type='featmap')
    theirs = timm.models.VisionTransformer(
        img_size=64, patch_size=8, embed_dim=48, depth=6, num_heads=3, mlp_ratio=2, reg_tokens=4,
        num_classes=0,
    ).eval()  # fmt: skip
    theirs.load_state_dict(vit_to_timm(vit.state_dict()))
    image = torch.randn(1, 3, 64, 64)
    expected = theirs.forward_features(image)
    class_token, patches = vit.tokens(image)
    torch.testing.assert_close(class_token, expected[:, 0])
    torch.testing.assert_close(patches.flatten(2).mT, expected[:, 5:])
    assert torch.equal(vit(image)[0], patches)
    state = {k: v for k, v in vit.state_dict().items() if k != 'mask_token'}
    assert MODELS.build(infer_vit(state)).state_dict().keys() == state.keys()


def test_masked_patches_are_not_seen(images):
    vit = build(use_mask_token=True)
    mask = torch.zeros(2, 6, 10, dtype=torch.bool)
    mask[0, 2, 3] = mask[1, 5, :] = True
    hidden = mask.repeat_interleave(8, 1).repeat_interleave(8, 2)[:, None]
    changed = torch.where(hidden, torch.randn_like(images), images)
    masked, same = vit.tokens(images, mask), vit.tokens(changed, mask)
    assert torch.equal(masked[0], same[0]) and torch.equal(masked[1], same[1])
    assert not torch.allclose(masked[0], vit.tokens(images)[0])
    torch.testing.assert_close(vit.tokens(images, mask & False), vit.tokens(images))
    vit.mask_token += 1
    assert not torch.allclose(masked[0], vit.tokens(images, mask)[0])
    with pytest.raises(ValueError, match='use_mask_token=True'):
        build().tokens(images, mask)


def test_attention_of_the_class_token_by_hand(images):
    vit = build(num_registers=2)
    inputs = []
    handle = vit.layers[-1].ln1.register_forward_hook(lambda *args: inputs.append(args[2]))
    found = vit.attend(images)
    handle.remove()
    assert found.attention.shape == (2, 3, 6, 10) and found.keys.shape == (2, 3, 16, 6, 10)
    weight, bias = vit.layers[-1].attn.qkv.weight, vit.layers[-1].attn.qkv.bias
    tokens = inputs[0][1] @ weight.T + bias  # of the second image: (3 + 60, q, k and v)
    for head in range(3):
        columns = slice(16 * head, 16 * head + 16)
        query, keys = tokens[0, columns], tokens[:, 48:96][:, columns]
        scores = torch.stack([torch.exp(query @ key / 4) for key in keys])
        expected = (scores / scores.sum())[3:]
        torch.testing.assert_close(found.attention[1, head].flatten(), expected)
        torch.testing.assert_close(found.query[1, head], query)
        torch.testing.assert_close(found.keys[1, head].flatten(1).T, keys[3:])
    class_token, patches = vit.tokens(images)
    assert torch.equal(found.class_token, class_token) and torch.equal(found.patches, patches)


@pytest.mark.parametrize('suite', ['scenes', 'camvid'])
@pytest.mark.parametrize('registers', [0, 3])
def test_readouts_of_another_size(repo, tmp_path, suite, registers):
    """A pretraining checkpoint with mask token and registers, half as deep as a ViT-S."""
    pytest.importorskip('mmseg')
    from poodle_mm.evaluation.segmentation.configs import set_encoder

    cfg = dict(VIT, type='VisionTransformer', num_registers=registers, use_mask_token=True)
    vit = build(num_registers=registers, use_mask_token=True)
    state = {f'backbone.{key}': value for key, value in vit.state_dict().items()}
    model = Config(dict(model=dict(backbone=cfg), default_scope='poodle_mm'))
    path = tmp_path / 'iter_1.pth'
    torch.save(dict(state_dict=state, meta=dict(cfg=model.pretty_text)), path)

    found = read_checkpoint(path)
    encoder = MODELS.build(found.backbone)
    load_part(encoder, path, found.backbone_prefix)
    expected = {key: value for key, value in vit.state_dict().items() if key != 'mask_token'}
    assert encoder.state_dict().keys() == expected.keys()

    for readout in ('linear', 'upernet'):
        config = Config.fromfile(config_file(repo / 'configs/downstream', suite, readout, found))
        set_encoder(config, found)
        assert config.model.decode_head.in_channels == [48] * 4
        assert config.model.backbone.out_indices == (1, 2, 3, 5)
        backbone = MMPRETRAIN_MODELS.build(config.model.backbone)
        backbone.init_weights()  # MMEngine's own loading
        for key, value in expected.items():
            assert key.startswith('ln1') or torch.equal(backbone.state_dict()[key], value), key
        image = torch.randn(1, 3, 96, 96)
        maps = backbone(image)
        assert [m.shape for m in maps] == [(1, 48, 12, 12)] * 4
        vit.out_type, vit.out_indices, vit.final_norm = 'featmap', [1, 2, 3, 5], False
        for a, b in zip(maps, vit(image), strict=True):
            torch.testing.assert_close(a, b)


def test_depth_of_the_tokens():
    """Layer-wise learning rates treat our tokens as the class token."""
    vit = build(num_registers=2, use_mask_token=True)
    for name in ('mask_token', 'register_tokens', 'cls_token'):
        assert vit.get_layer_depth(f'backbone.{name}', 'backbone.') == (0, 8)
