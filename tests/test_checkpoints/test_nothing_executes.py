"""Four kinds of payload, in every way in which a file is opened: none of them runs."""

import itertools
import os
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.runner import CheckpointLoader, Runner
from mmpretrain.models import ResNet

from poodle_mm import apis
from poodle_mm.checkpoints import (
    allow_encoder,
    allowed_types,
    load_from_local,
    loaders,
    read_checkpoint,
)
from poodle_mm.checkpoints.allowed_types import check_types
from poodle_mm.engine.evaluate import evaluate_losses
from poodle_mm.engine.resumable import find_resumable
from poodle_mm.registry import register_all_modules
from tests.test_checkpoints.test_safe_load import Calls
from tests.test_engine.toy_pairs import toy_config

_COUNT = itertools.count()


def touch(marker: Path) -> str:
    return f'touch {marker}'


def pickled(content: dict, marker: Path) -> None:
    content['args'] = Calls(os.system, touch(marker))


def executed_config(content: dict, marker: Path) -> None:
    content['meta']['config'] = f'import os\nos.system({touch(marker)!r})\ngpu_ids = [0]\n'


def executed_cfg(content: dict, marker: Path) -> None:
    text = f"__import__('os').system({touch(marker)!r})"
    content['meta']['cfg'] = f'x = {text}\n' + content['meta'].get('cfg', '')


def named_type(content: dict, marker: Path) -> None:
    model = dict(backbone=dict(type='os.system', command=touch(marker)))
    content['meta']['cfg'] = f'model = {model!r}\n'


PAYLOADS = [pickled, executed_config, executed_cfg, named_type]


@pytest.fixture(scope='module')
def run(tmp_path_factory) -> Path:
    """Checkpoint of a finished toy run."""
    register_all_modules()
    folder = tmp_path_factory.mktemp('run')
    train(folder)
    return folder / 'epoch_2.pth'


def train(folder: Path, **overrides) -> Runner:
    cfg = toy_config(folder, experiment_name=f'nothing_{next(_COUNT)}', **overrides)
    runner = Runner.from_cfg(cfg)
    runner.train()
    return runner


def init(path: Path, folder: Path) -> None:
    cfg = dict(type='Pretrained', checkpoint=str(path), prefix='backbone.')
    ResNet(18, stem_channels=16, base_channels=16, init_cfg=cfg).init_weights()


WAYS = dict(
    read_checkpoint=lambda path, _: read_checkpoint(path),
    load_encoder=lambda path, _: apis.load_encoder(path),
    publish=lambda path, folder: apis.publish_model(path, folder),
    evaluate=lambda path, folder: evaluate_losses(toy_config(folder), path, 1),
    init_cfg=init,
    load_from=lambda path, folder: train(folder, load_from=str(path)),
    resume=lambda path, folder: train(
        folder, load_from=str(path), resume=True, train_cfg=dict(by_epoch=True, max_epochs=3)
    ),
    find=lambda path, _: find_resumable(path.parent),
)


@pytest.mark.parametrize('way', WAYS)
@pytest.mark.parametrize('payload', PAYLOADS)
def test_payloads_do_not_run(run, tmp_path, payload, way):
    marker, path = tmp_path / 'executed', tmp_path / 'epoch_2.pth'
    content = torch.load(run, weights_only=False)
    payload(content, marker)
    torch.save(content, path)
    refuses = payload is named_type and way in ('read_checkpoint', 'load_encoder', 'publish')
    if refuses:
        with pytest.raises(ValueError, match=r"an encoder of type 'os\.system'"):
            WAYS[way](path, tmp_path / 'out')
    else:
        WAYS[way](path, tmp_path / 'out')  # and it works: the rest of the file is good
    assert not marker.exists()


def test_the_payloads_are_payloads(run, tmp_path):
    """Read as MMEngine and pickle read by themselves, each leaves its mark."""
    for payload in PAYLOADS:
        marker, path = tmp_path / payload.__name__, tmp_path / 'x.pth'
        content = torch.load(run, weights_only=False)
        payload(content, marker)
        torch.save(content, path)
        meta = torch.load(path, weights_only=False)['meta']
        if payload is named_type:
            backbone = dict(Config.fromstring(meta['cfg'], '.py').model.backbone)
            assert backbone.pop('type') == 'os.system'
            os.system(**backbone)
        elif payload is not pickled:
            Config.fromstring(meta['config' if payload is executed_config else 'cfg'], '.py')
        assert marker.exists(), payload.__name__


@pytest.mark.parametrize(
    ('cfg', 'message'),
    [
        (dict(type='os.system'), r"'os\.system'"),
        (dict(type=['mmpretrain.ResNet']), 'encoder of type'),
        (dict(), 'encoder of type None'),
        (dict(type='mmpretrain.ResNet', norm_cfg=dict(type='os.system')), 'norm_cfg of type'),
        (dict(type='mmpretrain.ResNet', a=[dict(b=(dict(type='x.y'),))]), "b of type 'x.y'"),
        (dict(type='mmpretrain.ResNet', _scope_='os'), "the key '_scope_'"),
    ],
)
def test_types_of_a_file(cfg, message):
    with pytest.raises(ValueError, match=message):
        check_types(cfg, 'x.pth')


def test_own_encoders_can_be_allowed(monkeypatch):
    monkeypatch.setattr(allowed_types, '_ENCODERS', set(allowed_types._ENCODERS))
    cfg = dict(type='mine.Net', norm_cfg=dict(type='SyncBN', requires_grad=True), widths=[1, 2])
    with pytest.raises(ValueError, match='allow_encoder'):
        check_types(cfg, 'x.pth')
    allow_encoder('mine.Net')
    check_types(cfg, 'x.pth')


def test_our_reader_is_mmengines():
    for name in ('x.pth', '/a/b.pth', 'a:b'):
        assert CheckpointLoader._get_checkpoint_loader(name) is load_from_local
    assert CheckpointLoader._get_checkpoint_loader('https://x') is loaders.load_from_http


def test_downloaded_files_too(tmp_path, monkeypatch):
    """Downloaded once; without a network the message says where the file belongs."""
    marker, served = tmp_path / 'executed', tmp_path / 'served.pth'
    torch.save(dict(w=torch.ones(2), args=Calls(os.system, touch(marker))), served)
    monkeypatch.setattr(torch.hub, 'get_dir', lambda: str(tmp_path / 'hub'))
    calls = []

    def download(url, target, digest):
        calls.append((url, digest))
        Path(target).write_bytes(served.read_bytes())

    def offline(url, target, digest):
        raise OSError('no network')

    url = 'https://example.org/net-0123abcd.pth?x=1'
    place = tmp_path / 'hub/checkpoints/net-0123abcd.pth'
    monkeypatch.setattr(torch.hub, 'download_url_to_file', offline)
    with pytest.raises(FileNotFoundError, match=rf'no network\).*put it at {place}'):
        CheckpointLoader.load_checkpoint(url)
    monkeypatch.setattr(torch.hub, 'download_url_to_file', download)
    for _ in range(2):
        assert torch.equal(CheckpointLoader.load_checkpoint(url)['w'], torch.ones(2))
    assert calls == [(url, '0123abcd')] and not marker.exists()
    monkeypatch.setattr(loaders, 'get_torchvision_models', lambda: dict(net=url))
    assert torch.equal(CheckpointLoader.load_checkpoint('torchvision://net')['w'], torch.ones(2))
    with pytest.raises(ValueError, match='no weights of this name'):
        CheckpointLoader.load_checkpoint('torchvision://other')
