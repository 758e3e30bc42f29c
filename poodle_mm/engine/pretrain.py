"""The demo's pretraining: a progress bar, a length in minutes, and what the report shows of it."""

import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner

from poodle_mm.engine.cpu_ranks import cpu_ranks
from poodle_mm.engine.schedule import unit_of_run
from poodle_mm.engine.train import build_runner
from poodle_mm.utils.modules import bare_model
from poodle_mm.utils.progress import Progress

_WARM_STEPS, _TIMED_STEPS = 8, 16


@dataclass
class PretrainingResult:
    """Results of a pretraining.

    Attributes:
        runner: The finished runner.
        checkpoint: Its last checkpoint.
        seconds: Time from the first iteration to the end of the last one.
        pairs: Pairs seen.
    """

    runner: Runner
    checkpoint: Path
    seconds: float
    pairs: int


class ProgressHook(Hook):
    """Progress bar with the rate and the loss; notes when each iteration ended.

    Attributes:
        pairs: Pairs seen.
        ends: Seconds (monotonic clock) at the start and after each iteration.
    """

    priority = 'LOWEST'

    def __init__(self, title: str) -> None:
        self.title = title
        self.pairs = 0
        self.ends = []

    def before_train(self, runner: Runner) -> None:
        """Start the clock."""
        self.bar = Progress(total=runner.max_iters, desc=self.title, unit='step', smoothing=0.05)
        self.unit = unit_of_run(runner)
        self.ends.append(time.monotonic())

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict, outputs: dict
    ) -> None:
        """One step on."""
        self.pairs += len(data_batch['data_samples']) * runner.world_size
        self.ends.append(time.monotonic())
        rate = self.pairs / (self.ends[-1] - self.ends[0])
        loss = runner.message_hub.get_scalar('train/loss').mean(20)
        self.bar.set_postfix_str(f'{rate:.0f} {self.unit}/s, loss {loss:.3f}', refresh=False)
        self.bar.update()

    def after_train(self, runner: Runner) -> None:
        """Leave the finished bar on the screen."""
        self.bar.close()


def pretrain(cfg: Config) -> PretrainingResult:
    """Train ``cfg`` to its end in ``cfg.processes`` processes, a progress bar in place of a log."""
    cfg.log_level = 'WARNING'
    runner, progress = _train(cfg, 'pretraining')
    return PretrainingResult(
        runner=runner,
        checkpoint=Path(runner.work_dir, f'iter_{runner.iter}.pth'),
        seconds=progress.ends[-1] - progress.ends[0],
        pairs=progress.pairs,
    )


def _train(cfg: Config, title: str) -> tuple[Runner, ProgressHook]:
    with cpu_ranks(cfg, cfg.get('processes', 1)):
        runner = build_runner(cfg)
        progress = ProgressHook(title)
        runner.register_hook(progress)
        runner.train()
    runner.model = bare_model(runner.model)
    return runner, progress


def steps_in(cfg: Config, minutes: float) -> int:
    """Number of iterations of ``cfg`` that fit into ``minutes`` here, from a few timed ones."""
    trial = cfg.copy()
    trial.log_level = 'ERROR'
    trial.custom_hooks = [h for h in cfg.get('custom_hooks', []) if 'Target' in h['type']]
    trial.visualizer = None
    trial.train_cfg.max_iters = _WARM_STEPS + _TIMED_STEPS
    with TemporaryDirectory() as trial.work_dir:
        trial.experiment_name = f'timing_{Path(trial.work_dir).name}'
        _, progress = _train(trial, 'timing')
    seconds = (progress.ends[-1] - progress.ends[_WARM_STEPS]) / _TIMED_STEPS
    return max(2, round(60 * minutes / seconds))  # a step of warm-up and one of the cosine
