"""Throughput, memory and progress of a training, in a file that other programs read."""

import time
from pathlib import Path
from statistics import median

import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner

from poodle_mm.engine.schedule import unit_of_run
from poodle_mm.registry import HOOKS
from poodle_mm.utils.files import read_json, write_json
from poodle_mm.utils.memory import peak_resident_mib

RUN_STATS = 'run_stats.json'
_KEPT = 10_000  # iteration times of which the median is taken


@HOOKS.register_module()
class RunStatsHook(Hook):
    """Writes ``run_stats.json`` into the work dir, now and then and at the end.

    Its entries: ``iter`` and ``max_iters``; ``pairs`` seen since the beginning of the run (items of
    the batch over all processes), and their ``unit``: ``'frames'`` for methods on single frames,
    ``'clips'`` for methods on clips; ``pairs_per_second``, total batch over the median time from
    one iteration's end to the next one's in this process, loading included, the first ``warmup``
    iterations left out; ``seconds`` of training, resumed parts included; ``memory_mib``, the peak
    of this process: allocated on the GPU, or resident on a CPU (data workers not counted);
    ``device`` and ``processes``.

    Args:
        interval: Iterations between two writings.
        warmup: Iterations that the median leaves out.
    """

    # Before LoggerHook, which resets torch's peak of the GPU's memory.
    priority = 'NORMAL'

    def __init__(self, interval: int = 50, warmup: int = 5) -> None:
        self.interval = interval
        self.warmup = warmup
        self._times: list[float] = []
        self._done = 0
        self._earlier = 0.0
        self._peak = 0

    def before_train(self, runner: Runner) -> None:
        """Read what earlier parts of a resumed run took, and start the clock."""
        file = Path(runner.work_dir, RUN_STATS)
        before = read_json(file) if runner.iter else None
        if isinstance(before, dict) and before.get('iter') and 'seconds' in before:
            # Iterations after the checkpoint are done again; so their time counts again, too.
            self._earlier = before['seconds'] * min(1.0, runner.iter / before['iter'])
        self._start = self._last = time.monotonic()

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict, outputs: dict
    ) -> None:
        """Time this iteration; write every ``interval``."""
        now = time.monotonic()
        self._done += 1
        if self._done > self.warmup and len(self._times) < _KEPT:
            self._times.append(now - self._last)
        self._last = now
        self._batch = len(data_batch['data_samples']) * runner.world_size
        if torch.cuda.is_available():
            self._peak = max(self._peak, torch.cuda.max_memory_allocated())
        if (runner.iter + 1) % self.interval == 0 or runner.iter + 1 == runner.max_iters:
            self._write(runner)

    def before_leaving(self, runner: Runner) -> None:
        """Write when SIGTERM stops the run."""
        if self._done:
            self._write(runner)

    def _write(self, runner: Runner) -> None:
        if runner.rank != 0:
            return
        done, gpu = runner.iter + 1, torch.cuda.is_available()
        stats = dict(
            iter=done,
            max_iters=runner.max_iters,
            pairs=done * self._batch,
            pairs_per_second=self._batch / median(self._times) if self._times else None,
            seconds=self._earlier + self._last - self._start,
            memory_mib=self._peak / 2**20 if gpu else peak_resident_mib(),
            device=torch.cuda.get_device_name() if gpu else 'cpu',
            processes=runner.world_size,
            unit=unit_of_run(runner),
        )
        write_json(Path(runner.work_dir, RUN_STATS), stats, indent=2)
