"""The configs carry both recipes, build without weights or data, and step."""

import inspect
import math

import av
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from mmengine.runner.checkpoint import get_torchvision_models
from torchvision.models import ResNet50_Weights

from poodle_mm.datasets import PairSampler
from poodle_mm.models import DenseFlowHead, PooledHead, SpatialDecoderModule
from poodle_mm.registry import MODELS
from poodle_mm.views.affine_views import RandomAffine
from poodle_mm.views.photometric import PhotometricDistortion
from poodle_mm.views.subcrops import FlowSubcrops

# Each recipe of the text and its release counterpart.
RECIPES = {
    'poodle_r50_bdd.py': 'poodle_r50_bdd_release.py',
    'poodle_r50_bdd_in1k.py': 'poodle_r50_bdd-in1k_release.py',
    'poodle_r50_wt-venice.py': 'poodle_r50_wt-venice_release.py',
    'poodle_r50_wt-all.py': 'poodle_r50_wt-all_release.py',
    'demo/poodle_r18_scenes.py': 'demo/poodle_r18_scenes_release.py',
    'demo/poodle_r18_camvid.py': 'demo/poodle_r18_camvid_release.py',
}
FLOWE = ('flowe_r50_bdd.py', 'flowe_r50_bdd_release.py')
ABLATION = 'ablations/bdd100k/poodle_r50_bdd_256x512_40e.py'
HEADLINE = [n for pair in RECIPES.items() for n in pair if n.startswith('poodle_r50')] + [ABLATION]
IMAGES_PER_EPOCH = 70_000  # BDD100K's train videos

# Where the released code departs from the text: key to (text, release). Values that a config leaves
# out are the defaults of the class.
VIEWS = 'model.data_preprocessor'
PHOTOMETRIC = {
    f'{VIEWS}.photometric.brightness': (0.4, 0.8),
    f'{VIEWS}.photometric.contrast': (0.4, 0.8),
    f'{VIEWS}.photometric.saturation': (0.2, 0.8),
    f'{VIEWS}.photometric.hue': (0.1, 0.2),
    f'{VIEWS}.photometric.blur_prob': ((1.0, 0.1), (0.5, 0.5)),
    f'{VIEWS}.photometric.blur_reference': (224, None),
    f'{VIEWS}.photometric.blur_kernel': (23, 0.1),
    f'{VIEWS}.affine.flip_prob': (0.0, 0.5),
}
POODLE_DIFFERENCES = PHOTOMETRIC | {
    f'{VIEWS}.subcrops.target_area': ('independent', 'above-online'),
    'model.neck.upsample_first': (True, False),
    'model.dense_head.loss_weight': (1.0, 0.25),
    'model.pooled_head.loss_weight': (1.0, 0.25),
    'model.pooled_head.pool_first': (False, True),
    'optim_wrapper.optimizer.eps': (4e-6, 1e-6),
}
FLOWE_DIFFERENCES = PHOTOMETRIC | {
    f'{VIEWS}.flow.num_updates': (24, 30),
    f'{VIEWS}.occlusion.alpha1': (0.1, 0.0),
    f'{VIEWS}.occlusion.alpha2': (0.5, 12.5),
    'model.dense_head.hidden_bias': (True, False),
    'model.dense_head.loss_weight': (1.0, 0.5),
    'optim_wrapper.optimizer.eps': (4e-6, 1e-6),
    'param_scheduler.1.eta_min': (0.0, 1e-4),
}
CLASSES = {
    f'{VIEWS}.photometric': PhotometricDistortion,
    f'{VIEWS}.affine': RandomAffine,
    f'{VIEWS}.subcrops': FlowSubcrops,
    'model.neck': SpatialDecoderModule,
    'model.dense_head': DenseFlowHead,
    'model.pooled_head': PooledHead,
}


def load(repo, name: str) -> Config:
    return Config.fromfile(repo / 'configs' / name)


