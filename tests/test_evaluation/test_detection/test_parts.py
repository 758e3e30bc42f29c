"""Configs, the shared head and the data set, without training."""

import json

import pytest
import torch

pytest.importorskip('mmcv.ops', reason='needs `bash tools/build_mmcv_ops.sh`', exc_type=ImportError)

from mmdet.registry import DATASETS, MODELS, TASK_UTILS
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmpretrain.models import ResNet

from poodle_mm.checkpoints import EncoderCheckpoint, random_encoder
from poodle_mm.evaluation.detection import BDD100KDetDataset, ResNetLastStage, set_encoder
from tests.test_evaluation.test_detection.conftest import CONFIGS, TINY


@pytest.fixture(autouse=True)
def scope():
    """As the runner sets it."""
    init_default_scope('mmdet')


@pytest.fixture
def config(repo):
    """config(name) reads one of the configs."""
    return lambda name: Config.fromfile(repo / 'configs/downstream/mmdet' / name)


def test_all_configs_are_known():
    """Two detectors on two data sets."""
    expected = {f'faster-rcnn_r50-{k}_{d}.py' for k in ('c4', 'fpn') for d in ('bdd100k', 'scenes')}
    assert set(CONFIGS) == expected


@pytest.mark.parametrize('name', CONFIGS)
def test_configs_are_written_for_resnet_50(config, name):
    """What the files say is what `set_encoder` would put there for the paper's encoder."""
    cfg = config(name)
    path = 'work_dirs/poodle_r50_bdd/epoch_100.pth'
    backbone = dict(type='mmpretrain.ResNet', depth=50)
    set_encoder(cfg, EncoderCheckpoint(path, backbone, backbone_prefix='backbone.'))
    assert cfg.model.to_dict() == config(name).model.to_dict()
    assert cfg.model.data_preprocessor.bgr_to_rgb
    assert cfg.model.data_preprocessor.std == [58.395, 57.12, 57.375]


@pytest.mark.parametrize('depth', [18, 50])
@pytest.mark.parametrize('kind', ['c4', 'fpn'])
def test_encoder_and_heads_fit_together(config, encoder, kind, depth):
    """A dilated, narrow encoder: the detector runs at its own strides and the encoder's widths."""
    cfg = config(f'faster-rcnn_r50-{kind}_scenes.py')
    found = TINY | dict(
        depth=depth, strides=(1, 2, 1, 1), dilations=(1, 1, 2, 4), out_indices=(1, 2, 3)
    )
    set_encoder(cfg, EncoderCheckpoint(None, found))
    model = MODELS.build(cfg.model).eval()
    maps = model.extract_feat(torch.zeros(1, 3, 64, 128))
    shapes = [tuple(m.shape[1:]) for m in maps]
    if kind == 'fpn':
        assert shapes == [(64, 16, 32), (64, 8, 16), (64, 4, 8), (64, 2, 4), (64, 1, 2)]
    else:
        assert shapes == [(8 * 4 * (4 if depth == 50 else 1), 4, 8)]
        regions = torch.tensor([[0, 3.0, 3, 40, 40]])
        head = model.roi_head
        pooled = head.shared_head(head.bbox_roi_extractor(maps, regions))
        scores, offsets = head.bbox_head(pooled)
        assert scores.shape == (1, 11) and offsets.shape == (1, 40)


