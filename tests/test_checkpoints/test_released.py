"""Published weights by name: every layout is read whole, and nothing but whole files is taken."""

import hashlib
from dataclasses import replace
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer, SimpleHTTPRequestHandler
from pathlib import Path
from threading import Thread

import pytest
import torch
from mmengine.registry import DefaultScope
from mmpretrain.registry import MODELS as BACKBONES
from torchvision.models import resnet50

from poodle_mm.checkpoints import released_files
from poodle_mm.checkpoints.encoder_checkpoint import check_pretrained
from poodle_mm.checkpoints.released_files import (
    encoder_of,
    find_released,
    get_released,
    released_encoder,
    weights_folder,
)
from poodle_mm.checkpoints.released_weights import RELEASED, ReleasedWeights
from poodle_mm.checkpoints.resnet import infer_resnet
from poodle_mm.checkpoints.vit_keys import infer_vit, rename_vit
from poodle_mm.evaluation.evaluate import read_entries
from poodle_mm.evaluation.published import PUBLISHED, PUBLISHED_CLASSES, PUBLISHED_GROUPS
from poodle_mm.evaluation.released_list import released_list
from tests.test_checkpoints.authors import their_state, tiny_model

SMALL = {
    'R50': dict(type='mmpretrain.ResNet', depth=18, stem_channels=8, base_channels=8),
    'ViT-S': dict(
        type='mmpretrain.VisionTransformer',
        arch=dict(embed_dims=64, num_layers=2, num_heads=1, feedforward_channels=256),
        img_size=64,
        patch_size=16,
    ),
}
TIMM = (
    ('patch_embed.projection.', 'patch_embed.proj.'),
    ('.ffn.layers.0.0.', '.mlp.fc1.'),
    ('.ffn.layers.1.', '.mlp.fc2.'),
    ('layers.', 'blocks.'),
    ('.ln', '.norm'),
)
MMSELFSUP = """
default_scope = 'mmselfsup'
model = dict(type='DenseCL', backbone=dict(type='ResNet', depth=50, out_indices=[4]))
"""


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """The encoders of the entries, small."""
    monkeypatch.setattr(released_files, '_ENCODERS', SMALL)


def build(arch: str, **options) -> torch.nn.Module:
    torch.manual_seed(3)
    return BACKBONES.build(dict(SMALL[arch], **options))


def timm_names(state: dict) -> dict:
    """A ViT of ours under the names of DINO and timm, with a classifier."""
    found = {'head.weight': torch.zeros(3, 64)}
    for key, value in state.items():
        for ours, theirs in TIMM:
            key = key.replace(ours, theirs)
        found[f'norm.{key[4:]}' if key.startswith('ln1.') else key] = value
    return found


def content(weights: ReleasedWeights, state: dict) -> dict:
    """A file as the entry's project writes it."""
    if weights.keys.startswith('torchvision'):
        return {**state, 'fc.weight': torch.zeros(3, 64)}
    if weights.keys.startswith('mmpretrain'):
        others = {'neck.0.weight': torch.zeros(2), 'encoder_k.module.0.conv1.weight': torch.ones(1)}
        state = {f'backbone.{k}': v for k, v in state.items()} | others
        return dict(meta=dict(cfg=MMSELFSUP), state_dict=state)
    state = timm_names(state)
    return {
        'timm, under model': dict(model=state),
        'DINO': state,
        'DINO, under state_dict': dict(state_dict=state),
    }[weights.keys]


def write(weights: ReleasedWeights, folder: Path) -> dict:
    """The file of an entry; returns our encoder's tensors."""
    path = folder / weights.file
    if weights.keys == "PooDLe's authors":
        model = tiny_model(backbone=SMALL['R50'] | dict(out_indices=(1, 2, 3)))
        theirs = their_state(model)
        if weights.method == 'FlowE':
            model = tiny_model(neck=None, pooled_head=None)
            theirs = their_state(model, flowe=True)
        torch.save(dict(model=theirs, epoch=1), path)
        return model.backbone.state_dict()
    state = build(weights.arch).state_dict()
    torch.save(content(weights, state), path)
    return state


