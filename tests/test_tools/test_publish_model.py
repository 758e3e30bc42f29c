"""The published file is the encoder, in the form that every other library loads."""

import hashlib
import importlib
import importlib.util
import sys
from pathlib import Path

import pytest
import torch
import torchvision
from mmengine.config import Config
from mmengine.registry import DefaultScope

from poodle_mm.apis import load_encoder, publish_model
from poodle_mm.checkpoints.encoder_checkpoint import read_checkpoint
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


def test_format_torchvision(checkpoint, tmp_path, images, expected):
    """The tensors alone: load_state_dict takes what torch.load gives."""
    path = publish_model(checkpoint, tmp_path, format='torchvision')
    model = torchvision.models.resnet18().eval()
    keys = model.load_state_dict(torch.load(path, weights_only=True), strict=False)
    assert sorted(keys.missing_keys) == ['fc.bias', 'fc.weight'] and not keys.unexpected_keys
    features = torch.nn.Sequential(*list(model.children())[:-2])
    with torch.no_grad():
        assert_same_map(features(images), expected)
    assert torch.equal(last_map(load_encoder(path), images), expected[-1])


def test_format_timm(checkpoint, tmp_path, images, expected):
    timm = pytest.importorskip('timm')
    path = publish_model(checkpoint, tmp_path, format='timm')
    model = timm.create_model('resnet18', num_classes=0, checkpoint_path=str(path)).eval()
    with torch.no_grad():
        assert_same_map(model.forward_features(images), expected)


def test_format_timm_of_a_vit(tmp_path):
    timm = pytest.importorskip('timm')
    arch = dict(embed_dims=192, num_layers=12, num_heads=3, feedforward_channels=768)
    vit = MODELS.build(dict(type='mmpretrain.VisionTransformer', arch=arch))
    state = {key: value + 0.05 * torch.rand_like(value) for key, value in vit.state_dict().items()}
    torch.save(state, tmp_path / 'vit.pth')
    path = publish_model(tmp_path / 'vit.pth', tmp_path, format='timm')
    name = 'vit_tiny_patch16_224'
    model = timm.create_model(name, num_classes=0, checkpoint_path=str(path)).eval()
    x = torch.randn(1, 3, 224, 224)
    with torch.no_grad():
        found = model.forward_features(x)[:, 1:].mT.unflatten(2, (14, 14))
        assert_same_map(found, load_encoder(tmp_path / 'vit.pth')(x))
    with pytest.raises(ValueError, match=r'torchvision builds its ViTs otherwise.*or timm'):
        publish_model(tmp_path / 'vit.pth', tmp_path, format='torchvision')


def test_format_mmseg(checkpoint, tmp_path, images, expected):
    """In one of mmseg's own configs, changed as docs/downstream.md says."""
    mmseg = pytest.importorskip('mmseg')
    from mmseg.registry import MODELS as MMSEG
    from mmseg.utils import register_all_modules

    register_all_modules(init_default_scope=False)
    path = publish_model(checkpoint, tmp_path, format='mmseg')
    folder = Path(mmseg.__file__).parent / '.mim' / 'configs' / 'upernet'
    (tmp_path / 'config.py').write_text(f"""
_base_ = '{folder}/upernet_r50_4xb4-80k_ade20k-512x512.py'
model = dict(
    pretrained=None,
    backbone=dict(
        type='ResNet', depth=18, init_cfg=dict(type='Pretrained', checkpoint={str(path)!r})
    ),
    decode_head=dict(in_channels=[64, 128, 256, 512], channels=16),
    auxiliary_head=dict(in_channels=256, channels=16),
)
""")
    cfg = Config.fromfile(tmp_path / 'config.py').model
    with DefaultScope.overwrite_default_scope('mmseg'):
        model = MMSEG.build(cfg)
        model.init_weights()
    model.eval()
    assert_same_map(last_map(model.backbone, images), expected)
    with torch.no_grad():
        assert model(images).shape == (1, 150, 16, 24)


@pytest.mark.parametrize('with_sdm', [False, True])
def test_format_safetensors(checkpoint, published, tmp_path, images, with_sdm):
    load_file = pytest.importorskip('safetensors.torch').load_file
    path = publish_model(checkpoint, tmp_path, with_sdm, format='safetensors')
    assert path.suffix == '.safetensors'
    encoder = load_encoder(checkpoint, with_sdm)
    state = (encoder if with_sdm else encoder.backbone).state_dict()
    found = load_file(path)
    assert found.keys() == state.keys() and all(torch.equal(found[k], state[k]) for k in state)
    assert torch.equal(last_map(load_encoder(path), images), last_map(encoder, images))
    cfg = read_checkpoint(path).init_cfg()
    backbone = MODELS.build(dict(type='mmpretrain.ResNet', depth=18, init_cfg=cfg))
    backbone.init_weights()
    assert torch.equal(backbone.conv1.weight, encoder.backbone.conv1.weight)


def test_what_a_toolbox_cannot_hold(checkpoint, tmp_path, monkeypatch):
    for toolbox in ('torchvision', 'timm', 'mmseg'):
        with pytest.raises(ValueError, match=f'{toolbox} has no spatial decoder.*safetensors'):
            publish_model(checkpoint, tmp_path, with_sdm=True, format=toolbox)
    backbone = dict(type='mmpretrain.ResNet', depth=18, stem_channels=16, base_channels=16)
    torch.save(MODELS.build(backbone).state_dict(), tmp_path / 'quarter.pth')
    for toolbox in ('torchvision', 'timm'):
        words = rf"{toolbox}'s resnet18 cannot hold .*conv1.weight \(16, 3, 7, 7\).*as mmseg"
        with pytest.raises(ValueError, match=words):
            publish_model(tmp_path / 'quarter.pth', tmp_path, format=toolbox)
    publish_model(tmp_path / 'quarter.pth', tmp_path, format='mmseg')
    with pytest.raises(ValueError, match='torchvision, timm, mmseg, safetensors, got'):
        publish_model(checkpoint, tmp_path, format='keras')
    monkeypatch.setattr('importlib.util.find_spec', lambda name: None)
    with pytest.raises(ImportError, match=r'pip install "poodle_mm\[export\]"'):
        publish_model(checkpoint, tmp_path, format='safetensors')