def flattened(node, key: str = '') -> dict:
    """Dotted keys to values; lists of dicts are entered, others are values."""
    if isinstance(node, dict):
        items = node.items()
    elif isinstance(node, list) and node and all(isinstance(part, dict) for part in node):
        items = enumerate(node)
    else:
        return {key: tuple(node) if isinstance(node, list) else node}
    return {k: v for name, part in items for k, v in flattened(part, f'{key}.{name}').items()}


def differences(repo, text: str, release: str) -> dict:
    """Every key in which two configs differ, the overlay's own variables aside."""
    before, after = (
        {k.lstrip('.'): v for k, v in flattened(load(repo, name).to_dict()).items()}
        for name in (text, release)
    )
    keys = before.keys() | after.keys()
    keys -= {key.rpartition('.')[0] for key in keys}  # a part that one of them switches off
    values = {key: (value_of(before, key), value_of(after, key)) for key in keys}
    return {
        key: (old, new)
        for key, (old, new) in values.items()
        if old != new and not key.startswith('release_')
    }


def value_of(config: dict, key: str):
    """The value that a key has, by default or because its part is switched off, too."""
    parent, _, name = key.rpartition('.')
    if key in config:
        return config[key]
    if parent in CLASSES and parent not in config:
        return inspect.signature(CLASSES[parent]).parameters[name].default
    return dict(eta_min=0.0).get(name)  # CosineAnnealingLR's, which stands behind **kwargs


@pytest.fixture(scope='module')
def videos(tmp_path_factory):
    """Four noisy videos of 12 seconds at 10 fps: long enough for every config's pairs."""
    root = tmp_path_factory.mktemp('videos')
    rng = np.random.default_rng(0)
    for i in range(4):
        texture = rng.integers(0, 255, (180, 520, 3), dtype=np.uint8)
        with av.open(str(root / f'{i}.mp4'), 'w') as container:
            stream = container.add_stream('mpeg4', rate=10)
            stream.width, stream.height, stream.pix_fmt = 320, 180, 'yuv420p'
            for t in range(120):
                image = np.ascontiguousarray(texture[:, t : t + 320])
                container.mux(stream.encode(av.VideoFrame.from_ndarray(image)))
            container.mux(stream.encode())
    return root


def shrink(cfg: Config, root, tmp_path, size=(64, 128), subcrop=32) -> Config:
    """The same recipe on small crops of generated videos, with a flow that needs no weights."""
    cfg.work_dir = str(tmp_path)
    cfg.train_dataloader.update(
        batch_size=2, num_workers=0, persistent_workers=False, pin_memory=False
    )
    dataset = cfg.train_dataloader.dataset
    dataset.data_root, dataset.data_prefix.path = str(root), ''
    dataset.index_cache = str(tmp_path / 'index')
    dataset.pipeline[0].size = size
    preprocessor = cfg.model.data_preprocessor
    preprocessor.flow = dict(type='DISFlow', preset='ultrafast')
    if subcrop:
        preprocessor.subcrops.size = subcrop
    return cfg


@pytest.mark.parametrize('name', HEADLINE)
def test_builds_without_weights_or_data(repo, name):
    cfg = load(repo, name)
    model = MODELS.build(cfg.model)
    assert type(model.data_preprocessor.flow).__name__ == 'RAFTFlow'
    online = sum(p.numel() for p in model.parameters() if p.requires_grad)
    # ResNet-50 without classifier, SDM, and two heads of 4096 and 256 channels.
    projector = 2048 * 4096 + 4096 + 2 * 4096 + 4096 * 256 + 256
    predictor = 256 * 4096 + 4096 + 2 * 4096 + 4096 * 256 + 256
    assert online == 23_508_032 + 6_436_864 + 2 * (projector + predictor)


@pytest.mark.parametrize(('text', 'release'), RECIPES.items())
def test_every_difference_of_the_recipes(repo, text, release):
    assert differences(repo, text, release) == POODLE_DIFFERENCES


