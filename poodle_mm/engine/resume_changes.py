"""Going on from a checkpoint in a changed world: what changed is said, what counts stays in step.

MMEngine restores iteration, learning rates and schedules as they were written, whatever they
counted. With another batch an epoch has another number of iterations: schedules then end too early
or never, and the target network freezes.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import torch
from mmengine.model import BaseAveragedModel
from mmengine.optim import ReduceOnPlateauParamScheduler
from mmengine.runner import Runner

from poodle_mm.checkpoints.config_text import read_config_text
from poodle_mm.engine.world import World, by_epoch, recorded_world
from poodle_mm.utils.errors import warn
from poodle_mm.utils.modules import bare_model

# Where, and with how many helpers, a run computes is not what it computes.
_NEUTRAL = (
    'custom_imports', 'default_hooks', 'default_scope', 'env_cfg', 'experiment_name', 'launcher',
    'load_from', 'log_level', 'log_processor', 'model_wrapper_cfg', 'processes', 'resume',
    'sync_bn', 'visualizer', 'work_dir',
)  # fmt: skip
_NEUTRAL_OF_LOADERS = ('num_workers', 'persistent_workers', 'pin_memory', 'prefetch_factor')
_KEPT = ('train_dataloader', 'optim_wrapper')  # without them a config text is not a run's
_TAKE_BACK = 'Take the change back, or start a new run from the weights (load_from)'


def fit_to_run(runner: Runner, checkpoint: dict[str, Any]) -> None:
    """Bring the counters in a checkpoint into step with the run that goes on from it.

    Nothing is touched if nothing changed. Otherwise every change is logged, and

    - samples seen stay: the iteration becomes the one at which the new run has seen as many
      (with epochs: has finished as many);
    - schedules stand where the new config's stand at that iteration;
    - the target network has taken the steps that belong to it;
    - options of the optimizer (rate, weight decay, …) are the new config's. Its moments stay.

    Args:
        runner: Runner that is built and has not read the checkpoint yet.
        checkpoint: Content of the checkpoint; changed in place.

    Raises:
        ValueError: If that is not well defined: naming the option and what to do.
    """
    meta = checkpoint['meta']
    config, new_config = _config(meta.get('cfg')), _config(runner.cfg.pretty_text)
    if not all(key in config for key in _KEPT):
        return  # converted from elsewhere
    now = World.of(runner)
    before = recorded_world(meta) or _guessed_world(meta, config, now, runner)
    changes = config_changes(config, new_config) + _world_changes(before, now)
    if not changes:
        return
    _check_kinds(config, new_config)
    iteration = _new_iteration(runner, meta, before, now, config)
    lines = ['Resuming from a checkpoint of a run that was set up differently:', *changes]
    if iteration != meta['iter']:
        lines.append(f'iteration {meta["iter"]} is iteration {iteration} now')
    lines += _fit_steps(runner, checkpoint, before, now, iteration)
    lines += _fit_schedules(runner, checkpoint, iteration, now.iters_per_epoch)
    meta['iter'] = iteration
    warn('\n  '.join(lines))


def config_changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Differences between two configs that matter to the training, a line each."""
    a, b = dict(config_leaves(before)), dict(config_leaves(now))
    return [
        f'{key}: {a.get(key, "(absent)")!r} → {b.get(key, "(absent)")!r}'.replace("'(absent)'", '–')
        for key in dict.fromkeys([*a, *b])
        if key not in a or key not in b or a[key] != b[key]
    ]


def config_leaves(node: Any, name: str = '') -> Iterator[tuple[str, Any]]:
    """Dotted key and value of each option of a config that matters to the training."""
    parent, _, last = name.rpartition('.')
    if name in _NEUTRAL or (parent.endswith('_dataloader') and last in _NEUTRAL_OF_LOADERS):
        return
    if isinstance(node, Mapping):
        items = node.items()
    elif isinstance(node, (list, tuple)) and any(isinstance(v, Mapping) for v in node):
        items = enumerate(node)
    else:
        yield name, list(node) if isinstance(node, tuple) else node
        return
    for key, value in items:
        yield from config_leaves(value, f'{name}.{key}' if name else str(key))


def _config(text: Any) -> dict[str, Any]:
    """Entries of a config's text that are plain data; nothing is executed."""
    try:
        return read_config_text(text, strict=False) if isinstance(text, str) else {}
    except ValueError:
        return {}


def _guessed_world(meta: Mapping, config: Mapping, now: World, runner: Runner) -> World:
    """The world of a checkpoint that does not name it: as many processes and samples as now."""
    dataset = config['train_dataloader'].get('dataset', {})
    length = now.iters_per_epoch
    if by_epoch(runner) and meta['epoch'] and meta['iter'] % meta['epoch'] == 0:
        length = meta['iter'] // meta['epoch']
    return replace(
        now,
        batch_size=config['train_dataloader'].get('batch_size', now.batch_size),
        accumulation=config['optim_wrapper'].get('accumulative_counts', 1),
        repeats=dataset.get('repeats', 1) if isinstance(dataset, Mapping) else now.repeats,
        iters_per_epoch=length,
    )


