"""Every config of configs/downstream/mmseg trains and tests in MMSegmentation's runner."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.runner import Runner

from poodle_mm.checkpoints import read_checkpoint
from tests.test_evaluation.tiny import CONFIGS, save_checkpoint

seg = pytest.importorskip('poodle_mm.evaluation.segmentation', reason='needs MMSegmentation')

FILES = sorted((CONFIGS / 'mmseg').glob('*.py'))
VIT = dict(
    type='mmpretrain.VisionTransformer',
    arch=dict(embed_dims=32, num_layers=12, num_heads=1, feedforward_channels=64),
    img_size=32,
    patch_size=16,
)


@pytest.fixture(scope='module')
def weights(tmp_path_factory) -> dict[str, Path]:
    """A tiny ResNet with decoder and a tiny ViT."""
    from mmpretrain.registry import MODELS as BACKBONES

    folder = tmp_path_factory.mktemp('weights')
    save_checkpoint(folder / 'resnet.pth')
    torch.save(BACKBONES.build(VIT).state_dict(), folder / 'vit.pth')
    return dict(resnet=folder / 'resnet.pth', vit=folder / 'vit.pth')


def make_data(cfg: Config, root: Path) -> None:
    """Three images per split where the config looks for them, every class once."""
    rng = np.random.default_rng(0)
    for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
        for dataset in loader.dataset.get('datasets', [loader.dataset]):
            dataset['data_root'] = str(root)
            kind = dataset['type']
            suffixes = dict(
                BDD100KDataset=(dataset.get('img_suffix', '.jpg'), '.png'),
                CamVidDataset=('.jpg', '.png'),
                ADE20KDataset=('.jpg', '.png'),
                CityscapesDataset=('_leftImg8bit.png', '_gtFine_labelTrainIds.png'),
            )[kind]
            highest = dict(ADE20KDataset=150, CamVidDataset=11).get(kind, 18)
            for index in range(3):
                image = rng.integers(0, 255, (90, 160, 3), np.uint8)
                label = np.arange(90 * 160).reshape(90, 160) // 90 % (highest + 1)
                paths = [
                    root / dataset['data_prefix'][key] / 'town' / f'a_{index}{suffix}'
                    for key, suffix in zip(('img_path', 'seg_map_path'), suffixes)
                ]
                for path, content in zip(paths, (image, label.astype(np.uint8))):
                    path.parent.mkdir(parents=True, exist_ok=True)
                    cv2.imwrite(str(path), content)


def shrink(cfg: Config) -> None:
    """Crops and images of 64x128 (ViT: 64x64), two iterations of two images."""
    size = (64, 64) if 'Vision' in cfg.model.backbone.type else (64, 128)
    for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
        loader.batch_size = min(loader.batch_size, 2)
        loader.num_workers = 0
        loader.pop('persistent_workers', None)
        for dataset in loader.dataset.get('datasets', [loader.dataset]):
            for transform in dataset['pipeline']:
                if transform['type'] in ('Resize', 'RandomResize'):
                    transform['scale'] = (160, 72) if transform['keep_ratio'] else size[::-1]
                if transform['type'] == 'RandomCrop':
                    transform['crop_size'] = size
    cfg.model.data_preprocessor.size = size
    if cfg.model.test_cfg.mode == 'slide':
        cfg.model.test_cfg = dict(mode='slide', crop_size=(64, 64), stride=(42, 42))
    cfg.train_cfg.max_iters = 2
    cfg.log_level = 'ERROR'


@pytest.mark.parametrize('file', FILES, ids=lambda f: f.stem)
def test_config_trains_and_tests(file, tmp_path, weights):
    """Two iterations and a test; what the hooks refuse would fail here."""
    cfg = Config.fromfile(file)
    encoder = read_checkpoint(weights['vit' if 'vit' in file.stem else 'resnet'])
    seg.set_encoder(cfg, encoder)
    make_data(cfg, tmp_path / 'data')
    shrink(cfg)
    cfg.work_dir = str(tmp_path / 'run')
    cfg.experiment_name = file.stem
    runner = Runner.from_cfg(cfg)
    runner.model.init_weights()  # done once: Runner.train does not draw the heads anew
    before = {k: v.clone() for k, v in runner.model.state_dict().items()}
    runner.train()
    metrics = runner.test()
    assert 0 <= metrics['mIoU'] <= 100
    assert metrics['mIoU/all'] == pytest.approx(metrics['mIoU'], abs=0.006)

    hooks = {type(h).__name__: h for h in runner.hooks}
    assert 'StrictLoadHook' in hooks and 'NumClassesHook' in hooks
    fine_tuned = file.stem.startswith('upernet') and file.stem.endswith(('ade20k', 'wt-sem'))
    fine_tuned |= file.stem.startswith('supervised')
    trained = {n.split('.')[0] for n, p in runner.model.named_parameters() if p.requires_grad}
    assert ('backbone' in trained) == fine_tuned
    assert ('FrozenPartsHook' in hooks) != fine_tuned
    if not fine_tuned:
        frozen = ['backbone', 'neck'] if 'sdm' in file.stem else ['backbone']
        assert list(hooks['FrozenPartsHook'].parts) == frozen
    moved = not torch.equal(
        before['decode_head.conv_seg.bias'], runner.model.decode_head.conv_seg.bias
    )
    assert moved


def test_every_data_set_has_every_readout():
    """Five readouts on six data sets, FlowE's DeepLab v3 on four, two more on whole images."""
    readouts = (
        'linear_r50-sdm',
        'linear_r50-d8',
        'upernet_r50',
        'linear_vit-s16',
        'upernet_vit-s16',
    )
    sets = ('bdd100k', 'cityscapes', 'ade20k', 'wt-sem', 'camvid', 'scenes')
    names = {f'{r}_{d}' for r in readouts for d in sets}
    names |= {f'deeplabv3_r50-d8_{d}' for d in sets if d not in ('ade20k', 'wt-sem')}
    whole = ('linear_vit-whole', 'supervised_r50-sdm')
    names |= {f'{r}_{d}' for r in whole for d in ('camvid', 'scenes')}
    assert {f.stem for f in FILES} == names


