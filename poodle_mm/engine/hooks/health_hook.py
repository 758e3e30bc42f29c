"""Watches a run: collapse, rank, place, flow, data, and numbers that are not finite."""

from collections.abc import Mapping, Sequence

import torch
from mmengine.dist import all_reduce, barrier, get_world_size
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import Tensor

from poodle_mm.checkpoints.state_dict import some
from poodle_mm.engine.health.checks import (
    BROKEN,
    CHECKS,
    STATISTICS,
    Check,
    check_kinds,
    chosen_checks,
)
from poodle_mm.engine.health.events import Event, start_log, write_event
from poodle_mm.engine.health.finite import StepGuard, broken_losses, broken_tensors
from poodle_mm.engine.health.saved_batch import StateBefore, save_batch
from poodle_mm.engine.health.statistics import Observer, step_statistics
from poodle_mm.engine.resumable import find_resumable
from poodle_mm.registry import HOOKS
from poodle_mm.utils.distributed import on_all_processes
from poodle_mm.utils.modules import bare_model

_START = 'health_start'  # in the message hub, which checkpoints hold
_CPU_DATA_SHARE = 0.95


@HOOKS.register_module()
class HealthHook(Hook):
    """Warn, or stop, when a run is not healthy; name the likely cause and the key to change.

    Every ``interval`` iterations the averages since the last look are compared with the limits of
    :data:`~poodle_mm.engine.health.checks.CHECKS`; ``patience`` bad ones in a row are reported, and
    again what has recovered. Reports go to the log and to ``health.jsonl`` in the work dir. What is
    looked at applies to the method or is left out. Training is not changed.

    A loss or gradient that is not finite always ends the run. Its optimizer step is withheld, so
    that the weights stay those that the batch was run with.

    Args:
        interval: Iterations between looks.
        patience: Looks in a row that must be bad.
        limits: Limits of your own by name in ``CHECKS``; None switches a check off.
        stop_on: Kinds of checks (``KINDS``) that save the batch under ``batches`` in the work dir,
            for ``tools/replay.py``, and end the run. ``'nonfinite'`` keeps a copy of what is not
            trained (target network, queues) in each iteration; the others of the weights, too, in
            those with a look.

    Raises:
        FloatingPointError: During training, if a loss, gradient or weight is NaN or infinite.
        RuntimeError: During training, on another kind in ``stop_on``.
        ValueError: If there is no such limit or kind.
    """

    priority = 'HIGH'  # after the outputs are logged, before the target network is moved

    def __init__(
        self,
        interval: int = 20,
        patience: int = 3,
        limits: Mapping[str, float | None] | None = None,
        stop_on: Sequence[str] = ('nonfinite',),
    ) -> None:
        limits = dict(limits or {})
        if 'data_share' not in limits and not torch.cuda.is_available():
            limits['data_share'] = _CPU_DATA_SHARE  # workers and network share the cores
        self.interval = interval
        self.patience = patience
        self.checks = chosen_checks(limits)
        self.stop_on = check_kinds(stop_on)
        self._low = dict.fromkeys(self.checks, 0)
        self._sums: dict[str, Tensor] = {}
        self._count = 0

    def before_train(self, runner: Runner) -> None:
        """Begin, unless a later hook of this kind in ``custom_hooks`` does it."""
        self.active = [h for h in runner.hooks if isinstance(h, HealthHook)][-1] is self
        if not self.active:
            return
        model = bare_model(runner.model)
        self._observer = Observer(model)
        self._guard = StepGuard(runner.optim_wrapper.optimizer, model)
        known = runner.message_hub.runtime_info.get(_START) if runner.iter else None
        self._start = dict(known) if known else None
        if runner.rank == 0:
            start_log(runner.work_dir, resumed=runner.iter > 0)

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: dict) -> None:
        """Keep what this iteration will change and a saved batch needs."""
        if not self.active:
            return
        due = self.every_n_train_iters(runner, self.interval)
        self._observer.active = due or self._start is None
        self._observer.seen = {}
        self._before = None
        if self.stop_on:
            weights = due and self.stop_on != {'nonfinite'}
            self._before = StateBefore(bare_model(runner.model), weights)

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict, outputs: dict
    ) -> None:
        """Check that all is finite and, every ``interval``, the averages."""
        if not self.active:
            return
        due = self.every_n_train_iters(runner, self.interval)
        self._check_finite(runner, data_batch, outputs, weights=due)
        for name in ('loss', *STATISTICS):
            if name in outputs:
                value = torch.as_tensor(outputs[name]).detach().float()
                self._sums[name] = self._sums.get(name, 0) + value
        self._count += 1
        if not due and self._start is not None:
            return
        looked = step_statistics(self._observer.seen)
        self._observer.seen = {}
        averages = {name: float(total) / self._count for name, total in self._sums.items()}
        for kind in ('dense', 'pool'):
            if f'std_{kind}' in averages and f'rank_{kind}' in looked:
                looked[f'filled_{kind}'] = averages[f'std_{kind}'] * looked[f'rank_{kind}']
        found = over_processes(averages | looked | (self._data_share(runner) if due else {}))
        for name in looked.keys() | {'data_share'} & found.keys():
            runner.message_hub.update_scalar(f'train/{name}', found[name])
        if self._start is None:
            self._start = found
            runner.message_hub.update_info(_START, found)
        if due:
            self._sums, self._count = {}, 0
            self._look(runner, data_batch, outputs, found)

    def after_train(self, runner: Runner) -> None:
        """Stop watching."""
        if self.active:
            self._observer.close()
            self._guard.close()

    def _data_share(self, runner: Runner) -> dict[str, float]:
        scalars = runner.message_hub.log_scalars
        if 'train/time' not in scalars or 'train/data_time' not in scalars:
            return {}
        waited, time = (scalars[f'train/{n}'].mean(self.interval) for n in ('data_time', 'time'))
        return dict(data_share=float(waited / time)) if time else {}

    def _check_finite(self, runner: Runner, data_batch: dict, outputs: dict, weights: bool) -> None:
        what = broken_losses(outputs)
        gradients, self._guard.broken = self._guard.broken, []
        broken = []
        if what or gradients or weights:
            model = bare_model(runner.model)  # batch norm's averages only follow the weights
            broken = broken_tensors(model.named_parameters())
            broken = broken or broken_tensors(model.named_buffers())
        names = [*broken, *(clause.split()[0] for clause in what), *gradients, 'loss']
        what += [f'the weight {some(broken, 1)} is not finite'] if broken else []
        what += [f'the gradient {some(gradients, 1)} is not finite'] if gradients else []
        if on_all_processes(not what):
            return
        done = runner.iter + 1
        says = ', '.join(what) or 'a loss of another process is not finite'
        message = f'iteration {done}: {says}. {BROKEN.cause}'
        found = (names[0], None, None, message, BROKEN.cause, BROKEN.key)
        event = Event(done, BROKEN.kind, 'error', *found)
        kept = self._before is not None and self._before.weights
        exact = bool(gradients) or kept or not runner.optim_wrapper.should_update()
        self._stop(runner, data_batch, outputs, event, exact)

    def _look(self, runner: Runner, data_batch: dict, outputs: dict, found: dict) -> None:
        fell = found.get('loss', 0.0) < self._start.get('loss', 0.0)
        stop = None
        for (name, limit), check in self.checks.items():
            if name not in found:
                continue
            bound = check.bound(self._start.get(name), fell)
            bad = check.broken(found[name], bound)
            before, key = self._low[name, limit], (name, limit)
            self._low[key] = before + 1 if bad else 0
            if bad and self._low[key] == self.patience:
                event = self._event(runner, name, check, found[name], bound)
                if check.kind in self.stop_on:
                    stop = stop or event
                else:
                    self._report(runner, event)
            elif not bad and before >= self.patience:
                self._report(runner, recovered(runner.iter + 1, name, check, found[name], bound))
        if stop:
            self._stop(runner, data_batch, outputs, stop, exact=True)

    def _event(self, runner: Runner, name: str, check: Check, value: float, bound: float) -> Event:
        done, side = runner.iter + 1, 'above' if check.above else 'below'
        message = (
            f'{name} averages {value:.3g} at iteration {done} and was {side} {bound:.3g} '
            f'{self.patience} times in a row: {check.cause} ({check.key})'
        )
        return Event(
            done, check.kind, 'warning', name, value, bound, message, check.cause, check.key
        )

    @staticmethod
    def _report(runner: Runner, event: Event) -> None:
        if runner.rank == 0:
            write_event(runner.work_dir, event)
            level = runner.logger.info if event.level == 'recovered' else runner.logger.warning
            level(event.message)

    def _stop(
        self, runner: Runner, data_batch: dict, outputs: dict, event: Event, exact: bool
    ) -> None:
        event.level = 'error'
        if event.kind in self.stop_on:
            try:
                event.batch = save_batch(runner, data_batch, outputs, self._before, event, exact)
                where = f'{runner.work_dir}/{event.batch}'
                event.message += (
                    f'. The batch is kept: python tools/replay.py {where} runs it again'
                )
            except (OSError, RuntimeError) as error:  # torch's, when the disk is full
                event.message += f'. The batch could not be kept ({error})'
            barrier()  # a launcher ends all processes with the first
        if runner.rank == 0:
            clean = find_resumable(runner.work_dir)
            event.message += (
                f'. --resume goes on from the last checkpoint, {clean}'
                if clean
                else '. There is no checkpoint to go on from: start anew'
            )
            write_event(runner.work_dir, event)
        barrier()
        raise (FloatingPointError if event.kind == 'nonfinite' else RuntimeError)(event.message)


