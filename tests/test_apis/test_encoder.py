"""load_encoder gives exactly the parts of the file that were asked for."""

import pytest
import torch
import torchvision

from poodle_mm.apis import DenseEncoder, load_encoder
from poodle_mm.registry import MODELS
from tests.test_apis.conftest import save_checkpoint


def test_equals_backbone_and_neck_by_hand(checkpoint):
    content = torch.load(checkpoint, weights_only=False)
    images = torch.randn(2, 3, 64, 96)
    found = {}
    for weights, prefix in (('online', ''), ('ema', 'target.module.')):
        encoder = load_encoder(checkpoint, weights=weights)
        backbone = MODELS.build(encoder_cfg(content)['backbone'])
        neck = MODELS.build(encoder_cfg(content)['neck'])
        for name, part in (('backbone', backbone), ('neck', neck)):
            start = f'{prefix}{name}.'
            state = content['state_dict'].items()
            part.load_state_dict({k[len(start) :]: v for k, v in state if k.startswith(start)})
            part.eval()
        with torch.no_grad():
            maps = backbone(images)
            assert torch.equal(encoder(images), neck(maps)[-1])
            alone = load_encoder(checkpoint, with_sdm=False, weights=weights)
            assert torch.equal(alone(images), maps[-1])
            found[weights] = alone(images)
        assert (encoder.stride, encoder.multiple, encoder.channels) == (8, 32, 64)
        assert (alone.stride, alone.multiple, alone.channels) == (32, 32, 64)
        network = '' if weights == 'online' else ', target network'
        assert encoder.origin == f'{checkpoint.name}{network}, encoder + SDM'
        assert alone.origin == f'{checkpoint.name}{network}, encoder'
        assert not encoder.training
        assert not any(p.requires_grad for p in encoder.parameters())
    assert not torch.allclose(found['online'], found['ema'])


def encoder_cfg(content: dict) -> dict:
    from mmengine.config import Config

    return Config.fromstring(content['meta']['cfg'], '.py').model


def test_plain_torchvision_weights(tmp_path):
    reference = torchvision.models.resnet18().eval()
    torch.save(reference.state_dict(), tmp_path / 'resnet18.pth')
    encoder = load_encoder(tmp_path / 'resnet18.pth')
    images = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        hooked = {}
        reference.layer4.register_forward_hook(lambda m, i, o: hooked.update(map=o))
        reference(images)
        torch.testing.assert_close(encoder(images), hooked['map'])
    with pytest.raises(ValueError, match='has no spatial decoder'):
        load_encoder(tmp_path / 'resnet18.pth', with_sdm=True)


def test_missing_keys_and_files_are_errors(checkpoint, tmp_path):
    content = torch.load(checkpoint, weights_only=False)
    del content['state_dict']['neck.blocks.0.lateral.weight']
    torch.save(content, tmp_path / 'broken.pth')
    with pytest.raises(ValueError, match=r'blocks\.0\.lateral\.weight'):
        load_encoder(tmp_path / 'broken.pth')
    load_encoder(tmp_path / 'broken.pth', with_sdm=False)
    with pytest.raises(FileNotFoundError, match=r'nothing\.pth'):
        load_encoder(tmp_path / 'nothing.pth')


def test_measuring_the_stride_changes_nothing():
    torch.manual_seed(0)
    backbone = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 16, 16), torch.nn.BatchNorm2d(4))
    wrapped = torch.nn.Module()
    wrapped.conv = backbone
    wrapped.forward = lambda images: (backbone(images),)
    backbone[0].eval()
    before = {k: v.clone() for k, v in wrapped.state_dict().items()}
    encoder = DenseEncoder(wrapped)
    assert (encoder.stride, encoder.multiple, encoder.channels) == (16, 16, 4)
    assert all(torch.equal(before[k], v) for k, v in wrapped.state_dict().items())
    assert backbone[1].training
    assert not backbone[0].training


def test_dilated_encoder_has_stride_8(tmp_path):
    from tests.test_models.tiny import tiny_config

    dilated = tiny_config()['backbone'] | dict(
        out_indices=(3,), strides=(1, 2, 1, 1), dilations=(1, 1, 2, 4)
    )
    path = save_checkpoint(tmp_path / 'flowe.pth', backbone=dilated, neck=None, pooled_head=None)
    encoder = load_encoder(path)
    assert (encoder.stride, encoder.multiple) == (8, 8)


@pytest.mark.parametrize('device', ['cuda', 'cdua'])
def test_a_device_that_is_not_there(checkpoint, device):
    if device == 'cuda' and torch.cuda.is_available():
        pytest.skip('there is one')
    with pytest.raises(ValueError, match=f"device '{device}' cannot be used") as error:
        load_encoder(checkpoint, device=device)
    assert len(str(error.value).splitlines()) == 1
