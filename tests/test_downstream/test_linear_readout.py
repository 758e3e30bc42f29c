"""Linear readout: what is frozen stays, what is loaded fits, what is learned is scored."""

import copy

import numpy as np
import pytest
import torch
from mmengine.hooks import Hook
from mmengine.registry import init_default_scope

from poodle_mm.registry import MODELS

seg = pytest.importorskip('poodle_mm.downstream.segmentation', reason='needs MMSegmentation')
hook_module = pytest.importorskip('poodle_mm.downstream.segmentation.frozen_features_hook')

BACKBONE = dict(
    type='mmpretrain.ResNet', depth=18, stem_channels=8, base_channels=8, out_indices=(1, 2, 3)
)
NECK = dict(type='SpatialDecoderModule', in_channels=[16, 32, 64])


def build_config(root, work_dir, neck=NECK, **kwargs):
    """A readout that takes a second."""
    arguments = dict(size=(64, 128), batch_size=2, max_iters=4, lr=0.02) | kwargs
    cfg = seg.linear_readout_config(BACKBONE, neck, 'scenes', root, work_dir, **arguments)
    cfg.log_level = 'ERROR'
    return cfg


def save_checkpoint(path, drop=(), scale=1.0):
    """Weights of an encoder and an SDM, as a pretraining saves them."""
    init_default_scope('poodle_mm')
    torch.manual_seed(7)
    parts = dict(backbone=MODELS.build(BACKBONE), neck=MODELS.build(NECK))
    for part in parts.values():
        for parameter in part.parameters():
            torch.nn.init.normal_(parameter, std=0.1)
    state = {f'{p}.{k}': v for p, m in parts.items() for k, v in m.state_dict().items()}
    state['dense_head.projector.weight'] = torch.zeros(1)
    torch.save(dict(state_dict={k: v for k, v in state.items() if k not in drop}), path)
    return state


class Snapshot(Hook):
    """Copies the model's state once the frozen features are ready."""

    priority = 'LOW'

    def before_train_epoch(self, runner):
        self.state = copy.deepcopy(runner.model.state_dict())


@pytest.mark.parametrize('neck', [None, NECK], ids=['encoder', 'encoder_sdm'])
def test_only_the_head_changes(labelled_set, tmp_path, neck):
    """Weights and buffers of backbone and neck are bit-equal after training."""
    from mmengine.runner import Runner

    checkpoint = tmp_path / 'pretrained.pth'
    loaded = save_checkpoint(checkpoint)
    cfg = build_config(labelled_set, tmp_path / 'run', neck, checkpoint=checkpoint)
    runner = Runner.from_cfg(cfg)
    snapshot = Snapshot()
    runner.register_hook(snapshot)
    runner.train()
    after = runner.model.state_dict()
    assert set(after) == set(snapshot.state)
    for name, value in after.items():
        same = torch.equal(value, snapshot.state[name])
        assert same != name.startswith('decode_head'), name
        if not name.startswith('decode_head') and not name.split('.')[-1].startswith(
            ('running', 'num_batches')
        ):
            assert torch.equal(value, loaded[name]), f"{name} is not the checkpoint's"
    trained = {n for n, p in runner.model.named_parameters() if p.requires_grad}
    assert trained == {'decode_head.conv_seg.weight', 'decode_head.conv_seg.bias'}
    assert not any(m.training for m in runner.model.backbone.modules())


def test_both_readouts_have_stride_8(labelled_set, tmp_path):
    """Encoder alone (dilated) and encoder + SDM give maps of the same size and width."""
    from mmseg.registry import MODELS as MMSEG_MODELS

    shapes = set()
    for neck in (None, NECK):
        cfg = build_config(labelled_set, tmp_path, neck)
        init_default_scope('mmseg')
        model = MMSEG_MODELS.build(cfg.model)
        shapes.add(model.extract_feat(torch.zeros(1, 3, 64, 128))[-1].shape)
    assert shapes == {(1, 64, 8, 16)}


def test_learns_two_bands_and_reports_by_group(labelled_set, tmp_path):
    """Sky above road is separable by random features; figures agree with each other."""
    cfg = build_config(
        labelled_set, tmp_path, None, max_iters=60, groups=dict(small=[10], large=[0, 5])
    )
    metrics, runner = seg.linear_readout(cfg)
    classes = metrics['per_class']
    assert metrics['acc'] > 90
    assert metrics['small'] == classes['sky'] and metrics['large'] == classes['road']
    assert np.isnan(classes['pole'])  # neither labelled nor predicted
    present = [v for v in classes.values() if np.isfinite(v)]
    assert metrics['miou'] == pytest.approx(np.mean(present), abs=0.006)
    assert runner.iter == 60