@pytest.mark.parametrize('name', RELEASED)
def test_every_layout(name, tmp_path, monkeypatch):
    """Found by name, inferred, loaded by MMEngine and by us, bit by bit, to the last key."""
    weights = RELEASED[name]
    expected = write(weights, tmp_path)
    if weights.sha256:
        found = hashlib.sha256((tmp_path / weights.file).read_bytes()).hexdigest()[:8]
        monkeypatch.setitem(RELEASED, name, replace(weights, sha256=found))
    (entry,) = read_entries([f'row={name}'], weights_dir=tmp_path)
    assert entry.name == 'row' and entry.encoder.path == str(tmp_path / weights.file)
    cfg = dict(entry.encoder.backbone, init_cfg=entry.encoder.init_cfg())
    with DefaultScope.overwrite_default_scope('poodle_mm'):
        encoder = BACKBONES.build(cfg)
    encoder.init_weights()
    check_pretrained(encoder, equal=True)
    assert encoder.state_dict().keys() == expected.keys()
    for key, value in encoder.state_dict().items():
        assert torch.equal(value, expected[key]), key
    has_decoder = weights.method == 'PooDLe'
    assert (entry.encoder.neck is not None) == has_decoder
    if weights.keys == "PooDLe's authors":
        teacher = released_encoder(name, tmp_path, 'ema')
        assert teacher.backbone_prefix == 'target.module.backbone.'
    else:
        with pytest.raises(ValueError, match='no target network'):
            released_encoder(name, tmp_path, 'ema')


@pytest.mark.parametrize('name', ['dino-r50-in1k', 'dino-vit-s16-in1k', 'poodle-r50-bdd'])
def test_nothing_is_silently_missing(name, tmp_path):
    """A tensor less, another shape, NaN, another network: each is an error that names it."""
    weights = replace(RELEASED[name], sha256=None)
    path = tmp_path / weights.file
    write(weights, tmp_path)
    whole = torch.load(path)
    state = whole.get('model', whole)
    key = next(k for k in state if k.endswith(('layer3.1.conv2.weight', 'blocks.1.mlp.fc2.bias')))
    removed = state.pop(key)
    torch.save(whole, path)
    with pytest.raises(ValueError, match=r'missing \(1\)'):
        encoder_of(weights, path)
    state[key] = removed[:1]
    torch.save(whole, path)
    with pytest.raises(ValueError, match='of another shape'):
        encoder_of(weights, path)
    state[key] = torch.full_like(removed, torch.nan)
    torch.save(whole, path)
    with pytest.raises(ValueError, match=r'1 tensors are not finite'):
        encoder_of(weights, path)
    other = RELEASED['dino-vit-s16-in1k' if weights.arch == 'R50' else 'dino-r50-in1k']
    torch.save(content(other, build(other.arch).state_dict()), path)
    with pytest.raises(ValueError, match=f'and {name} is'):
        encoder_of(weights, path)


def test_sizes_of_the_real_networks(monkeypatch):
    """torchvision's ResNet-50 and timm's DeiT-S are what the entries expect."""
    monkeypatch.undo()
    timm = pytest.importorskip('timm')
    resnet = resnet50().state_dict()
    vit = rename_vit(timm.create_model('deit_small_patch16_224').state_dict())
    assert infer_resnet(resnet) == released_files._ENCODERS['R50']
    assert infer_vit(vit) == released_files._ENCODERS['ViT-S']


