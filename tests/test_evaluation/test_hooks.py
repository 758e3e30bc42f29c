"""What the hooks refuse, in MMSegmentation's own runner."""

import pytest
import torch
from mmengine.runner import Runner

from tests.test_evaluation.tiny import build_config, save_checkpoint

pytest.importorskip('poodle_mm.evaluation.segmentation', reason='needs MMSegmentation')


@pytest.fixture
def checkpoint(tmp_path):
    """A whole checkpoint."""
    save_checkpoint(tmp_path / 'whole.pth')
    return tmp_path / 'whole.pth'


@pytest.mark.parametrize(
    ('key', 'part'),
    [('backbone.layer4.1.bn2.bias', 'backbone'), ('neck.blocks.0.lateral.weight', 'neck')],
)
def test_missing_key_is_listed(labelled_set, tmp_path, checkpoint, key, part):
    """MMEngine trains on with a random tensor; the hook names file, part and key."""
    cfg = build_config(checkpoint, labelled_set, tmp_path / 'run')
    save_checkpoint(checkpoint, drop=[key])
    with pytest.raises(ValueError, match=rf'(?s)whole\.pth does not fit the {part}.*{key[9:]}'):
        Runner.from_cfg(cfg).train()


def test_network_of_another_width(labelled_set, tmp_path, checkpoint):
    """A tensor of another shape is skipped by MMEngine and refused here."""
    cfg = build_config(checkpoint, labelled_set, tmp_path / 'run', 'linear-encoder')
    cfg.model.backbone.base_channels = 16
    cfg.model.decode_head.in_channels = 128
    with pytest.raises(ValueError, match='of another shape'):
        Runner.from_cfg(cfg).train()


def test_part_that_changed_after_loading(labelled_set, tmp_path, checkpoint):
    """An initialisation that runs after the loading is noticed by value."""
    runner = Runner.from_cfg(build_config(checkpoint, labelled_set, tmp_path / 'run'))
    init = runner.model.init_weights

    def and_spoil():
        init()
        runner.model.backbone.layer2[0].conv1.weight.data[0] += 1

    runner.model.init_weights = and_spoil
    with pytest.raises(ValueError, match=r'backbone was not loaded.*layer2\.0\.conv1\.weight'):
        runner.train()


@pytest.mark.parametrize('spoil', ['gradient', 'mode', 'drift'])
def test_frozen_part_that_would_learn(labelled_set, tmp_path, checkpoint, spoil, monkeypatch):
    """Parameters with gradient, norms in train mode, buffers that moved: each is an error."""
    from poodle_mm.evaluation.segmentation import FrozenEncoderDecoder

    runner = Runner.from_cfg(build_config(checkpoint, labelled_set, tmp_path / 'run'))
    neck = runner.model.neck
    if spoil == 'gradient':
        neck.blocks[0].lateral.weight.requires_grad_(True)
        match = r'model\.neck must be frozen.*blocks\.0\.lateral\.weight'
    elif spoil == 'mode':
        monkeypatch.setattr(FrozenEncoderDecoder, 'train', torch.nn.Module.train)
        runner.model.backbone.norm_eval = False
        runner.model.backbone.frozen_stages = -1
        match = r'model\.backbone must be frozen.*train mode'
    else:
        loss = runner.model.loss

        def drifting(*args):
            neck.blocks[0].block.bn1.running_mean += 1e-3
            return loss(*args)

        runner.model.loss = drifting
        match = r'changed during training.*neck\.blocks\.0\.block\.bn1\.running_mean'
    with pytest.raises(ValueError, match=match):
        runner.train()


def test_whole_checkpoint_of_another_model(labelled_set, tmp_path, checkpoint):
    """Testing with a file that lacks the head is an error, not a random head."""
    cfg = build_config(checkpoint, labelled_set, tmp_path / 'run')
    cfg.load_from = str(checkpoint)
    with pytest.raises(ValueError, match='does not fit the model'):
        Runner.from_cfg(cfg).test()


def test_another_number_of_classes(labelled_set, tmp_path, checkpoint):
    """A head of 11 classes on 19-class data, in training and in testing."""
    cfg = build_config(checkpoint, labelled_set, tmp_path / 'run')
    cfg.model.decode_head.num_classes = 11
    with pytest.raises(ValueError, match=r'decode_head\.num_classes is 11.*19 classes'):
        Runner.from_cfg(cfg).train()
    with pytest.raises(ValueError, match=r'decode_head\.num_classes is 11.*test_dataloader'):
        Runner.from_cfg(cfg).test()
