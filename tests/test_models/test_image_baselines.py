"""mmpretrain's BYOL and DenseCL on frames of videos: a recipe each, and no code."""

import math
from copy import deepcopy
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import mmpretrain
import pytest
import torch
import torch.nn.functional as F
from mmengine.config import Config
from mmengine.dataset import default_collate
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from mmpretrain.registry import MODELS as MMPRETRAIN_MODELS
from torch import Tensor

from poodle_mm.checkpoints import load_part, read_checkpoint
from poodle_mm.engine.cpu_ranks import cpu_ranks
from poodle_mm.engine.train import build_runner, training_config
from poodle_mm.evaluation.readout import config_file
from poodle_mm.registry import MODELS
from tests.test_datasets.video_factory import write_video

METHODS = ('byol', 'densecl')
TARGETS = dict(byol='target_net', densecl='encoder_k')
PUBLISHED = dict(
    byol='byol/byol_resnet50_16xb256-coslr-200e_in1k.py',
    densecl='densecl/densecl_resnet50_8xb32-coslr-200e_in1k.py',
)
ITERS, BATCH = 2, 4
RECIPE = """
_base_ = [
    '{configs}/models/{method}_r18_quarter.py',
    '{configs}/datasets/{method}_views_128.py',
    '{configs}/schedules/adamw_cosine_iters.py',
    '{configs}/default_runtime.py',
]
train_dataloader = dict(
    batch_size={batch},
    num_workers=0,
    sampler=dict(type='PairSampler', shuffle=True, infinite=True),
    collate_fn=dict(type='default_collate'),
    dataset=dict(
        type='FramePairDataset',
        data_root='{videos}',
        index_cache='{folder}/index',
        delta=(3, 8),
        pipeline={{{{_base_.pipeline}}}},
    ),
)
train_cfg = dict(max_iters={iters})
default_hooks = dict(checkpoint=dict(by_epoch=False, interval={iters}))
custom_hooks = [dict(type='CollapseMonitorHook')]
env_cfg = dict(dist_cfg=dict(backend='gloo', timeout=60))
log_processor = dict(by_epoch=False)
log_level = 'ERROR'
visualizer = None
work_dir = '{folder}'
experiment_name = '{folder}'
"""


class RecordHook(Hook):
    """Keeps the initial model, and batch, losses and online weights of each iteration."""

    def __init__(self) -> None:
        self.batches, self.losses, self.weights = [], [], []

    def before_train(self, runner) -> None:
        self.model = deepcopy(runner.model)

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None) -> None:
        self.batches.append(data_batch)
        self.losses.append({name: value.item() for name, value in outputs.items()})
        if not is_model_wrapper(runner.model):
            self.weights.append(deepcopy(online(runner.model).state_dict()))


@dataclass
class Run:
    """A finished training and what it saw."""

    method: str
    runner: Runner
    record: RecordHook
    keys: list[tuple[int, int]]

    @property
    def checkpoint(self) -> Path:
        return Path(self.runner.work_dir, f'iter_{ITERS}.pth')


def online(model: torch.nn.Module) -> torch.nn.Module:
    """What the target network is the average of, with its names."""
    return torch.nn.Sequential(model.backbone, model.neck)


def train(cfg: Config) -> tuple[Runner, RecordHook]:
    runner, record = build_runner(cfg), RecordHook()
    runner.register_hook(record)
    runner.train()
    return runner, record


@pytest.fixture(scope='module')
def videos(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp('videos')
    for i in range(4):
        write_video(root / f'{i}.mp4', num_frames=20)
    return root


@pytest.fixture(scope='module')
def recipe(repo, videos, tmp_path_factory):
    """A function that writes a method's recipe and reads it as ``tools/train.py`` does."""

    def read(method: str) -> Config:
        folder = tmp_path_factory.mktemp(method)
        path = folder / f'{method}.py'
        text = RECIPE.format(
            configs=repo / 'configs' / '_base_',
            method=method,
            videos=videos,
            folder=folder,
            batch=BATCH,
            iters=ITERS,
        )
        path.write_text(text)
        return training_config(path)

    return read


@pytest.fixture(scope='module', params=METHODS)
def run(request, recipe) -> Run:
    runner, record = train(recipe(request.param))
    keys = list(islice(runner.train_dataloader.sampler, BATCH))
    return Run(request.param, runner, record, keys)


def by_hand(batch: dict) -> list[Tensor]:
    """RGB views normalised with ImageNet's mean and deviation."""
    mean, std = (
        torch.tensor(v).view(3, 1, 1) for v in ((123.675, 116.28, 103.53), (58.395, 57.12, 57.375))
    )
    return [(view.flip(1).float() - mean) / std for view in batch['inputs']]


def byol_loss(model, views: list[Tensor]) -> dict[str, float]:
    """2 (2 - sum of cosines), less its constant 4; the target network is the online one."""
    projected = [online(model)(view)[0] for view in views]
    predicted = [model.head.predictor([p])[0] for p in projected]
    cosines = [F.cosine_similarity(predicted[i], projected[1 - i]).mean() for i in (0, 1)]
    return dict(loss=-2 * sum(cosines).item())


def densecl_loss(model, views: list[Tensor]) -> dict[str, float]:
    """InfoNCE of whole views and of cells; a cell's positive is the most similar encoder cell."""
    maps = [F.normalize(model.backbone(view)[0].flatten(2), dim=1) for view in views]
    (q, q_grid, _), (k, k_grid, _) = (
        [F.normalize(z, dim=1) for z in online(model)(view)] for view in views
    )

    def info_nce(query: Tensor, key: Tensor, queue: Tensor) -> Tensor:
        logits = torch.cat([(query @ key).view(1), query @ queue]) / 0.2
        return F.cross_entropy(logits[None], torch.zeros(1, dtype=torch.long))

    single = [info_nce(q[n], k[n], model.queue) for n in range(len(q))]
    dense = []
    for n in range(len(q)):
        for cell in range(q_grid.shape[2]):
            match = (maps[0][n, :, cell] @ maps[1][n]).argmax()
            dense.append(info_nce(q_grid[n, :, cell], k_grid[n, :, match], model.queue2))
    parts = dict(loss_single=sum(single) / len(single), loss_dense=sum(dense) / len(dense))
    parts = {name: 0.5 * value.item() for name, value in parts.items()}
    return dict(parts, loss=sum(parts.values()))


def test_first_loss_by_hand(run):
    """Also that the batch is what the sampler's keys give, whoever draws in between."""
    dataset = run.runner.train_dataloader.dataset
    batch = default_collate([dataset[key] for key in run.keys])
    for view, seen in zip(batch['inputs'], run.record.batches[0]['inputs'], strict=True):
        assert torch.equal(view, seen)
    with torch.no_grad():
        loss = dict(byol=byol_loss, densecl=densecl_loss)[run.method]
        expected = loss(run.record.model.train(), by_hand(batch))
    found = run.record.losses[0]
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, rel=1e-4), name


