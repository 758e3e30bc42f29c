"""Says before the first step what a training will do, and what of it cannot be meant."""

import math
import shutil
import time
from inspect import signature
from itertools import pairwise
from pathlib import Path

import torch
from mmengine.hooks import CheckpointHook, Hook
from mmengine.optim.scheduler import LinearParamScheduler
from mmengine.runner import Runner
from torch import nn
from torch.optim import Optimizer

from poodle_mm.engine.schedule import unit_of_run
from poodle_mm.engine.world import World, by_epoch
from poodle_mm.registry import HOOKS
from poodle_mm.utils.modules import bare_model

_WARM_STEPS, _TIMED_STEPS = 5, 15
_TINY_EPOCH = 10  # iterations


@HOOKS.register_module()
class TrainingPlanHook(Hook):
    """Log a plan before the first step: data, length, batch, rate, checkpoints and their size.

    After 20 iterations it adds how long the rest will take. It warns of epochs of a few iterations
    where schedules count epochs, of checkpoints that the disk will not hold, and of a learning rate
    that is meant for another total batch.
    """

    priority = 'LOWEST'  # after those that refuse to train

    def before_train(self, runner: Runner) -> None:
        """Log the plan and the warnings, on rank 0."""
        self._done = 0
        if runner.rank == 0 and runner.iter < runner.max_iters:
            world = World.of(runner)
            checkpoints, no_space = _checkpoints(runner)
            plan = dict(data=_data(runner, world), length=_length(runner, world))
            plan |= dict(rate=_rate(runner, world), checkpoints=checkpoints)
            lines = [f'{name:<12} {text}' for name, text in plan.items() if text]
            runner.logger.info('\n  '.join([f'Plan (log: {runner.logger.log_file})', *lines]))
            for warning in (_tiny_epoch(runner, world), no_space, _other_batch(runner, world)):
                if warning:
                    runner.logger.warning(warning)

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: dict | None = None,
        outputs: dict | None = None,
    ) -> None:
        """Time some iterations and log how long the rest will take."""
        self._done += 1
        if self._done == _WARM_STEPS:
            self._start = time.monotonic()
        elif self._done == _WARM_STEPS + _TIMED_STEPS:
            each = (time.monotonic() - self._start) / _TIMED_STEPS
            left = each * (runner.max_iters - runner.iter - 1)
            runner.logger.info(f'About {duration(left)} to go, at {each:.2g} s an iteration')


def files_of(dataset: object) -> tuple[int, float]:
    """Usable files of a data set of pairs or of a mixture, and their seconds; 0 where unknown."""
    sources = [getattr(part, 'source', None) for part in getattr(dataset, 'datasets', [dataset])]
    if None in sources:
        return 0, 0.0
    files = sum(source.num_files - len(source.bad) for source in sources)
    seconds = [source.seconds for source in sources]
    return files, sum(seconds) if all(seconds) else 0.0


def checkpoint_bytes(model: nn.Module, optimizer: Optimizer) -> int:
    """Size of a checkpoint: the model's state and what the optimizer will keep of each parameter.

    The latter is known before the first step from one step of such an optimizer on one number.
    """
    number = nn.Parameter(torch.zeros(3))
    number.grad = torch.zeros(3)
    accepted = signature(type(optimizer)).parameters
    trial = type(optimizer)(
        [number], **{key: value for key, value in optimizer.defaults.items() if key in accepted}
    )
    trial.step()
    kept = sum(
        getattr(value, 'shape', ()) == number.shape for value in trial.state[number].values()
    )
    trained = [p for group in optimizer.param_groups for p in group['params'] if p.requires_grad]
    state = [value for value in model.state_dict().values() if torch.is_tensor(value)]
    return sum(t.nbytes for t in state) + kept * sum(p.nbytes for p in trained)


