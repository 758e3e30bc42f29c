"""The authors' file, as it is, through our readouts and interfaces."""

import pytest
import torch

from poodle_mm.apis import load_encoder
from poodle_mm.apis.publish import publish_model
from poodle_mm.checkpoints import read_checkpoint
from poodle_mm.evaluation.evaluate import read_entries
from poodle_mm.registry import MODELS
from tests.test_checkpoints.authors import TINY_POODLE, save_authors_file, their_state, tiny_model
from tests.test_checkpoints.test_release import assert_same_tensors
from tests.test_evaluation.conftest import labelled_set  # noqa: F401


@pytest.fixture(scope='module')
def model():
    return tiny_model()


@pytest.fixture(scope='module')
def file(tmp_path_factory, model):
    folder = tmp_path_factory.mktemp('authors')
    return save_authors_file(folder / 'checkpoint-100.pth', their_state(model))


def parts(model, weights: str) -> tuple[dict, dict]:
    source = model if weights == 'online' else model.target.module
    get = (lambda k: source[k]) if weights == 'ema' else (lambda k: getattr(source, k))
    return get('backbone').state_dict(), get('neck').state_dict()


@pytest.mark.parametrize('weights', ['online', 'ema'])
def test_what_it_holds(file, model, weights):
    """MMEngine's own loading from the file gives the right network's tensors."""
    found = read_checkpoint(file, weights)
    assert found.path == str(file)
    assert found.backbone == TINY_POODLE['backbone']
    assert found.neck == dict(TINY_POODLE['neck'], type='poodle_mm.SpatialDecoderModule')
    for name, cfg, expected in zip(
        ('backbone', 'neck'), (found.backbone, found.neck), parts(model, weights)
    ):
        part = MODELS.build(dict(cfg, init_cfg=found.init_cfg(name)))
        part.init_weights()
        assert_same_tensors(part.state_dict(), expected)


@pytest.mark.parametrize(('weights', 'readout'), [('online', 'linear'), ('ema', 'upernet')])
def test_readouts(file, model, labelled_set, tmp_path, weights, readout):  # noqa: F811
    """The config of a readout trains; StrictLoadHook compares every tensor with the file."""
    pytest.importorskip('mmseg')
    from poodle_mm.evaluation.readout import readout_config, run_readout
    from tests.test_evaluation.tiny import CONFIGS

    (entry,) = read_entries([f'release={file}'], weights)
    cfg = readout_config(
        CONFIGS, 'scenes', readout, entry.encoder, tmp_path, labelled_set, size=(64, 128), iters=1
    )
    hook = next(h for h in cfg.custom_hooks if h['type'] == 'RecalibrateBatchNormHook')
    cfg.custom_hooks.remove(hook)  # it replaces the statistics, which are compared here
    assert cfg.model.backbone.init_cfg.checkpoint == f'poodle-release://{file}'
    cfg.train_dataloader.batch_size = 2
    cfg.log_level = 'ERROR'
    _, runner = run_readout(cfg)
    backbone, neck = parts(model, weights)
    assert_same_tensors(runner.model.backbone.state_dict(), backbone)
    if readout == 'linear':
        assert cfg.model.neck.upsample_first is False
        assert_same_tensors(runner.model.neck.state_dict(), neck)


def test_encoder_and_published_file(file, model, tmp_path):
    images = torch.randn(1, 3, 64, 64)
    model.eval()
    with torch.no_grad():
        expected = model.neck(model.backbone(images))[-1]
        assert torch.equal(load_encoder(file)(images), expected)
        published = publish_model(file, tmp_path, with_sdm=True)
        assert torch.equal(load_encoder(published)(images), expected)


@pytest.mark.parametrize('prefix', ['backbone.', 'target.module.backbone.'])
def test_start_of_another_pretraining(file, model, prefix):
    """``init_cfg`` of a pretraining config, with every tensor checked."""
    init = dict(type='Pretrained', checkpoint=f'poodle-release://{file}', prefix=prefix)
    other = tiny_model(1, backbone=dict(TINY_POODLE['backbone'], init_cfg=init))
    other.init_weights()
    weights = 'online' if prefix == 'backbone.' else 'ema'
    assert_same_tensors(other.backbone.state_dict(), parts(model, weights)[0])
    init['prefix'] = 'neck.'
    with pytest.raises(
        ValueError, match=r'does not fit the backbone:\n  missing \(\d+\): conv1\.weight'
    ):
        tiny_model(1, backbone=dict(TINY_POODLE['backbone'], init_cfg=init)).init_weights()


def test_strange_tensors_are_refused_with_the_file(tmp_path, model):
    path = save_authors_file(
        tmp_path / 'checkpoint-1.pth', their_state(model) | {'head.weight': torch.ones(1)}
    )
    with pytest.raises(ValueError, match=r'checkpoint-1\.pth: 1 tensors are not.*head\.weight'):
        read_checkpoint(path)