def test_batch_norm_statistics_by_hand():
    """Equal batches: the mean is that of all frames, the variance the batches' average."""
    torch.manual_seed(0)
    frames = 3 + 2 * torch.randn(12, 3, 8, 8)
    net = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 1), torch.nn.BatchNorm2d(4, momentum=0.3))
    net[1].running_mean.fill_(9)
    weight = net[0].weight.clone()
    hook_module.recalibrate_batch_norm(net, frames.split(4))
    with torch.no_grad():
        maps = net[0](frames)
    np.testing.assert_allclose(net[1].running_mean, maps.mean((0, 2, 3)), rtol=1e-4)
    variance = torch.stack([m.var((0, 2, 3)) for m in maps.split(4)]).mean(0)
    np.testing.assert_allclose(net[1].running_var, variance, rtol=1e-4)
    assert net[1].momentum == 0.3 and not net.training
    assert torch.equal(net[0].weight, weight)


def test_random_weights_get_statistics_too(labelled_set, tmp_path):
    """Without a checkpoint the norms are measured on clean training images as well."""
    _, runner = seg.linear_readout(build_config(labelled_set, tmp_path, NECK))
    norm = runner.model.backbone.bn1
    assert norm.num_batches_tracked == 1  # six images are less than one batch of 16
    images = runner.train_dataloader.dataset  # first as they are, then flipped
    batch = dict(inputs=[images[i]['inputs'] for i in range(6)])
    with torch.no_grad():
        maps = runner.model.backbone.conv1(runner.model.data_preprocessor(batch)['inputs'])
    np.testing.assert_allclose(norm.running_mean, maps.mean((0, 2, 3)), atol=1e-4)


def test_checkpoint_of_another_network_is_refused(labelled_set, tmp_path):
    """Missing entries and other widths name the file, the part and the entries."""
    from mmengine.runner import Runner

    path = tmp_path / 'broken.pth'
    save_checkpoint(path, drop=['neck.blocks.0.lateral.weight', 'backbone.bn1.bias'])
    with pytest.raises(ValueError, match=r'(?s)broken\.pth does not fit the backbone.*bn1\.bias'):
        Runner.from_cfg(build_config(labelled_set, tmp_path / 'a', checkpoint=path)).train()
    save_checkpoint(path, drop=['neck.blocks.0.lateral.weight'])
    with pytest.raises(ValueError, match=r'(?s)fit the neck.*blocks\.0\.lateral\.weight'):
        Runner.from_cfg(build_config(labelled_set, tmp_path / 'b', checkpoint=path)).train()
    cfg = build_config(labelled_set, tmp_path / 'c', None, checkpoint=path)
    cfg.model.backbone.base_channels = 16
    cfg.model.decode_head.in_channels = 128
    with pytest.raises(ValueError, match='size mismatch'):
        Runner.from_cfg(cfg).train()


def test_wrong_arguments(labelled_set, tmp_path):
    """Unknown data set, missing split."""
    with pytest.raises(ValueError, match=r'readout\.dataset'):
        seg.linear_readout_config(BACKBONE, None, 'kitti', labelled_set, tmp_path)
    with pytest.raises(FileNotFoundError, match='images'):
        build_config(tmp_path, tmp_path)


def test_camvid_void_is_ignored(tmp_path):
    """Id 11 becomes 255 and there are 11 classes."""
    import cv2

    for kind in ('images', 'labels'):
        (tmp_path / kind / 'train').mkdir(parents=True)
    cv2.imwrite(str(tmp_path / 'images/train/a_1.jpg'), np.zeros((4, 6, 3), np.uint8))
    label = np.array([[0, 5, 10, 11]] * 2, np.uint8)
    cv2.imwrite(str(tmp_path / 'labels/train/a_1.png'), label)
    labels = seg.training_labels('camvid', tmp_path)
    assert labels[0]['gt_seg_map'][0].tolist() == [0, 5, 10, 255]
    assert len(labels.metainfo['classes']) == len(labels.metainfo['palette']) == 11


def test_pretraining_does_not_import_mmseg():
    """MMSegmentation costs seconds: only the readout pays them."""
    import subprocess
    import sys

    code = (
        'import sys, poodle_mm.downstream, poodle_mm.evaluation, poodle_mm.models, '
        'poodle_mm.engine, poodle_mm.demo.run; sys.exit("mmseg" in sys.modules)'
    )
    subprocess.run([sys.executable, '-c', code], check=True)