def duration(seconds: float) -> str:
    """A time in its two largest units: ``'3 h 20 min'``."""
    units = (('d', 86400), ('h', 3600), ('min', 60), ('s', 1))
    for (name, unit), (smaller, part) in pairwise(units):
        if seconds >= unit:
            whole, rest = divmod(round(seconds / part), unit // part)
            return f'{whole} {name} {rest} {smaller}' if rest else f'{whole} {name}'
    return f'{seconds:.0f} s'


def _data(runner: Runner, world: World) -> str:
    files, seconds = files_of(runner.train_dataloader.dataset)
    words = [f'{files:,} files' if files else '', duration(seconds) if seconds else '']
    items = len(runner.train_dataloader.sampler) * world.processes * world.repeats
    unit = unit_of_run(runner)
    steps = math.ceil(world.iters_per_epoch / world.accumulation)
    words.append(f'{world.length:,} samples; an epoch is {items:,} {unit} in {steps:,} steps')
    return ', '.join(filter(None, words))


def _length(runner: Runner, world: World) -> str:
    unit = unit_of_run(runner)
    factors = [
        f'{number} {name}'
        for number, name in (
            (world.processes, 'processes'),
            (world.batch_size, 'samples'),
            (world.repeats, unit),
            (world.accumulation, 'iterations'),
        )
        if number > 1
    ]
    done = f'{runner.iter:,} of them done' if runner.iter and world.accumulation == 1 else ''
    steps = math.ceil(runner.max_iters / world.accumulation)
    epochs = runner.max_iters / max(world.iters_per_epoch, 1)
    batch = f'{world.pairs_per_step:,} {unit} a step'
    batch += f' ({" x ".join(factors)})' if len(factors) > 1 else ''
    return ', '.join(
        filter(
            None, [f'{steps:,} steps, {epochs:,.{0 if epochs >= 10 else 2}f} epochs', done, batch]
        )
    )


def _rate(runner: Runner, world: World) -> str:
    groups = runner.optim_wrapper.optimizer.param_groups
    text = f'{max(group.get("initial_lr", group["lr"]) for group in groups):.3g} at its peak'
    schedulers = runner.param_schedulers or []
    ends = [
        scheduler.end * (world.iters_per_epoch if scheduler.by_epoch else 1)
        for scheduler in (schedulers if isinstance(schedulers, list) else [])
        if isinstance(scheduler, LinearParamScheduler) and scheduler.begin == 0
    ]
    warmup = math.ceil(max(ends) / world.accumulation) if ends else 0
    return f'{text}; ' + (f'warm-up to step {warmup:,}' if ends else 'no warm-up')


def _checkpoints(runner: Runner) -> tuple[str, str]:
    """The plan's line on checkpoints, and a warning if the disk will not hold them."""
    hook = next((hook for hook in runner.hooks if isinstance(hook, CheckpointHook)), None)
    if hook is None:
        return 'none', ''
    last, done = runner.max_iters, runner.iter
    if hook.by_epoch:
        last, done = (runner.max_epochs, runner.epoch) if by_epoch(runner) else (1, 0)
    regular = hook.interval > 0
    count = last // hook.interval - done // hook.interval if regular else 0
    count += bool(hook.save_last and not (regular and last % hook.interval == 0))
    kept = min(count, hook.max_keep_ckpts) if hook.max_keep_ckpts > 0 else count
    size = checkpoint_bytes(bare_model(runner.model), runner.optim_wrapper.optimizer)
    text = f'{count:,} to come of {_size(size)}, '
    text += f'the last {kept} kept: {_size(kept * size)}' if kept < count else _size(count * size)
    if not Path(hook.out_dir).is_dir():  # not on this machine
        return text, ''
    free = shutil.disk_usage(hook.out_dir).free
    text += f' of {_size(free)} free in {hook.out_dir}'
    if kept * size <= free:
        return text, ''
    return text, (
        f'The disk will not hold the checkpoints: {kept} of {_size(size)} are {_size(kept * size)} '
        f'and {hook.out_dir} has {_size(free)} free. Set default_hooks.checkpoint.max_keep_ckpts '
        'to a small number or its interval to a larger one, or choose another --work-dir'
    )


def _size(number: float) -> str:
    return f'{number / 1e9:,.1f} GB' if number >= 1e9 else f'{number / 1e6:,.0f} MB'


def _tiny_epoch(runner: Runner, world: World) -> str:
    if not by_epoch(runner) or world.iters_per_epoch >= _TINY_EPOCH:
        return ''
    return (
        f'An epoch is {world.iters_per_epoch} iterations, and length, schedules and checkpoints of '
        f'this config count epochs: it ends after {runner.max_iters} iterations. Few videos '
        'make longer epochs when they are cut into clips (train_dataloader.dataset.source=clips), '
        'and configs/poodle_r50_videos.py counts iterations'
    )


def _other_batch(runner: Runner, world: World) -> str:
    """The rate is meant for another total batch than this run's."""
    scale = runner.auto_scale_lr or {}
    base = scale.get('base_batch_size')
    if base is None or scale.get('enable') or base == world.pairs_per_step:
        return ''
    return (
        f'The total batch is {world.pairs_per_step} {unit_of_run(runner)} '
        f'({world.processes} processes x '
        f'{world.batch_size} samples x {world.repeats} repeats x {world.accumulation} '
        f'accumulated), but the learning rate is meant for {base}: pass --auto-scale-lr, or '
        'change train_dataloader.batch_size or optim_wrapper.accumulative_counts.'
    )
