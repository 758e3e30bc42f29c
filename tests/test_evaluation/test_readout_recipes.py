"""The published settings of the readouts, line by line."""

from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope

from poodle_mm.checkpoints import EncoderCheckpoint, read_checkpoint
from tests.test_evaluation.tiny import BACKBONE, CONFIGS, save_checkpoint

seg = pytest.importorskip('poodle_mm.evaluation.segmentation', reason='needs MMSegmentation')

LINEAR_R50 = ('linear_r50-sdm', 'linear_r50-d8')
HEAVY_R50 = ('upernet_r50', 'deeplabv3_r50-d8')
FINE_TUNED = ('ade20k', 'wt-sem')
VIT = dict(
    type='mmpretrain.VisionTransformer',
    arch=dict(embed_dims=32, num_layers=12, num_heads=1, feedforward_channels=64),
    img_size=32,
    patch_size=16,
)


def read(name: str) -> Config:
    """A segmentation config."""
    return Config.fromfile(CONFIGS / 'mmseg' / f'{name}.py')


def images_at_once(cfg: Config, gpus: int = 4) -> int:
    """The total batch: GPUs times the loader's."""
    assert gpus * cfg.train_dataloader.batch_size == cfg.auto_scale_lr.base_batch_size
    return cfg.auto_scale_lr.base_batch_size


def transform(cfg: Config, kind: str, loader: str = 'train_dataloader') -> dict:
    """The transform of this kind in a pipeline; there is one."""
    (found,) = (t for t in cfg[loader].dataset.pipeline if t.type == kind)
    return found


def assert_poly(cfg: Config, iters: int) -> None:
    """Polynomial decay to the last iteration of the training."""
    assert cfg.train_cfg.max_iters == cfg.param_scheduler[-1].end == iters
    assert cfg.param_scheduler[-1].type == 'PolyLR' and not cfg.param_scheduler[-1].by_epoch


@pytest.mark.parametrize(
    ('name', 'iters', 'batch', 'lr'),
    [(f'{r}_bdd100k', 60_000, 16, 0.02) for r in (*LINEAR_R50, *HEAVY_R50)]
    + [(f'{r}_cityscapes', 40_000, 8, 0.01) for r in (*LINEAR_R50, *HEAVY_R50)]
    + [(f'{r}_{d}', 60_000, 16, 0.02) for r in LINEAR_R50 for d in FINE_TUNED],
)
def test_resnets_as_flowe_publishes(name, iters, batch, lr):
    cfg = read(name)
    assert (cfg.optim_wrapper.optimizer.type, cfg.optim_wrapper.optimizer.lr) == ('SGD', lr)
    assert len(cfg.param_scheduler) == 1  # no warm-up
    assert_poly(cfg, iters)
    assert images_at_once(cfg) == batch
    assert transform(cfg, 'RandomCrop').crop_size == (512, 1024)
    assert tuple(cfg.model.data_preprocessor.size) == (512, 1024)
    assert cfg.model.test_cfg.mode == 'whole'
    assert cfg.model.type == 'FrozenEncoderDecoder'


@pytest.mark.parametrize(
    ('name', 'iters', 'batch'),
    [(f'{r}_vit-s16_bdd100k', 60_000, 16) for r in ('linear', 'upernet')]
    + [(f'{r}_vit-s16_cityscapes', 40_000, 8) for r in ('linear', 'upernet')]
    + [(f'linear_vit-s16_{d}', 60_000, 16) for d in FINE_TUNED],
)
def test_vits_as_the_paper_says(name, iters, batch):
    """The ResNets' lengths and batches, AdamW, square crops, sliding windows."""
    cfg = read(name)
    optimizer = cfg.optim_wrapper.optimizer
    assert (optimizer.type, optimizer.lr, optimizer.weight_decay) == ('AdamW', 3e-5, 0.05)
    assert_poly(cfg, iters)
    assert images_at_once(cfg) == batch
    assert transform(cfg, 'RandomCrop').crop_size == (512, 512)
    assert_windows(cfg)
    assert cfg.model.type == 'FrozenEncoderDecoder'


def assert_windows(cfg: Config) -> None:
    """Windows of 512 every 341 pixels."""
    test = cfg.model.test_cfg
    assert (test.mode, test.crop_size, test.stride) == ('slide', (512, 512), (341, 341))


