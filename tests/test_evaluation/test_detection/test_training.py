"""Every detection config, trained and tested by MMDetection's runner on tiny data."""

import pytest
import torch

pytest.importorskip('mmcv.ops', reason='needs `bash tools/build_mmcv_ops.sh`', exc_type=ImportError)

from mmengine.runner import Runner

from poodle_mm.evaluation.detection import set_encoder
from tests.test_evaluation.test_detection.conftest import CONFIGS, save_encoder


@pytest.mark.parametrize('name', CONFIGS)
def test_trains_heads_on_frozen_encoder(name, short_config, encoder):
    """Two iterations and a test: mAP comes out, the encoder is the file's, to the bit."""
    cfg = short_config(name)
    set_encoder(cfg, encoder)
    runner = Runner.from_cfg(cfg)
    runner.model.init_weights()
    runner.model._is_init = True  # Runner.train must not draw the heads anew
    before = {k: v.clone() for k, v in runner.model.state_dict().items()}
    runner.train()
    assert runner.iter == 2
    metrics = runner.test()
    assert 0 <= metrics['coco/bbox_mAP'] <= 1
    assert 'coco/car_precision' in metrics

    after = runner.model.state_dict()
    file = torch.load(encoder.path)['state_dict']
    frozen = {k: f'backbone.{k.split("backbone.")[-1]}' for k in after if 'backbone.' in k}
    if 'c4' in name:
        frozen |= {k: f'backbone.layer4{k.split("layer4")[1]}' for k in after if 'layer4' in k}
        assert not any(k.startswith('backbone.layer4') for k in after)
    assert set(frozen.values()) == {k for k in file if k.startswith('backbone.')}
    for key, source in frozen.items():
        assert torch.equal(after[key], file[source]), key
    learned = [k for k in after if not torch.equal(after[k], before[k])]
    assert {'rpn_head.rpn_conv.weight', 'roi_head.bbox_head.fc_cls.weight'} <= set(learned)
    trained = {k for k, p in runner.model.named_parameters() if p.requires_grad}
    assert not trained & set(frozen)


@pytest.mark.parametrize('name', [c for c in CONFIGS if 'scenes' in c])
def test_checkpoint_of_another_depth_is_refused(name, short_config, encoder, tmp_path):
    """ResNet-34's file in a ResNet-18: the error lists blocks that would be left out."""
    deeper = save_encoder(tmp_path / 'deeper.pth', depth=34)
    cfg = short_config(name)
    set_encoder(cfg, encoder)
    cfg.model.backbone.init_cfg.checkpoint = deeper.path
    with pytest.raises(ValueError, match=r'(?s)deeper\.pth.*left over.*layer1\.2'):
        Runner.from_cfg(cfg).train()


def test_last_stage_of_another_depth_is_refused(short_config, encoder, tmp_path):
    """Likewise for the shared head alone."""
    deeper = save_encoder(tmp_path / 'deeper.pth', depth=34)
    cfg = short_config('faster-rcnn_r50-c4_scenes.py')
    set_encoder(cfg, encoder)
    cfg.model.roi_head.shared_head.init_cfg.checkpoint = deeper.path
    with pytest.raises(ValueError, match=r'(?s)roi_head\.shared_head.*layer4\.2'):
        Runner.from_cfg(cfg).train()


@pytest.mark.parametrize(
    ('name', 'change', 'message'),
    [
        ('fpn', {'model.backbone.frozen_stages': 3}, r'model\.backbone must be frozen'),
        ('c4', {'model.roi_head.shared_head.frozen': False}, r'shared_head must be frozen'),
    ],
)
def test_parts_that_would_learn_are_refused(short_config, encoder, name, change, message):
    """A frozen part that is trained is an error, not a better result."""
    cfg = short_config(f'faster-rcnn_r50-{name}_scenes.py')
    set_encoder(cfg, encoder)
    cfg.merge_from_dict(change)
    with pytest.raises(ValueError, match=message):
        Runner.from_cfg(cfg).train()


def test_another_number_of_classes_is_refused(short_config, encoder):
    """A head for 80 classes on a data set of 10."""
    cfg = short_config('faster-rcnn_r50-fpn_scenes.py')
    set_encoder(cfg, encoder)
    cfg.model.roi_head.bbox_head.num_classes = 80
    with pytest.raises(AssertionError, match=r'`num_classes` \(80\)'):
        Runner.from_cfg(cfg).train()
