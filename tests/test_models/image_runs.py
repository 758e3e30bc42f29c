"""Trainings of methods on single frames: recipe, run and what it saw."""

from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch import Tensor

from poodle_mm.engine.train import build_runner

ITERS, BATCH = 2, 4
MODELS = dict(mae='vit-xs8')
RECIPE = """
_base_ = [
    '{configs}/models/{method}_{model}.py',
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
default_hooks = dict(checkpoint=dict(by_epoch=False, interval=1))
custom_hooks = {hooks}
env_cfg = dict(dist_cfg=dict(backend='gloo', timeout=60))
log_processor = dict(by_epoch=False)
log_level = 'ERROR'
visualizer = None
work_dir = '{folder}'
experiment_name = '{folder}'
"""


def write_recipe(method: str, folder: Path, videos: Path, bases: Path) -> Path:
    """Write the config of a method: its small model and views, two iterations.

    Args:
        method: First part of the names in ``configs/_base_``.
        folder: Of the run.
        videos: Folder of video files.
        bases: ``configs/_base_``.
    """
    hooks = []
    if method == 'pixpro':
        hooks.append(dict(type='TargetUpdateHook'))
    if method in ('byol', 'densecl'):
        hooks.append(dict(type='ProjectionSpreadHook'))
    path = folder / f'{method}.py'
    text = RECIPE.format(
        configs=bases,
        method=method,
        model=MODELS.get(method, 'r18_quarter'),
        videos=videos,
        folder=folder,
        batch=BATCH,
        iters=ITERS,
        hooks=hooks,
    )
    path.write_text(text)
    return path


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
    parts = (model.backbone, model.neck)
    if type(model).__name__ == 'PixPro':
        parts = (model.backbone, model.dense_head.projector)
    return torch.nn.Sequential(*parts)


def target(model: torch.nn.Module) -> torch.nn.Module:
    """The average, with the same names."""
    for name in ('target_net', 'encoder_k'):  # BYOL's, DenseCL's
        if hasattr(model, name):
            return getattr(model, name).module
    return torch.nn.Sequential(*model.target.module.values())


def train(cfg: Config) -> tuple[Runner, RecordHook]:
    """Train as the config says."""
    runner, record = build_runner(cfg), RecordHook()
    runner.register_hook(record)
    runner.train()
    return runner, record


def by_hand(batch: dict) -> list[Tensor]:
    """RGB views normalised with ImageNet's mean and deviation."""
    mean, std = (
        torch.tensor(v).view(3, 1, 1) for v in ((123.675, 116.28, 103.53), (58.395, 57.12, 57.375))
    )
    views = batch['inputs']
    views = [views] if isinstance(views, Tensor) else views
    return [(view.flip(1).float() - mean) / std for view in views]