def test_raft_of_every_recipe_is_the_authors(repo):
    """raft-things, 24 updates, 30 for their FlowE: nothing else where RAFT is named."""
    found = {}
    for path in (repo / 'configs').rglob('*_r50_*.py'):
        cfg = Config.fromfile(path)
        flow = (cfg.get('model', {}).get('data_preprocessor') or {}).get('flow', {})
        if flow.get('type') == 'RAFTFlow':
            found[path.name] = dict(flow)
    raft = dict(type='RAFTFlow', arch='large', weights='C_T_V1')
    assert found.keys() >= {*HEADLINE[:-1], *FLOWE}
    for name, flow in found.items():
        updates = 30 if name == 'flowe_r50_bdd_release.py' else 24
        assert flow == dict(raft, num_updates=updates), name


def test_every_difference_of_flowes_recipes(repo):
    assert differences(repo, *FLOWE) == FLOWE_DIFFERENCES


def test_every_key_of_the_text_recipe(repo):
    """What the text says of the headline run, and the released code where it is silent."""
    cfg = load(repo, 'poodle_r50_bdd.py')
    model = {k: v for k, v in flattened(cfg.model.to_dict()).items() if not k.endswith('.type')}
    assert cfg.model.type == 'PooDLe'
    preprocessor = '.data_preprocessor'
    assert model == {
        '.momentum': 0.996,
        '.channels_last': True,
        f'{preprocessor}.flow.arch': 'large',
        f'{preprocessor}.flow.weights': 'C_T_V1',  # raft-things
        f'{preprocessor}.flow.num_updates': 24,
        f'{preprocessor}.occlusion.alpha1': 0.1,
        f'{preprocessor}.occlusion.alpha2': 0.5,
        f'{preprocessor}.affine.scale': (0.9, 1.1),
        f'{preprocessor}.affine.angle': (-10, 10),
        f'{preprocessor}.subcrops.num': 6,
        f'{preprocessor}.subcrops.size': 192,
        f'{preprocessor}.subcrops.area': (0.05, 0.3),
        f'{preprocessor}.subcrops.aspect': (3 / 4, 4 / 3),
        f'{preprocessor}.subcrops.jitter': 0.1,
        '.backbone.depth': 50,
        '.backbone.out_indices': (1, 2, 3),
        '.backbone.norm_cfg.requires_grad': True,
        '.backbone.zero_init_residual': False,
        '.neck.in_channels': (512, 1024, 2048),
        '.neck.lateral': 'linear',
        **{
            f'.{head}_head.{key}': value
            for head in ('dense', 'pooled')
            for key, value in dict(in_channels=2048, hidden_channels=4096, out_channels=256).items()
        },
    }
    optimizer = dict(type='AdamW', lr=5e-4, weight_decay=0.01, eps=4e-6)
    assert cfg.optim_wrapper == dict(
        type='OptimWrapper', constructor='MatrixDecayConstructor', optimizer=optimizer
    )  # float32


def test_bdd_recipe(repo):
    """128 pairs a step on 16 GPUs; an epoch has a pair for each video, two from each second one."""
    cfg = load(repo, 'poodle_r50_bdd.py')
    loader, dataset = cfg.train_dataloader, cfg.train_dataloader.dataset
    pairs = 16 * loader.batch_size * dataset.repeats
    assert pairs == cfg.auto_scale_lr.base_batch_size == 128
    assert dataset.repeats == loader.sampler.parts == 2
    sampler = PairSampler(range(IMAGES_PER_EPOCH), parts=loader.sampler.parts, seed=0)
    assert len(sampler) * dataset.repeats == IMAGES_PER_EPOCH
    assert cfg.train_cfg.max_epochs == 100
    assert (dataset.source, tuple(dataset.delta), dataset.delta_unit) == (
        'videos',
        (15, 30),
        'frames',
    )
    crop = dict(type='PairRandomCrop', scale=(0.75, 1.25), size=(512, 1024))
    assert dict(dataset.pipeline[0]) == crop
    assert area_of_the_frame(crop['scale'], crop['size']) == pytest.approx((0.16, 0.45), abs=0.006)
    assert cfg.custom_hooks[0] == dict(type='TargetUpdateHook', schedule_epochs=300)
    assert 'sync_bn' in cfg and not cfg.allow_tf32


