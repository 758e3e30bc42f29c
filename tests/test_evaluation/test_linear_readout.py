"""Linear readout: what is frozen stays, what is loaded fits, what is learned is scored."""

import copy
from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from mmengine.hooks import Hook
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from mmengine.structures import PixelData

from poodle_mm.checkpoints import load_part, read_checkpoint
from poodle_mm.evaluation.evaluate import read_entries
from poodle_mm.evaluation.readout import readout_config, run_readout
from poodle_mm.registry import MODELS
from tests.test_evaluation.tiny import BACKBONE, CONFIGS, NECK, TEXT, build_config, save_checkpoint

seg = pytest.importorskip('poodle_mm.evaluation.segmentation', reason='needs MMSegmentation')
SegDataSample = pytest.importorskip('mmseg.structures').SegDataSample
bn_module = pytest.importorskip('poodle_mm.evaluation.segmentation.hooks')

DECODER_KEY = 'neck.blocks.0.lateral.weight'


@pytest.fixture
def checkpoint(tmp_path):
    """A whole checkpoint."""
    save_checkpoint(tmp_path / 'whole.pth')
    return tmp_path / 'whole.pth'


class Snapshot(Hook):
    """Copies the model's state once the frozen features are ready."""

    priority = 'LOW'

    def before_train_epoch(self, runner):
        self.state = copy.deepcopy(runner.model.state_dict())


@pytest.mark.parametrize('readout', ['linear-encoder', 'linear', 'upernet'])
def test_only_the_head_changes(labelled_set, tmp_path, checkpoint, readout):
    """Weights and buffers of encoder and decoder are bit-equal after training."""
    loaded = torch.load(checkpoint, weights_only=True)['state_dict']
    runner = Runner.from_cfg(build_config(checkpoint, labelled_set, tmp_path / 'run', readout))
    snapshot = Snapshot()
    runner.register_hook(snapshot)
    runner.train()
    after = runner.model.state_dict()
    assert set(after) == set(snapshot.state)
    for name, value in after.items():
        head = 'head' in name.split('.')[0]
        if not head:
            assert torch.equal(value, snapshot.state[name]), name
            if not name.split('.')[-1].startswith(('running', 'num_batches')):
                assert torch.equal(value, loaded[name]), f"{name} is not the checkpoint's"
    trained = {n.split('.')[0] for n, p in runner.model.named_parameters() if p.requires_grad}
    assert trained == {'decode_head'} | ({'auxiliary_head'} if readout == 'upernet' else set())
    assert not torch.equal(
        after['decode_head.conv_seg.weight'], snapshot.state['decode_head.conv_seg.weight']
    )
    assert not any(m.training for m in runner.model.backbone.modules())
    assert runner.model.with_neck == (readout == 'linear')


def test_both_readouts_have_stride_8(labelled_set, tmp_path, checkpoint):
    """Encoder alone (dilated) and encoder + SDM give maps of the same size and width."""
    from mmseg.registry import MODELS as MMSEG_MODELS

    shapes = set()
    for readout in ('linear', 'linear-encoder'):
        cfg = build_config(checkpoint, labelled_set, tmp_path, readout)
        init_default_scope('mmseg')
        model = MMSEG_MODELS.build(cfg.model)
        shapes.add(model.extract_feat(torch.zeros(1, 3, 64, 128))[-1].shape)
    assert shapes == {(1, 64, 8, 16)}


