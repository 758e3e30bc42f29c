"""tools/dataset_converters/pseudo_label.py with a tiny random model."""

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config

from poodle_mm.datasets import VideoReader
from poodle_mm.evaluation.readout import readout_config
from tests.test_datasets.test_preparation.tools import run_main
from tests.test_datasets.video_factory import write_video
from tests.test_evaluation.tiny import CONFIGS

seg = pytest.importorskip('poodle_mm.evaluation.segmentation', reason='needs MMSegmentation')

CLASSES = 150
MODEL = dict(
    type='EncoderDecoder',
    data_preprocessor=dict(
        type='SegDataPreProcessor', mean=[120.0] * 3, std=[60.0] * 3, bgr_to_rgb=True
    ),
    backbone=dict(type='mmpretrain.ResNet', depth=18, base_channels=8, stem_channels=8),
    decode_head=dict(
        type='FCNHead', in_channels=64, channels=8, num_convs=1, concat_input=False,
        num_classes=CLASSES, norm_cfg=dict(type='SyncBN'),
    ),
    test_cfg=dict(mode='whole'),
)  # fmt: skip
PIPELINE = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale=(128, 96), keep_ratio=True),
    dict(type='LoadAnnotations'),
    dict(type='PackSegInputs'),
]


@pytest.fixture
def model(tmp_path):
    """Config and checkpoint of a segmentor that tells images apart."""
    from mmengine.registry import init_default_scope
    from mmseg.registry import MODELS

    cfg = Config(
        dict(
            default_scope='mmseg',
            model=MODEL,
            test_dataloader=dict(dataset=dict(type='ADE20KDataset', pipeline=PIPELINE)),
        )
    )
    cfg.dump(tmp_path / 'tiny.py')
    init_default_scope('mmseg')
    torch.manual_seed(0)
    segmentor = MODELS.build(MODEL)
    for parameter in segmentor.parameters():
        torch.nn.init.normal_(parameter, 0, 0.5)
    torch.save(dict(state_dict=segmentor.state_dict(), meta={}), tmp_path / 'tiny.pth')
    return tmp_path / 'tiny.py', tmp_path / 'tiny.pth'


@pytest.fixture
def tool(repo, monkeypatch, capsys):
    """tool(*arguments) runs it."""
    path = repo / 'tools' / 'dataset_converters' / 'pseudo_label.py'
    return lambda *arguments: run_main(path, *arguments, monkeypatch=monkeypatch, capsys=capsys)


def test_labels_are_the_models_own(tool, tmp_path, model):
    """Bit for bit MMSegmentation's inference on the decoded frames; the suite reads the result."""
    from mmseg.apis import inference_model, init_model
    from mmseg.registry import DATASETS

    for name in ('rome', 'venice'):
        write_video(tmp_path / 'in' / f'{name}.mp4', 130)
    out = tmp_path / 'out'
    arguments = (tmp_path / 'in', out, '--model', *model, '--val', 'rome', '--device', 'cpu')
    code, told, _ = tool(*arguments)
    assert code == 0 and '3 + 3 frames labelled, 0 were there' in told  # at 0, 2 and 4 s

    cfg = Config.fromfile(model[0])
    cfg.test_pipeline = PIPELINE
    segmentor = init_model(cfg, str(model[1]), 'cpu')
    seen = set()
    for name, split in (('rome', 'val'), ('venice', 'train')):
        with VideoReader(tmp_path / 'in' / f'{name}.mp4') as video:
            frames = video.read([0, 60, 120])
        for k, frame in enumerate(frames):
            expected = inference_model(segmentor, np.ascontiguousarray(frame[..., ::-1]))
            path = out / 'annotations' / split / name / f'{k:06d}.png'
            ids = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
            np.testing.assert_array_equal(ids, expected.pred_sem_seg.data[0].numpy() + 1)
            seen |= set(np.unique(ids).tolist())
    assert len(seen) > 3

    code, told, _ = tool(*arguments)
    assert code == 0 and '0 + 0 frames labelled, 6 were there' in told
    cfg = readout_config(
        CONFIGS, 'wt-sem', 'linear', random_resnet(), tmp_path / 'run', data_root=out
    )
    dataset = DATASETS.build(cfg.test_dataloader.dataset)
    assert len(dataset) == 3
    assert dataset.metainfo['classes'][0] == 'wall'
    item = dataset[0]['data_samples'].gt_sem_seg.data[0].numpy()
    stored = cv2.imread(dataset.get_data_info(0)['seg_map_path'], cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(item + 1, stored)


def random_resnet():
    """Random weights, no decoder."""
    from poodle_mm.checkpoints import random_encoder

    return random_encoder(18)


def test_errors_are_one_line(tool, tmp_path, model):
    """A checkpoint that does not fit, a name that is no video, a broken file."""
    write_video(tmp_path / 'a.mp4', 10)
    state = torch.load(model[1], weights_only=True)
    del state['state_dict']['decode_head.conv_seg.bias']
    torch.save(state, tmp_path / 'less.pth')
    out = tmp_path / 'out'
    code, _, err = tool(tmp_path / 'a.mp4', out, '--model', model[0], tmp_path / 'less.pth')
    assert code == 2 and 'does not fit the model' in err and 'conv_seg.bias' in err
    code, _, err = tool(tmp_path / 'a.mp4', out, '--model', *model, '--val', 'b')
    assert code == 2 and '--val b: no such video; there are a' in err
    (tmp_path / 'c.mp4').write_bytes(b'no video')
    code, _, err = tool(tmp_path / 'a.mp4', tmp_path / 'c.mp4', out, '--model', *model)
    assert code == 1 and 'c.mp4: cannot open as a video' in err
    assert len(list(out.rglob('*.jpg'))) == 1


def test_class_names(tmp_path, model):
    """The checkpoint's; ADE20K's for 150 classes without names; a wrong number is refused."""
    assert seg.SegmentorLabeller(*model, device='cpu').classes[:2] == ('wall', 'building')
    loaded = torch.load(model[1], weights_only=True)
    for number in (CLASSES, 3):
        loaded['meta'] = dict(dataset_meta=dict(classes=[f'c{i}' for i in range(number)]))
        torch.save(loaded, tmp_path / f'{number}.pth')
    assert seg.SegmentorLabeller(model[0], tmp_path / '150.pth').classes[-1] == 'c149'
    with pytest.raises(ValueError, match='names 3 classes, the config has 150'):
        seg.SegmentorLabeller(model[0], tmp_path / '3.pth')
