"""The published file is the encoder, in the form that every other library loads."""

import hashlib
import importlib
import importlib.util
import sys

import pytest
import torch
import torchvision

from poodle_mm.apis import load_encoder, publish_model
from poodle_mm.registry import MODELS
from tests.test_apis.conftest import assert_same_map, save_checkpoint
from tests.test_models.tiny import tiny_config


@pytest.fixture(scope='module')
def checkpoint(tmp_path_factory):
    """A PooDLe whose ResNet-18 has torchvision's width."""
    head = dict(hidden_channels=32, out_channels=16, in_channels=512)
    return save_checkpoint(
        tmp_path_factory.mktemp('checkpoint') / 'r18.pth',
        backbone=dict(type='mmpretrain.ResNet', depth=18, out_indices=(1, 2, 3)),
        neck=dict(type='SpatialDecoderModule', in_channels=[128, 256, 512]),
        dense_head=tiny_config()['dense_head'] | head,
        pooled_head=tiny_config()['pooled_head'] | head,
    )


@pytest.fixture(scope='module')
def published(checkpoint, tmp_path_factory):
    """Encoder alone, online weights."""
    return publish_model(checkpoint, tmp_path_factory.mktemp('out'))


@pytest.fixture
def images() -> torch.Tensor:
    return torch.randn(1, 3, 64, 96, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def expected(checkpoint, images) -> torch.Tensor:
    """Last map of the encoder, from the training checkpoint by hand."""
    state = torch.load(checkpoint, weights_only=False)['state_dict']
    backbone = MODELS.build(dict(type='mmpretrain.ResNet', depth=18))
    start = 'backbone.'
    backbone.load_state_dict({k[len(start) :]: v for k, v in state.items() if k.startswith(start)})
    return last_map(backbone, images)


def last_map(model: torch.nn.Module, images: torch.Tensor) -> torch.Tensor:
    model.eval()  # OpenMMLab's ResNet does not return itself
    with torch.no_grad():
        return model(images)[-1]


def test_torchvision_loads_it(published, images, expected):
    content = torch.load(published, weights_only=True)
    model = torchvision.models.resnet18().eval()
    keys = model.load_state_dict(content['state_dict'], strict=False)
    assert sorted(keys.missing_keys) == ['fc.bias', 'fc.weight']
    assert keys.unexpected_keys == []
    maps = {}
    model.layer4.register_forward_hook(lambda module, inputs, output: maps.update(last=output))
    with torch.no_grad():
        model(images)
    assert_same_map(maps['last'], expected)


def test_resnet50_keys_are_torchvisions(tmp_path):
    encoder = MODELS.build(dict(type='mmpretrain.ResNet', depth=50))
    torch.save(encoder.state_dict(), tmp_path / 'r50.pth')
    content = torch.load(publish_model(tmp_path / 'r50.pth', tmp_path), weights_only=True)
    with torch.device('meta'):
        reference = torchvision.models.resnet50().state_dict()
    shapes = {k: v.shape for k, v in reference.items() if not k.startswith('fc.')}
    assert {k: v.shape for k, v in content['state_dict'].items()} == shapes


@pytest.mark.parametrize('scope', ['mmpretrain', 'mmseg', 'mmdet'])
def test_openmmlab_loads_it(published, images, expected, scope):
    """By init_cfg, as their configs do; mmdet needs MMCV's operators."""
    if scope == 'mmdet':
        pytest.importorskip('mmcv.ops', exc_type=ImportError)
        pytest.importorskip('mmdet.models', exc_type=ImportError)
    registry = importlib.import_module(f'{scope}.registry')
    importlib.import_module(f'{scope}.models')
    cfg = dict(type=f'{scope}.ResNet', depth=18)
    cfg['init_cfg'] = dict(type='Pretrained', checkpoint=str(published))
    model = registry.MODELS.build(cfg)
    assert not torch.allclose(last_map(model, images), expected)
    model.init_weights()
    assert_same_map(last_map(model, images), expected)


def test_the_call_of_mmpretrain_that_works(published, images, expected):
    """docs/apis.md: ``pretrained=`` would leave random weights."""
    import mmpretrain

    init = dict(type='Pretrained', checkpoint=str(published))
    model = mmpretrain.get_model('resnet18_8xb32_in1k', backbone=dict(init_cfg=init))
    model.init_weights()
    assert_same_map(last_map(model.backbone, images), expected)


def test_load_encoder_reads_it_back(checkpoint, published, tmp_path, images):
    assert torch.equal(
        last_map(load_encoder(published), images),
        last_map(load_encoder(checkpoint, with_sdm=False), images),
    )
    for weights in ('online', 'ema'):
        path = publish_model(checkpoint, tmp_path, with_sdm=True, weights=weights)
        encoder = load_encoder(path, weights=weights)
        assert encoder.neck is not None
        original = load_encoder(checkpoint, weights=weights)
        assert torch.equal(last_map(encoder, images), last_map(original, images))
        content = torch.load(path, weights_only=True)
        assert {k.split('.')[0] for k in content['state_dict']} == {'backbone', 'neck'}
        about = content['meta']['poodle_mm']
        assert about['weights'] == weights
        assert about['neck']['type'] == 'poodle_mm.SpatialDecoderModule'
    assert len(list(tmp_path.iterdir())) == 2  # online and ema differ
    alone = MODELS.build(
        dict(
            type='mmpretrain.ResNet',
            depth=18,
            init_cfg=dict(type='Pretrained', checkpoint=str(path), prefix='backbone.'),
        )
    )
    alone.init_weights()
    assert_same_map(last_map(alone, images), last_map(original.backbone, images))


def test_hash_and_repeatability(checkpoint, published, tmp_path):
    again = publish_model(checkpoint, tmp_path / 'new')
    assert again.name == published.name
    assert again.read_bytes() == published.read_bytes()
    stem, digest = published.stem.split('-')
    assert stem == 'r18'
    assert digest == hashlib.sha256(published.read_bytes()).hexdigest()[:8]
    assert [p.name for p in (tmp_path / 'new').iterdir()] == [again.name]


def test_tool(repo, checkpoint, published, tmp_path, monkeypatch, capsys):
    spec = importlib.util.spec_from_file_location('tool', repo / 'tools' / 'publish_model.py')
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)

    def run(*arguments) -> str:
        monkeypatch.setattr(sys, 'argv', ['publish_model.py', *map(str, arguments)])
        tool.main()
        return capsys.readouterr().out.splitlines()[-1]

    path = run(checkpoint, tmp_path, '--name', 'encoder')
    assert path == str(tmp_path / published.name.replace('r18', 'encoder'))
    with pytest.raises(SystemExit) as stop:
        run(published, tmp_path, '--with-sdm')
    assert stop.value.code == 2
    assert 'has no spatial decoder' in capsys.readouterr().err
    with pytest.raises(SystemExit):
        run(published, tmp_path, '--weights', 'ema')
    assert 'published with online weights' in capsys.readouterr().err
    assert len(list(tmp_path.iterdir())) == 1