@pytest.mark.parametrize(('stage', 'stride', 'channels'), [(2, 8, 16), (3, 16, 32), (4, 32, 64)])
def test_a_stage_is_read_as_it_was_trained(
    labelled_set, tmp_path, checkpoint, stage, stride, channels
):
    """Its own stride and width; equal to the map of the whole encoder."""
    cfg = build_config(checkpoint, labelled_set, tmp_path, f'linear-stage{stage}')
    init_default_scope('mmseg')
    model = seg.FrozenEncoderDecoder(**{k: v for k, v in cfg.model.items() if k != 'type'})
    model.init_weights()
    image = torch.randn(1, 3, 64, 128, generator=torch.Generator().manual_seed(0))
    (found,) = model.eval().extract_feat(image)
    assert found.shape == (1, channels, 64 // stride, 128 // stride)
    init_default_scope('poodle_mm')
    encoder = MODELS.build(BACKBONE)
    load_part(encoder, checkpoint, 'backbone.')
    encoder.eval()
    with torch.no_grad():
        torch.testing.assert_close(found, encoder(image)[stage - 2])


def test_decoder_keeps_the_maps_it_was_trained_on(labelled_set, tmp_path):
    """An encoder of stride 16 with one decoder block; alone it is dilated like any other."""
    own = dict(BACKBONE, strides=(1, 2, 2, 1), out_indices=(1, 3))
    neck = dict(type='SpatialDecoderModule', in_channels=[16, 64])
    text = TEXT.replace(repr(BACKBONE), repr(own)).replace(repr(NECK), repr(neck))
    init_default_scope('poodle_mm')
    state = {}
    for name, cfg in dict(backbone=own, neck=neck).items():
        state |= {f'{name}.{k}': v for k, v in MODELS.build(cfg).state_dict().items()}
    checkpoint = tmp_path / 'stride16.pth'
    torch.save(dict(meta=dict(cfg=text), state_dict=state), checkpoint)

    kept = build_config(checkpoint, labelled_set, tmp_path, 'linear')
    assert tuple(kept.model.backbone.strides) == (1, 2, 2, 1)
    assert tuple(kept.model.backbone.out_indices) == (1, 3)
    _, runner = run_readout(kept)
    feats = runner.model.extract_feat(torch.zeros(1, 3, 64, 128))
    assert feats[-1].shape == (1, 64, 8, 16)
    alone = build_config(checkpoint, labelled_set, tmp_path, 'linear-encoder')
    assert tuple(alone.model.backbone.strides) == (1, 2, 1, 1)
    assert tuple(alone.model.backbone.out_indices) == (3,)


def test_learns_two_bands_and_reports_by_group(labelled_set, tmp_path, checkpoint):
    """Sky above road is separable by random features; metrics agree with each other."""
    groups = dict(small=['sky'], large=['road', 'pole'])
    cfg = build_config(checkpoint, labelled_set, tmp_path, 'linear-encoder', True, iters=60)
    cfg.test_evaluator.groups = groups
    metrics, runner = run_readout(cfg)
    classes = metrics['per_class']
    assert metrics['acc'] > 90
    assert metrics['small'] == pytest.approx(classes['sky'])
    assert metrics['large'] == pytest.approx(classes['road'])
    assert np.isnan(classes['pole'])  # neither labelled nor predicted
    present = [v for v in classes.values() if np.isfinite(v)]
    assert metrics['miou'] == pytest.approx(np.mean(present))
    assert runner.iter == 60


def test_batch_norm_statistics_by_hand():
    """Equal batches: the mean is that of all frames, the variance the batches' average."""
    torch.manual_seed(0)
    frames = 3 + 2 * torch.randn(12, 3, 8, 8)
    net = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 1), torch.nn.BatchNorm2d(4, momentum=0.3))
    net[1].running_mean.fill_(9)
    weight = net[0].weight.clone()
    bn_module.recalibrate_batch_norm(net, frames.split(4))
    with torch.no_grad():
        maps = net[0](frames)
    np.testing.assert_allclose(net[1].running_mean, maps.mean((0, 2, 3)), rtol=1e-4)
    variance = torch.stack([m.var((0, 2, 3)) for m in maps.split(4)]).mean(0)
    np.testing.assert_allclose(net[1].running_var, variance, rtol=1e-4)
    assert net[1].momentum == 0.3 and not net.training
    assert torch.equal(net[0].weight, weight)


def test_random_weights_get_statistics_too(labelled_set, tmp_path, checkpoint):
    """Without weights the norms are measured on clean training images as well."""
    _, runner = run_readout(build_config(checkpoint, labelled_set, tmp_path, random=True))
    norm = runner.model.backbone.bn1
    assert norm.num_batches_tracked == 1  # six images are less than one batch of 16
    images = runner.train_dataloader.dataset  # first as they are, then flipped
    batch = dict(inputs=[images[i]['inputs'] for i in range(6)])
    with torch.no_grad():
        maps = runner.model.backbone.conv1(runner.model.data_preprocessor(batch)['inputs'])
    np.testing.assert_allclose(norm.running_mean, maps.mean((0, 2, 3)), atol=1e-4)


def test_random_encoder_differs_by_seed(labelled_set, tmp_path, checkpoint):
    """Scratch baselines of several seeds are several networks."""
    weights = []
    for seed in (0, 0, 1):
        cfg = build_config(
            checkpoint, labelled_set, tmp_path, 'linear-encoder', True, iters=1, seed=seed
        )
        _, runner = run_readout(cfg)
        weights.append(runner.model.backbone.conv1.weight)
    assert torch.equal(weights[0], weights[1]) and not torch.equal(weights[0], weights[2])


def test_wrong_arguments(labelled_set, tmp_path, checkpoint):
    """Missing data, a decoder that is not there, sizes and splits that a suite does not have."""
    with pytest.raises(FileNotFoundError, match=r'images/train.*docs/data\.md'):
        build_config(checkpoint, tmp_path / 'nowhere', tmp_path)
    encoder = read_checkpoint(checkpoint)
    cfg = build_config(checkpoint, labelled_set, tmp_path)
    with pytest.raises(ValueError, match='no spatial decoder'):
        seg.set_encoder(cfg, replace(encoder, neck=None))
    arguments = (CONFIGS, 'bdd100k', 'linear', encoder, tmp_path)
    with pytest.raises(ValueError, match='random crops'):
        readout_config(*arguments, size=(64, 128))
    with pytest.raises(ValueError, match='one labelled split'):
        readout_config(*arguments, split='val')
    with pytest.raises(ValueError, match='det-c4'):
        readout_config(CONFIGS, 'camvid', 'det-c4', encoder, tmp_path)