def _world_changes(before: World, now: World) -> list[str]:
    compared = {
        'processes': (before.processes, now.processes),
        'samples of the data': (before.length, now.length),
        'iterations an epoch': (before.iters_per_epoch, now.iters_per_epoch),
    }
    return [f'{name}: {a} → {b}' for name, (a, b) in compared.items() if a != b]


def _check_kinds(before: Mapping, now: Mapping) -> None:
    """Refuse another optimizer and another kind of loop."""
    a, b = (cfg.get('optim_wrapper', {}).get('optimizer', {}).get('type') for cfg in (before, now))
    if a != b:
        raise ValueError(
            f'cannot resume: optim_wrapper.optimizer.type changed from {a} to {b}, and the state '
            f'of the one means nothing to the other. {_TAKE_BACK}'
        )
    a, b = ('max_epochs' in cfg.get('train_cfg', {}) for cfg in (before, now))
    if a != b:
        raise ValueError(
            'cannot resume: train_cfg counted '
            + ('epochs and counts iterations now' if a else 'iterations and counts epochs now')
            + f'. {_TAKE_BACK}'
        )


def _new_iteration(
    runner: Runner, meta: Mapping, before: World, now: World, config: Mapping
) -> int:
    """The iteration at which the new run has seen what the checkpoint's had."""
    epochs = meta['epoch'] if by_epoch(runner) else 0
    inside = meta['iter'] - epochs * before.iters_per_epoch
    unit, what = now.samples, 'train_dataloader.batch_size × processes'
    if inside * before.samples % unit:
        raise ValueError(
            f'cannot resume: {what} changed from {before.samples} to {unit}, and the '
            f'{inside * before.samples} samples that were seen'
            + (f' of epoch {epochs + 1}' if by_epoch(runner) else '')
            + f' are no multiple of {unit}: resume from another checkpoint, or with a batch that '
            'divides them'
        )
    if by_epoch(runner):
        if inside and before.length != now.length:
            raise ValueError(
                f'cannot resume within epoch {epochs + 1}: the data had {before.length} samples '
                f'and have {now.length} now, so that their order is another. Resume from the end '
                'of an epoch, or with the data as they were'
            )
    elif before.samples != unit:
        length = config.get('train_cfg', {}).get('max_iters', runner.max_iters)
        if length * before.samples != runner.max_iters * unit:
            raise ValueError(
                f'cannot resume: {what} changed from {before.samples} to {unit}, and '
                f'train_cfg.max_iters is {runner.max_iters}: set it to '
                f'{length * before.samples / unit:g}, and schedules in iterations in proportion, '
                'so that the run sees as many samples'
            )
    return epochs * now.iters_per_epoch + inside * before.samples // unit


def _fit_steps(
    runner: Runner, checkpoint: dict, before: World, now: World, iteration: int
) -> list[str]:
    """Set the steps that averages of the weights have taken; what changed, a line each."""
    ratio = before.accumulation / now.accumulation
    done = checkpoint['meta']['iter']
    if not done or (iteration == done and ratio == 1):
        return []
    lines, state = [], checkpoint['state_dict']
    for name, module in bare_model(runner.model).named_modules():
        key = f'{name}.steps'
        if isinstance(module, BaseAveragedModel) and key in state:
            steps = int(int(state[key]) * iteration * ratio / done)
            lines.append(f'{key}: {int(state[key])} → {steps}')
            state[key] = torch.full_like(state[key], steps)
    return lines


def _fit_schedules(
    runner: Runner, checkpoint: dict, iteration: int, iters_per_epoch: int
) -> list[str]:
    """Let the new run's schedules run up to an iteration; the optimizer's options are the new ones.

    The runner's own schedulers do it, step by step, so that the values are those of a run that
    came here under the new config, bit for bit.
    """
    schedulers = runner.param_schedulers or []
    if not isinstance(schedulers, list) or any(
        isinstance(s, ReduceOnPlateauParamScheduler) for s in schedulers
    ):
        raise ValueError(
            'cannot resume with changes: param_scheduler depends on more than the iteration. '
            + _TAKE_BACK
        )
    wrapper, state = runner.optim_wrapper, checkpoint['optimizer']
    groups, saved = wrapper.optimizer.param_groups, state['param_groups']
    if [len(g['params']) for g in groups] != [len(g['params']) for g in saved]:
        raise ValueError(
            'cannot resume: optim_wrapper groups the parameters differently (constructor, '
            f'paramwise_cfg, or frozen parts of the model). {_TAKE_BACK}'
        )
    wrapper._global_step = 0  # else MMEngine warns of a schedule ahead of its optimizer
    for done in range(1, iteration + 1):
        due = [s for s in schedulers if not s.by_epoch]
        if by_epoch(runner) and done % iters_per_epoch == 0:
            due += [s for s in schedulers if s.by_epoch]
        for scheduler in due:
            scheduler.step()
    checkpoint['param_schedulers'] = [scheduler.state_dict() for scheduler in schedulers]
    rates = [(old['lr'], new['lr']) for old, new in zip(saved, groups)]
    if 'base_param_settings' in state:  # MMEngine's stand-in for a group, of several
        groups, saved = wrapper.param_groups, [*saved, state['base_param_settings']]
    for old, new in zip(saved, groups, strict=True):
        old |= {key: value for key, value in new.items() if key != 'params'}
    return [f'learning rate here: {a:.4g} → {b:.4g}' for a, b in dict.fromkeys(rates) if a != b]