def recovered(done: int, name: str, check: Check, value: float, bound: float | None) -> Event:
    """The event that a statistic is within its limit again."""
    message = f'{name} averages {value:.3g} at iteration {done}: it has recovered'
    return Event(done, check.kind, 'recovered', name, value, bound, message, check.cause, check.key)


def over_processes(found: Mapping[str, float]) -> dict[str, float]:
    """Statistics of all processes: means over those that have them, of ``data_share`` the largest.

    Every process must call it, with whatever it has found.
    """
    if get_world_size() == 1:
        return dict(found)
    names = ('loss', *STATISTICS)
    values = torch.tensor(
        [[found.get(n, 0.0) for n in names], [float(n in found) for n in names]],
        dtype=torch.float64,
    )
    slowest = values[:, names.index('data_share')].clone()
    all_reduce(values, 'sum')
    all_reduce(slowest, 'max')
    totals, counts = values.tolist()
    result = {n: total / count for n, total, count in zip(names, totals, counts) if count}
    if slowest[1]:
        result['data_share'] = float(slowest[0])
    return result


@HOOKS.register_module()
class CollapseMonitorHook(HealthHook):
    """:class:`~poodle_mm.engine.hooks.health_hook.HealthHook` with its predecessor's arguments.

    Args:
        interval, patience: Arguments of ``HealthHook``.
        min_std: Lower limit of ``std_dense`` and ``std_pool``.
        min_valid_share: Lower limit of ``valid_share``.
        stop: Stop where the monitor warned.
        min_information: Lower limit of ``information`` and ``information_patch``.
    """

    def __init__(
        self,
        interval: int = 50,
        min_std: float = CHECKS['std'].limit,
        min_valid_share: float = CHECKS['valid_share'].limit,
        patience: int = 5,
        stop: bool = False,
        min_information: float = CHECKS['information'].limit,
    ) -> None:
        limits = dict(std=min_std, valid_share=min_valid_share, information=min_information)
        kinds = ('nonfinite', 'collapse', 'valid_share', 'information')
        super().__init__(interval, patience, limits, kinds if stop else kinds[:1])