class Torn(BaseHTTPRequestHandler):
    """Sends half of the file and hangs up."""

    def __init__(self, *args, directory: str) -> None:
        self.directory = directory
        super().__init__(*args)

    def do_GET(self) -> None:
        data = Path(self.directory, self.path.lstrip('/')).read_bytes()
        self.send_response(200)
        self.send_header('Content-Length', str(len(data)))
        self.end_headers()
        self.wfile.write(data[: len(data) // 2])

    log_message = SimpleHTTPRequestHandler.log_message


@pytest.fixture
def serve(tmp_path, monkeypatch):
    """A function from a handler to an entry whose file a local server sends."""
    servers = []
    (tmp_path / 'web').mkdir()
    (tmp_path / 'here').mkdir()

    def make(handler=SimpleHTTPRequestHandler, **changes) -> ReleasedWeights:
        handler = partial(handler, directory=str(tmp_path / 'web'))
        servers.append(HTTPServer(('127.0.0.1', 0), handler))
        Thread(target=servers[-1].serve_forever, daemon=True).start()
        weights = RELEASED['dino-r50-in1k']
        write(weights, tmp_path / 'web')
        url = f'http://127.0.0.1:{servers[-1].server_port}/{weights.file}'
        weights = replace(weights, url=url, **changes)
        monkeypatch.setitem(RELEASED, weights.name, weights)
        return weights

    yield make
    for server in servers:
        server.shutdown()
        server.server_close()


def test_downloaded_once(serve, tmp_path):
    weights = serve()
    place = tmp_path / 'here'
    path = find_released(weights.name, place)
    assert path.read_bytes() == (tmp_path / 'web' / weights.file).read_bytes()
    (tmp_path / 'web' / weights.file).unlink()
    assert get_released(weights.name, place) == path
    assert [file.name for file in place.iterdir()] == [weights.file]
    (block,) = (b for b in released_list(place).split('\n\n') if b.startswith(f'{weights.name} ['))
    assert block.startswith(f'{weights.name} [here]')
    assert '\n  paper    Table 2: DINO R50, 800 epochs, IN1K\n' in block
    assert '\n  what     DINO, R50, ImageNet-1k, 800 epochs\n' in block
    assert '[not here]' in released_list(tmp_path) and '[here]' not in released_list(tmp_path)


@pytest.mark.parametrize('hash_known', [False, True])
def test_half_a_file_is_not_taken(serve, tmp_path, hash_known):
    """Neither with a hash nor without; nothing is left in the folder."""
    weights = serve(Torn, sha256='00000000' if hash_known else None)
    with pytest.raises((ValueError, FileNotFoundError), match=r'not taken|cannot download'):
        find_released(weights.name, tmp_path / 'here')
    assert not list((tmp_path / 'here').iterdir())


def test_another_file_in_its_place(tmp_path):
    """A file that was put there is compared with the hash of its name."""
    weights = RELEASED['supervised-r50-in1k']
    write(weights, tmp_path)
    with pytest.raises(ValueError, match=r'SHA-256 begins with .* Delete it'):
        find_released(weights.name, tmp_path)


def test_without_network(tmp_path, monkeypatch):
    """The message has address, name and folder; that of a page what to do there."""
    monkeypatch.setenv('TORCH_HOME', str(tmp_path))
    place = tmp_path / 'hub' / 'checkpoints'
    assert weights_folder() == place and weights_folder('x') == Path('x')

    def offline(*_):
        raise OSError('no route')

    monkeypatch.setattr(torch.hub, 'download_url_to_file', offline)
    weights = RELEASED['ibot-vit-s16-in1k']
    with pytest.raises(FileNotFoundError) as error:
        read_entries([weights.name])
    for words in ('no route', weights.url, str(place / weights.file)):
        assert words in str(error.value)
    with pytest.raises(FileNotFoundError, match=r'byol-convert.*pretrain_res50x1\.pth\.tar'):
        find_released('byol-r50-in1k')
    with pytest.raises(FileNotFoundError, match='did you mean dino-vit-s16-in1k'):
        read_entries(['dino-vit-s16'])
    with pytest.raises(ValueError, match='there are supervised-r50-in1k'):
        get_released('dino')


def test_a_folder_of_the_name_is_no_file(tmp_path, monkeypatch):
    name = 'byol-r50-in1k'
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv('TORCH_HOME', str(tmp_path))
    Path(name).mkdir()
    with pytest.raises(FileNotFoundError, match=f'{name} is not here'):
        read_entries([name])
    Path(name).rmdir()
    torch.save(dict(state_dict=resnet50().state_dict()), name)
    assert read_entries([name])[0].encoder.path == name


def test_rows_and_addresses():
    """Rows are printed in the tables that are named; a hash stands in the file's public name."""
    printed = {
        (row.table, row.method, row.arch, row.epochs, row.pretrain)
        for rows in (PUBLISHED, PUBLISHED_GROUPS, PUBLISHED_CLASSES)
        for suite in rows.values()
        for row in suite
        if row.edition == 'seed'
    }
    for weights in RELEASED.values():
        assert bool(weights.row) == bool(weights.tables)
        for table in weights.tables:
            method, arch, epochs, pretrain = weights.row
            epochs = '-' if table in (3, 6) else epochs
            assert (table, method, arch, epochs, pretrain) in printed, weights.name
        if weights.sha256:
            assert weights.file.endswith(f'-{weights.sha256}.pth')
            assert weights.url.endswith(f'/{weights.file}')
        assert weights.url or weights.note or weights.page
    assert len({weights.file for weights in RELEASED.values()}) == len(RELEASED)