@pytest.mark.parametrize('dataset', FINE_TUNED)
@pytest.mark.parametrize('encoder', ['r50', 'vit-s16'])
def test_fine_tuning_as_ibot(encoder, dataset):
    cfg = read(f'upernet_{encoder}_{dataset}')
    optimizer = cfg.optim_wrapper.optimizer
    assert (optimizer.type, optimizer.lr, optimizer.weight_decay) == ('AdamW', 3e-5, 0.05)
    assert_poly(cfg, 160_000)
    warm_up, decay = cfg.param_scheduler
    assert (warm_up.type, warm_up.begin, warm_up.end) == ('LinearLR', 0, 1500)
    assert (decay.begin, decay.power, decay.eta_min) == (1500, 1.0, 0)
    gpus, batch = {'ade20k': (4, 16), 'wt-sem': (1, 4)}[dataset]
    assert images_at_once(cfg, gpus) == batch
    assert transform(cfg, 'RandomCrop').crop_size == (512, 512)
    assert transform(cfg, 'RandomResize').scale == (2048, 512)
    assert_windows(cfg)
    model = cfg.model
    assert model.type == 'EncoderDecoder'
    assert model.auxiliary_head.channels == 256
    if encoder == 'vit-s16':
        assert cfg.optim_wrapper.paramwise_cfg.layer_decay_rate == 0.9
        assert tuple(model.backbone.out_indices) == (3, 5, 7, 11)
        assert (model.backbone.drop_path_rate, model.backbone.final_norm) == (0.1, False)


@pytest.mark.parametrize('name', ['upernet_r50_ade20k', 'upernet_vit-s16_ade20k'])
def test_fine_tuning_decays_matrices_only(name):
    """One-dimensional parameters have no decay, all others 0.05; every weight learns."""
    from mmengine.optim import build_optim_wrapper
    from mmseg.registry import MODELS

    init_default_scope('mmseg')
    cfg = read(name)
    encoder = VIT if 'vit' in name else BACKBONE
    seg.set_encoder(cfg, EncoderCheckpoint(None, encoder))
    assert cfg.model.auxiliary_head.channels == (256 if 'vit' in name else 8)
    model = MODELS.build(cfg.model)
    optimizer = build_optim_wrapper(model, cfg.optim_wrapper).optimizer
    decays = {id(p): g['weight_decay'] for g in optimizer.param_groups for p in g['params']}
    assert len(decays) == len(list(model.parameters()))
    for key, parameter in model.named_parameters():
        assert decays[id(parameter)] == (0 if parameter.ndim == 1 else 0.05), key


@pytest.mark.parametrize('shape', [(720, 1280), (1024, 2048), (480, 640), (640, 480)])
def test_short_side_is_uniform(shape):
    """BDD's, Cityscapes' and ADE20K's shapes: from 512 to 2048 with the ratio kept."""
    from mmseg.registry import TRANSFORMS

    init_default_scope('mmseg')
    cfg = transform(read('linear_r50-sdm_bdd100k'), 'RandomResize')
    for dataset in ('cityscapes', *FINE_TUNED):
        assert transform(read(f'linear_r50-sdm_{dataset}'), 'RandomResize') == cfg
        assert transform(read(f'linear_vit-s16_{dataset}'), 'RandomResize') == cfg
    resize = TRANSFORMS.build(cfg)
    np.random.seed(0)  # noqa: NPY002, the generator that MMCV draws from
    short = []
    for _ in range(60):
        height, width = resize(dict(img=np.zeros((*shape, 1), np.uint8)))['img_shape']
        assert abs(height / width - shape[0] / shape[1]) < 4e-3
        short.append(min(height, width))
    assert 512 <= min(short) < 620 and 1940 < max(short) <= 2048
    assert abs(np.mean(short) - 1280) < 3 * 443 / 60**0.5  # a uniform one's mean and deviation


@pytest.mark.parametrize('kind', ['linear', 'upernet'])
def test_maps_of_the_vit_are_not_normalised(kind, tmp_path):
    """Each map is what its block puts out; a file with the final norm loads strictly."""
    from mmpretrain.registry import MODELS as BACKBONES

    from poodle_mm.checkpoints.encoder_checkpoint import check_pretrained

    torch.manual_seed(0)
    whole = BACKBONES.build(VIT)
    for parameter in whole.parameters():
        torch.nn.init.normal_(parameter, 0.3, 0.5)
    torch.save(whole.state_dict(), tmp_path / 'vit.pth')
    assert {'ln1.weight', 'ln1.bias'} <= set(whole.state_dict())
    cfg = read(f'{kind}_vit-s16_ade20k')
    seg.set_encoder(cfg, read_checkpoint(tmp_path / 'vit.pth'))
    cfg.model.backbone.frozen_stages = 12
    backbone = BACKBONES.build(cfg.model.backbone)
    backbone.init_weights()
    backbone.eval()
    check_pretrained(backbone, equal=True)
    assert not any(p.requires_grad for p in backbone.parameters())
    tokens = []
    for number in (3, 5, 7, 11):
        whole.layers[number].register_forward_hook(lambda *args: tokens.append(args[2]))
    image = torch.randn(2, 3, 64, 48)
    maps = backbone(image)
    whole.eval()
    whole(image)
    for found, expected in zip(maps, tokens, strict=True):
        torch.testing.assert_close(found, expected[:, 1:].transpose(1, 2).reshape(2, 32, 4, 3))