def test_weights_move_and_the_target_follows(run):
    """It starts as the first online weights; then mmpretrain's share of the second is mixed in."""
    model, first = run.runner.model, online(run.record.model).state_dict()
    second, third = run.record.weights
    target = getattr(model, TARGETS[run.method]).module.state_dict()
    cfg = run.runner.cfg.model
    if run.method == 'byol':
        share = cfg.base_momentum * (math.cos(math.pi * 1 / ITERS) + 1) / 2
    else:
        share = cfg.momentum
    names = [name for name, p in online(model).named_parameters() if p.requires_grad]
    assert {'0.conv1.weight', '0.layer4.1.conv2.weight'} < set(names)
    assert any(name.startswith('1.') for name in names)
    for name in names:
        a, b = first[name], second[name]
        torch.testing.assert_close(target[name], (1 - share) * a + share * b, atol=1e-6, rtol=1e-5)
        if name.endswith('weight'):
            assert not torch.equal(a, b) and not torch.equal(b, third[name]), name
            assert not torch.equal(target[name], a), name


def test_downstream_reads_the_online_encoder(repo, run):
    found = read_checkpoint(run.checkpoint)
    assert found.neck is None  # a projector, not a decoder
    assert found.backbone['type'] == 'mmpretrain.ResNet' and found.backbone['depth'] == 18
    expected = run.runner.model.backbone.state_dict()
    encoder = MODELS.build(found.backbone)
    load_part(encoder, run.checkpoint, found.backbone_prefix)
    from poodle_mm.evaluation.segmentation.configs import set_encoder

    encoders = [encoder]
    for readout in ('linear', 'linear-encoder', 'upernet'):
        file = config_file(repo / 'configs' / 'downstream', 'scenes', readout, found)
        assert 'sdm' not in file.name
        cfg = Config.fromfile(file)
        set_encoder(cfg, found)
        encoders.append(MMPRETRAIN_MODELS.build(cfg.model.backbone))
        encoders[-1].init_weights()  # MMEngine's own loading
    for encoder in encoders:
        assert encoder.state_dict().keys() == expected.keys()
        for name, value in encoder.state_dict().items():
            assert torch.equal(value, expected[name]), name
    with pytest.raises(ValueError, match='online weights'):
        read_checkpoint(run.checkpoint, 'ema')


def bare(cfg):
    """A model's config without scopes and norms, which the base configs change on purpose."""
    if isinstance(cfg, dict):
        dropped = ('norm_cfg', 'data_preprocessor', 'out_indices')
        return {key: bare(value) for key, value in cfg.items() if key not in dropped}
    return cfg.removeprefix('mmpretrain.') if isinstance(cfg, str) else cfg


@pytest.mark.parametrize('method', METHODS)
def test_large_models_are_mmpretrains(repo, method):
    configs = Path(mmpretrain.__file__).parent / '.mim' / 'configs'
    published = Config.fromfile(configs / PUBLISHED[method])
    ours = Config.fromfile(repo / 'configs' / '_base_' / 'models' / f'{method}_r50.py')
    assert bare(ours.model.to_dict()) == bare(published.model.to_dict())
    model = MODELS.build(ours.model)
    assert type(model).__module__.startswith('mmpretrain.')
    preprocessor = dict(published.data_preprocessor)
    assert preprocessor.pop('type') == type(model.data_preprocessor).__name__
    preprocessor['type'] = 'mmpretrain.SelfSupDataPreprocessor'
    assert ours.model.data_preprocessor == preprocessor


@pytest.mark.slow
@pytest.mark.parametrize('method', METHODS)
def test_two_processes(recipe, method):
    """On CPUs with gloo: the queue takes the keys of both, and the losses stay finite."""
    cfg = recipe(method)
    with cpu_ranks(cfg, 2):
        runner, record = train(cfg)
    assert len(record.losses) == ITERS
    assert all(math.isfinite(value) for loss in record.losses for value in loss.values())
    if method == 'densecl':
        assert runner.model.module.queue_ptr.item() == ITERS * 2 * BATCH