def area_of_the_frame(scale, size) -> tuple[float, float]:
    """Least and largest share of a 1080p frame that was resized by a scale."""
    small, large = (size[0] * size[1] / (1080 * 1920 * s**2) for s in reversed(scale))
    return small, large


@pytest.mark.parametrize('name', ['poodle_r50_bdd_in1k.py', 'poodle_r50_bdd-in1k_release.py'])
def test_supervised_start(repo, name):
    """torchvision's second weights, under a name that MMEngine knows; else the same run."""
    start = load(repo, name).model.backbone.init_cfg
    assert start.type == 'Pretrained'
    scheme, _, key = start.checkpoint.partition('://')
    assert scheme == 'torchvision'
    assert get_torchvision_models()[key] == ResNet50_Weights.IMAGENET1K_V2.url
    plain = 'poodle_r50_bdd_release.py' if 'release' in name else 'poodle_r50_bdd.py'
    assert set(differences(repo, plain, name)) == {
        'model.backbone.init_cfg.type',
        'model.backbone.init_cfg.checkpoint',
    }


def test_learning_rate_at_the_early_stop(repo):
    """Warm-up over 2 epochs, cosine over 300: the value at epoch 100, by hand."""
    cfg = load(repo, 'poodle_r50_bdd.py')
    from mmengine.registry import PARAM_SCHEDULERS

    steps = 10  # a short epoch
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=5e-4)
    schedulers = []
    for scheduler in cfg.param_scheduler:
        scheduler = dict(scheduler)
        scheduler.pop('convert_to_iter_based')
        cls = PARAM_SCHEDULERS.get(scheduler.pop('type'))
        schedulers.append(
            cls.build_iter_from_epoch(optimizer=optimizer, epoch_length=steps, **scheduler)
        )
    rates = []
    for _ in range(100 * steps):
        rates.append(optimizer.param_groups[0]['lr'])
        optimizer.step()
        for scheduler in schedulers:
            scheduler.step()
    assert rates[0] == pytest.approx(5e-8)
    assert max(rates) == pytest.approx(5e-4, rel=1e-3)
    assert rates.index(max(rates)) in (2 * steps - 1, 2 * steps)
    expected = 5e-4 * (1 + math.cos(math.pi * (100 - 2) / (300 - 2))) / 2
    assert optimizer.param_groups[0]['lr'] == pytest.approx(expected, rel=1e-2)


def test_walking_tours_recipe(repo):
    for name, pairs_per_clip in (('poodle_r50_wt-venice.py', 75), ('poodle_r50_wt-all.py', 15)):
        cfg = load(repo, name)
        dataset = cfg.train_dataloader.dataset
        assert (dataset.source, dataset.clip_seconds, dataset.delta) == ('clips', 10, 0.5)
        assert dataset.pairs_per_clip == pairs_per_clip
        crop = dict(type='PairRandomCrop', scale=(0.535, 0.625), size=(512, 1024))
        assert dict(dataset.pipeline[0]) == crop
        area = area_of_the_frame(crop['scale'], crop['size'])
        assert area == pytest.approx((0.65, 0.885), abs=0.005)
        assert 16 * cfg.train_dataloader.batch_size == cfg.auto_scale_lr.base_batch_size == 128
        assert cfg.train_cfg.max_epochs == 20
        assert cfg.custom_hooks[0].schedule_epochs == 300
    # The paper's Walking Tours epoch takes 40 minutes against 18 for BDD100K: about as many more.
    hours = 10 * (59 + 175) / 2 / 60
    pairs = hours * 3600 / 10 * dataset.pairs_per_clip
    assert 0.5 * 40 / 18 < pairs / IMAGES_PER_EPOCH < 2 * 40 / 18