@pytest.mark.parametrize('kind', ['c4', 'fpn'])
@pytest.mark.parametrize('learned', [(1, 1, 2, 2), (1, 1, 1, 1)])
def test_a_finer_encoder_stays_finer(config, kind, learned):
    """Two stages of stride 4, dilated later or not: every fourth of the pixels it learned on.

    The heads count on those strides, and the anchors are those of every encoder.
    """
    cfg = config(f'faster-rcnn_r50-{kind}_scenes.py')
    usual = TASK_UTILS.build(cfg.model.rpn_head.anchor_generator)
    dilations = (1, 1, 2, 4) if learned[2] == 1 else (1, 1, 1, 1)
    settings = dict(strides=learned, dilations=dilations, out_indices=(0, 1, 2, 3))
    found = TINY | settings | dict(type='poodle_mm.ResNet')
    set_encoder(cfg, EncoderCheckpoint(None, found))
    model = MODELS.build(cfg.model)
    model.eval()
    own = MODELS.build(found)
    own.eval()
    own.load_state_dict(model.backbone.state_dict(), strict=False)
    image = torch.randn(1, 3, 64, 128)
    learned_maps = own(image)
    stages = cfg.model.backbone.out_indices
    for stage, of_detector in zip(stages, model.backbone(image), strict=True):
        dilated = learned_maps[stage]
        step = dilated.shape[2] // of_detector.shape[2]
        torch.testing.assert_close(of_detector, dilated[..., ::step, ::step], rtol=1e-5, atol=1e-6)
    strides = [4, 8, 16, 32] if kind == 'fpn' else [8]
    maps = model.extract_feat(image)[: len(strides)]
    assert [64 // m.shape[2] for m in maps] == strides
    assert model.roi_head.bbox_roi_extractor.featmap_strides == strides
    anchors = model.rpn_head.prior_generator
    assert [s[0] for s in anchors.strides][: len(strides)] == strides
    for boxes, expected in zip(anchors.base_anchors, usual.base_anchors, strict=True):
        areas = [(b[:, 2] - b[:, 0]) * (b[:, 3] - b[:, 1]) for b in (boxes, expected)]
        torch.testing.assert_close(*areas)


def test_scratch_stays_random(config):
    """No file is named anywhere; the random weights are a ResNet's usual ones, stage 5's too."""
    cfg = config('faster-rcnn_r50-c4_scenes.py')
    set_encoder(cfg, EncoderCheckpoint(None, TINY))
    assert 'Pretrained' not in cfg.model.to_dict().__repr__()
    model = MODELS.build(cfg.model)
    model.init_weights()
    weight = model.roi_head.shared_head.layer4[0].conv2.weight
    expected = (2 / (weight.shape[0] * 9)) ** 0.5  # Kaiming, fan out
    assert weight.std().item() == pytest.approx(expected, rel=0.1)
    assert not any(p.requires_grad for p in model.backbone.parameters())


def test_random_encoder_of_usual_width(config):
    """`none` on the command line."""
    cfg = config('faster-rcnn_r50-fpn_bdd100k.py')
    set_encoder(cfg, random_encoder(18))
    assert cfg.model.neck.in_channels == [64, 128, 256, 512]
    assert 'init_cfg' not in cfg.model.backbone


def test_vit_is_refused(config):
    """It has no stages."""
    found = EncoderCheckpoint('vit.pth', dict(type='mmpretrain.VisionTransformer', arch='small'))
    with pytest.raises(ValueError, match=r'vit\.pth.*needs a ResNet'):
        set_encoder(config('faster-rcnn_r50-fpn_scenes.py'), found)


def test_last_stage_continues_the_encoder(encoder):
    """Three stages and the shared head give what the whole ResNet gives."""
    state = torch.load(encoder.path)['state_dict']
    state = {k.removeprefix('backbone.'): v for k, v in state.items() if 'backbone.' in k}
    settings = {k: v for k, v in TINY.items() if k != 'type'}
    whole, head = ResNet(**settings), ResNetLastStage(**settings)
    first = ResNet(
        **settings, num_stages=3, strides=(1, 2, 2), dilations=(1, 1, 1), out_indices=(2,)
    )
    whole.load_state_dict(state)
    for part in (first, head):
        assert not part.load_state_dict(state, strict=False).missing_keys
    assert {key.split('.')[0] for key in head.state_dict()} == {'layer4'}
    image = torch.randn(2, 3, 64, 96)
    head.train()  # as the runner does: its batch norms stay in eval mode
    whole.eval()
    first.eval()
    expected = whole(image)[0]
    torch.testing.assert_close(head(first(image)[0]), expected, rtol=0, atol=0)
    assert not any(p.requires_grad for p in head.parameters())
    assert torch.equal(
        head.state_dict()['layer4.0.bn1.running_mean'], state['layer4.0.bn1.running_mean']
    )


def test_last_stage_can_learn():
    """frozen=False: gradients, and batch statistics."""
    head = ResNetLastStage(**{k: v for k, v in TINY.items() if k != 'type'}, frozen=False)
    head.train()
    assert all(p.requires_grad for p in head.parameters())
    assert head.layer4[0].bn1.training


def test_data_set_reads_boxes(scenes_root):
    """Labels count as in BOX_CLASSES, boxes are (x0, y0, x1, y1)."""
    dataset = DATASETS.build(
        dict(
            type='BDD100KDetDataset',
            data_root=str(scenes_root),
            ann_file='annotations/train.json',
            data_prefix=dict(img='images/train'),
        )
    )
    coco = json.loads((scenes_root / 'annotations/train.json').read_text())
    assert len(dataset) == 4
    found = [(i['bbox_label'], i['bbox']) for item in dataset for i in item['instances']]
    expected = []
    for annotation in sorted(coco['annotations'], key=lambda a: a['image_id']):
        x, y, w, h = annotation['bbox']
        expected.append((annotation['category_id'] - 1, [x, y, x + w, y + h]))
    assert found == expected
    assert dataset.metainfo['classes'][2] == 'car'


@pytest.mark.parametrize('change', ['order', 'missing', 'renamed'])
def test_other_categories_are_refused(scenes_root, tmp_path, change):
    """MMDetection would number the classes as the file has them."""
    coco = json.loads((scenes_root / 'annotations/train.json').read_text())
    categories = coco['categories']
    if change == 'order':
        categories[0]['name'], categories[2]['name'] = 'car', 'pedestrian'
    elif change == 'missing':
        del categories[5]
    else:
        categories[0]['name'] = 'person'
    path = tmp_path / 'changed.json'
    path.write_text(json.dumps(coco))
    with pytest.raises(ValueError, match='the data set wants'):
        BDD100KDetDataset(ann_file=str(path))