def test_paper_settings():
    """SPEC'd numbers: crops, classes, the ViTs' optimiser and sliding windows."""
    for file in FILES:
        cfg = Config.fromfile(file)
        classes = {'ade20k': 150, 'wt-sem': 150, 'camvid': 11}
        assert cfg.model.decode_head.num_classes == classes.get(file.stem.rsplit('_', 1)[1], 19)
        if 'vit-s16' in file.stem:
            optimizer = cfg.optim_wrapper.optimizer
            assert (optimizer.type, optimizer.lr, optimizer.weight_decay) == ('AdamW', 3e-5, 0.05)
            assert cfg.model.test_cfg.mode == 'slide'
            assert tuple(cfg.model.test_cfg.crop_size) == (512, 512)
        elif file.stem.endswith(('bdd100k', 'cityscapes')):
            crop = next(t for t in cfg.train_dataloader.dataset.pipeline if t.type == 'RandomCrop')
            assert tuple(crop.crop_size) == tuple(cfg.model.data_preprocessor.size) == (512, 1024)


def test_layer_decay_of_the_vit(tmp_path, weights):
    """Rates fall by 0.9 per layer from the head downwards."""
    cfg = Config.fromfile(CONFIGS / 'mmseg' / 'upernet_vit-s16_ade20k.py')
    seg.set_encoder(cfg, read_checkpoint(weights['vit']))
    from mmengine.registry import init_default_scope
    from mmseg.registry import MODELS, OPTIM_WRAPPER_CONSTRUCTORS

    init_default_scope('mmseg')
    model = MODELS.build(cfg.model)
    wrapper = dict(cfg.optim_wrapper)
    constructor = OPTIM_WRAPPER_CONSTRUCTORS.build(
        dict(
            type=wrapper.pop('constructor'),
            paramwise_cfg=wrapper.pop('paramwise_cfg'),
            optim_wrapper_cfg=wrapper,
        )
    )
    rates = {
        group['param_name']: group['lr'] for group in constructor(model).optimizer.param_groups
    }
    assert rates['decode_head.conv_seg.weight'] == pytest.approx(3e-5)
    assert rates['neck.upsample_2x.0.weight'] == pytest.approx(3e-5)
    assert rates['backbone.layers.11.ln1.weight'] == pytest.approx(3e-5 * 0.9)
    assert rates['backbone.layers.0.ln1.weight'] == pytest.approx(3e-5 * 0.9**12)
    assert rates['backbone.patch_embed.projection.weight'] == pytest.approx(3e-5 * 0.9**13)