def test_ablation_recipe(repo):
    """Every key in which the ablations' base departs from the headline run's release recipe."""
    found = differences(repo, 'poodle_r50_bdd_release.py', ABLATION)
    for variable in ('repeats', 'epochs', 'warmup_epochs', 'processes'):
        found.pop(variable, None)
    assert found == {
        f'{VIEWS}.affine.scale': ((0.9, 1.1), None),
        f'{VIEWS}.affine.angle': ((-10, 10), None),
        f'{VIEWS}.affine.flip_prob': (0.5, None),
        'train_dataloader.batch_size': (4, 2),
        'train_dataloader.sampler.parts': (2, 10),
        'train_dataloader.dataset.repeats': (2, 10),
        'train_dataloader.dataset.delta': ((15, 30), 15),
        'train_dataloader.dataset.pipeline.0.size': ((512, 1024), (256, 512)),
        'optim_wrapper.optimizer.lr': (5e-4, 1e-3),
        'optim_wrapper.optimizer.weight_decay': (0.01, 1e-6),
        'param_scheduler.0.end': (2, 3),
        'param_scheduler.1.T_max': (298, 37),
        'param_scheduler.1.begin': (2, 3),
        'param_scheduler.1.end': (300, 40),
        'train_cfg.max_epochs': (100, 40),
        'custom_hooks.0.schedule_epochs': (300, 40),
        'auto_scale_lr.base_batch_size': (128, 40),
    }
    cfg = load(repo, ABLATION)
    loader = cfg.train_dataloader
    assert cfg.processes * loader.batch_size * loader.dataset.repeats == 40
    area = area_of_the_frame((0.75, 1.25), (256, 512))
    assert area == pytest.approx((0.04, 0.112), abs=0.001)


@pytest.mark.parametrize(
    'name', [*(n for n in RECIPES if 'r50' in n), 'poodle_r50_bdd_release.py', ABLATION]
)
def test_steps_on_tiny_crops(repo, name, videos, tmp_path):
    cfg = shrink(load(repo, name), videos, tmp_path)
    cfg.model.backbone.pop('init_cfg', None)
    sampler, dataset = cfg.train_dataloader.sampler, cfg.train_dataloader.dataset
    if 'parts' in sampler:  # of four videos
        sampler.parts = dataset.repeats = 2
    cfg.train_cfg = dict(type='IterBasedTrainLoop', max_iters=1)
    cfg.custom_hooks = [dict(type='TargetUpdateHook')]
    cfg.default_hooks = dict(checkpoint=None, sampler_seed=None)
    cfg.visualizer = dict(type='mmengine.Visualizer')
    cfg.param_scheduler = None
    runner = Runner.from_cfg(cfg)
    runner.train()
    assert int(runner.model.target.steps) == 1
    scalars = runner.message_hub.log_scalars
    assert {'train/loss_dense', 'train/loss_pool', 'train/std_dense'} <= set(scalars)
    assert math.isfinite(scalars['train/loss'].current())


@pytest.mark.slow
def test_resnet50_iteration_at_full_size(repo, videos, tmp_path):
    """512x1024, six subcrop pairs of 192x192, one pair, forward and backward."""
    cfg = shrink(load(repo, 'poodle_r50_bdd.py'), videos, tmp_path, (512, 1024), None)
    cfg.train_dataloader.batch_size = cfg.train_dataloader.dataset.repeats = 1
    init_default_scope(cfg.default_scope)
    loader = Runner.build_dataloader(cfg.train_dataloader, seed=0)
    model = MODELS.build(cfg.model)
    model.init_weights()
    data = model.data_preprocessor(next(iter(loader)), True)
    assert data['inputs']['dense'].shape == (2, 1, 3, 512, 1024)
    assert data['inputs']['subcrops'].shape == (2, 2, 1, 6, 3, 192, 192)
    loss, log = model.parse_losses(model(**data, mode='loss'))
    loss.backward()
    assert 0 < log['loss'] < 16
    assert all(torch.isfinite(p.grad).all() for p in model.parameters() if p.requires_grad)
