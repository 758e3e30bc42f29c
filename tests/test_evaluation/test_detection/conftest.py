"""Tiny detection sets in the layouts of the configs, and a tiny encoder's checkpoint."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmpretrain.models import ResNet

from poodle_mm.catalog import BOX_CLASSES
from poodle_mm.checkpoints import EncoderCheckpoint
from poodle_mm.datasets.preparation.det_to_coco import convert_file
from poodle_scenes import write_scenes

TINY = dict(type='mmpretrain.ResNet', depth=18, stem_channels=8, base_channels=8)
CONFIGS = sorted(
    path.name
    for path in (Path(__file__).parents[3] / 'configs/downstream/mmdet').glob('faster-rcnn_*.py')
)


@pytest.fixture(scope='session')
def scenes_root(tmp_path_factory) -> Path:
    """Two training scenes, one for validation and one for testing, two labelled frames each."""
    root = tmp_path_factory.mktemp('det') / 'scenes'
    counts = dict(train=2, val=1, test=1)
    return write_scenes(root, counts, size=(64, 128), num_frames=4, fps=4.0, labelled_frames=2)


@pytest.fixture(scope='session')
def bdd_root(scenes_root, tmp_path_factory) -> Path:
    """The same frames laid out as BDD100K, labels in Scalabel's format and converted from it."""
    root = tmp_path_factory.mktemp('det') / 'bdd100k'
    (root / 'labels/det_20').mkdir(parents=True)
    for split in ('train', 'val'):
        shutil.copytree(scenes_root / 'images' / split, root / 'images/100k' / split)
        coco = json.loads((scenes_root / f'annotations/{split}.json').read_text())
        frames = [dict(name=image['file_name'], labels=[]) for image in coco['images']]
        for annotation in coco['annotations']:
            x, y, w, h = annotation['bbox']
            frames[annotation['image_id'] - 1]['labels'].append(
                dict(
                    id=str(annotation['id']),
                    category=BOX_CLASSES[annotation['category_id'] - 1],
                    box2d=dict(x1=x, y1=y, x2=x + w - 1, y2=y + h - 1),
                )
            )
        source = root / f'labels/det_20/det_{split}.json'
        source.write_text(json.dumps(frames))
        target = source.with_name(f'det_{split}_coco.json')
        convert_file(source, target, root / 'images/100k' / split)
    return root


def save_encoder(path: Path, **changes) -> EncoderCheckpoint:
    """Random weights and statistics, in a file as pretraining writes them."""
    backbone = TINY | changes
    torch.manual_seed(3)
    net = ResNet(**{k: v for k, v in backbone.items() if k != 'type'})
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.weight.data.uniform_(0.5, 1.5)
            module.running_mean.uniform_(-0.1, 0.1)
            module.running_var.uniform_(0.5, 1.5)
    state = {f'backbone.{k}': v for k, v in net.state_dict().items()}
    state['dense_head.projector.0.weight'] = torch.zeros(2, 2)
    torch.save(dict(state_dict=state), path)
    return EncoderCheckpoint(str(path), backbone, backbone_prefix='backbone.')


@pytest.fixture(scope='session')
def encoder(tmp_path_factory) -> EncoderCheckpoint:
    """A tiny ResNet-18."""
    return save_encoder(tmp_path_factory.mktemp('encoder') / 'tiny.pth')


@pytest.fixture
def short_config(repo, scenes_root, bdd_root, tmp_path):
    """short_config(name): the config on the tiny set, for two iterations in this process."""
    from poodle_mm.evaluation.readout import set_data_root

    def make(name: str) -> Config:
        cfg = Config.fromfile(repo / 'configs/downstream/mmdet' / name)
        set_data_root(cfg, scenes_root if 'scenes' in name else bdd_root)
        for split in ('train', 'val', 'test'):
            loader = cfg[f'{split}_dataloader']
            loader.update(num_workers=0, persistent_workers=False, batch_size=2)
            for transform in loader.dataset.pipeline:
                if transform.type == 'Resize':
                    transform.scale = (128, 64)
        if cfg.train_cfg.type == 'EpochBasedTrainLoop':
            cfg.train_cfg.max_epochs = 1  # 4 images
        else:
            cfg.train_cfg.update(max_iters=2, val_interval=2)
        cfg.work_dir = str(tmp_path / 'work')
        cfg.randomness = dict(seed=0)
        return cfg

    return make