def test_camvid_void_is_ignored(tmp_path):
    """Id 11 becomes 255 and there are 11 classes."""
    import cv2

    for kind in ('images', 'labels'):
        (tmp_path / kind / 'train').mkdir(parents=True)
    cv2.imwrite(str(tmp_path / 'images/train/a_1.jpg'), np.zeros((4, 6, 3), np.uint8))
    label = np.array([[0, 5, 10, 11]] * 2, np.uint8)
    cv2.imwrite(str(tmp_path / 'labels/train/a_1.png'), label)
    labels = seg.CamVidDataset(
        data_root=str(tmp_path),
        img_suffix='.jpg',
        data_prefix=dict(img_path='images/train', seg_map_path='labels/train'),
        pipeline=[dict(type='mmseg.LoadAnnotations')],
    )
    assert labels[0]['gt_seg_map'][0].tolist() == [0, 5, 10, 255]
    assert len(labels.metainfo['classes']) == len(labels.metainfo['palette']) == 11


def test_pretraining_does_not_import_mmseg():
    """MMSegmentation costs seconds: only the readout pays them."""
    import subprocess
    import sys

    code = (
        'import sys, poodle_mm.checkpoints, poodle_mm.evaluation.evaluate, poodle_mm.models, '
        'poodle_mm.engine, poodle_mm.experiments.demo.run, poodle_mm.apis; '
        'sys.exit("mmseg" in sys.modules)'
    )
    subprocess.run([sys.executable, '-c', code], check=True)


def test_rare_classes_weigh_more(labelled_set, tmp_path, checkpoint):
    """One over the root of the share of pixels, 1 on average over the labelled pixels."""
    labels = [
        cv2.imread(str(file), cv2.IMREAD_UNCHANGED)
        for file in (labelled_set / 'labels' / 'train').iterdir()
    ]
    counts = np.bincount(np.concatenate([label.ravel() for label in labels]), minlength=256)[:19]
    cfg = build_config(checkpoint, labelled_set, tmp_path, 'linear-weighted')
    weights = np.array(cfg.model.decode_head.class_weight)
    assert set(np.flatnonzero(weights)) == {0, 10} == set(np.flatnonzero(counts))
    assert (weights * counts).sum() / counts.sum() == pytest.approx(1, abs=1e-5)
    ratio = np.sqrt(counts[10] / counts[0])
    assert weights[0] / weights[10] == pytest.approx(ratio, rel=1e-4)
    plain = build_config(checkpoint, labelled_set, tmp_path, 'linear')
    assert 'class_weight' not in plain.model.decode_head
    _, runner = run_readout(cfg)
    head = runner.model.decode_head
    logits = torch.randn(2, 19, 8, 16, generator=torch.Generator().manual_seed(0))
    truth = torch.tensor([0, 10, 255, 10]).repeat(2, 8, 4)
    samples = [SegDataSample(gt_sem_seg=PixelData(data=t[None])) for t in truth]
    head.label_stride = 1
    found = head.loss_by_feat(logits, samples)['loss_ce']
    each = torch.nn.functional.cross_entropy(logits, truth, ignore_index=255, reduction='none')
    of_pixel = torch.tensor(weights, dtype=torch.float32)[truth.clamp(max=18)]
    assert float(found) == pytest.approx(
        float((each * of_pixel).sum() / (truth != 255).sum()), rel=1e-5
    )


def test_ceiling_is_trained_whole_and_read_out_again(labelled_set, tmp_path, checkpoint):
    """Its checkpoint is one like others: encoder and decoder come back to the last bit."""
    cfg = build_config(checkpoint, labelled_set, tmp_path, 'supervised', random=True)
    _, runner = run_readout(cfg)
    assert all(p.requires_grad for p in runner.model.parameters())
    file = tmp_path / 'iter_4.pth'
    again = build_config(file, labelled_set, tmp_path / 'again', 'linear')
    _, frozen = run_readout(again)
    trained, found = runner.model.state_dict(), frozen.model.state_dict()
    own = [k for k in found if k.split('.')[0] in ('backbone', 'neck') and 'running' not in k]
    own = [k for k in own if 'num_batches' not in k]
    assert own and all(torch.equal(trained[k], found[k]) for k in own)


def test_random_decoder_on_a_trained_encoder(labelled_set, tmp_path, checkpoint):
    """The encoder is the checkpoint's, the decoder new; of random weights both are."""
    entries = read_entries(
        [f'trained={checkpoint}', 'scratch=none'], like=str(checkpoint), use_decoder='random'
    )
    state = torch.load(checkpoint, weights_only=True)['state_dict']
    for entry in entries:
        cfg = readout_config(
            CONFIGS, 'scenes', 'linear', entry.encoder, tmp_path / entry.name, labelled_set,
            size=(64, 128), iters=1,
        )  # fmt: skip
        cfg.log_level = 'ERROR'
        _, runner = run_readout(cfg)
        equal = {
            part: torch.equal(value, state[key])
            for part, key in (('encoder', 'backbone.conv1.weight'), ('decoder', DECODER_KEY))
            for value in [runner.model.state_dict()[key]]
        }
        assert equal == dict(encoder=entry.name == 'trained', decoder=False)
    with pytest.raises(ValueError, match='has no spatial decoder'):
        read_entries(['none'], use_decoder='random')