def test_dilated_encoder_contracts_whatever_the_checkpoint_says(tmp_path):
    """The readout decides on dilation, unless it keeps the decoder."""
    save_checkpoint(tmp_path / 'whole.pth')
    encoder = read_checkpoint(tmp_path / 'whole.pth')
    cfg = read('linear_r50-d8_bdd100k')
    seg.set_encoder(cfg, encoder)
    assert (cfg.model.backbone.type, cfg.model.backbone.contract_dilation) == (
        'poodle_mm.ResNet',
        True,
    )
    dilated = dict(
        BACKBONE, type='poodle_mm.ResNet', strides=(1, 2, 1, 1), dilations=(1, 1, 2, 4),
        contract_dilation=True,
    )  # fmt: skip
    cfg = read('upernet_r50_bdd100k')
    seg.set_encoder(cfg, EncoderCheckpoint(None, dilated))
    assert cfg.model.backbone.type == 'mmpretrain.ResNet'
    assert not {'strides', 'dilations', 'contract_dilation'} & cfg.model.backbone.keys()
    cfg = read('linear_r50-sdm_bdd100k')
    seg.set_encoder(cfg, EncoderCheckpoint(None, dilated, neck=encoder.neck))
    assert cfg.model.backbone.to_dict().items() >= dilated.items()


def test_finer_encoders_stay_finer():
    """Stride 16 by a second stage of stride 1: dilated it has stride 4, undilated 16."""
    finer = EncoderCheckpoint(None, dict(BACKBONE, strides=(1, 1, 2, 2)))
    dilated = dict(BACKBONE, strides=(1, 1, 1, 1), dilations=(1, 1, 2, 4))
    wanted = dict(linear=(1, 1, 1, 1), upernet=(1, 1, 2, 2))
    names = dict(linear='linear_r50-d8_bdd100k', upernet='upernet_r50_bdd100k')
    for readout, strides in wanted.items():
        for encoder in (finer, EncoderCheckpoint(None, dilated)):
            cfg = read(names[readout])
            seg.set_encoder(cfg, encoder)
            assert cfg.model.backbone.strides == strides
            assert cfg.model.backbone.get('dilations', (1, 1, 1, 1))[2:] == (
                (2, 4) if readout == 'linear' else (1, 1)
            )


def test_detection_as_flowe_publishes():
    """12 epochs of 16 images at 0.02, a tenth from epochs 8 and 11, one scale: the images' own."""
    pytest.importorskip('mmdet')
    files = sorted((CONFIGS / 'mmdet').glob('*_bdd100k.py'))
    assert len(files) == 2
    for file in files:
        cfg = Config.fromfile(file, import_custom_modules=False)  # needs compiled operators
        assert cfg.train_cfg.max_epochs == 12
        assert (cfg.optim_wrapper.optimizer.type, cfg.optim_wrapper.optimizer.lr) == ('SGD', 0.02)
        assert cfg.auto_scale_lr.base_batch_size == 16 == 8 * cfg.train_dataloader.batch_size
        steps = cfg.param_scheduler[-1]
        assert (steps.type, list(steps.milestones), steps.gamma) == ('MultiStepLR', [8, 11], 0.1)
        resize = [t for t in cfg.train_dataloader.dataset.pipeline if 'Resize' in t.type]
        assert [(t.type, t.scale, t.keep_ratio) for t in resize] == [('Resize', (1280, 720), True)]
        assert transform(cfg, 'Resize', 'val_dataloader') == resize[0]


def test_no_schedule_without_a_readout():
    """Each file in `_base_/schedules` is some config's."""
    for kind in ('mmseg', 'mmdet'):
        text = '\n'.join(f.read_text() for f in (CONFIGS / kind).glob('*.py'))
        for file in Path(CONFIGS / kind / '_base_' / 'schedules').glob('*.py'):
            assert f'schedules/{file.name}' in text, file
