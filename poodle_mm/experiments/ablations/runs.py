"""A run of a study, and the commands that do it."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from mmengine.config import Config

from poodle_mm.engine.config import load_config
from poodle_mm.experiments.ablations.study import SCRATCH, Variant


@dataclass(frozen=True)
class Run:
    """One pretraining with its readouts, the readouts of random weights, or a training of flow.

    Attributes:
        variant: Row of the table or point of the figure.
        seed: Seed of everything.
        config: Config file; for random weights, that of the network they fill.
        options: Differences from the file, dotted keys to values.
        processes: Number of processes that train together.
        work_dir: Folder of the run; equal runs of several studies share it.
        readout: Options of ``tools/evaluate.py``: name to values; empty for flow.
        before: Training of flow whose last checkpoint it starts from or takes flow from.
        weights: Name of published weights that are read out in place of a training's; ``config`` is
            then their file.
        more: Options as ``readout``, of further suites.
    """

    variant: Variant
    seed: int
    config: Path
    options: Mapping[str, Any]
    processes: int
    work_dir: Path
    readout: Mapping[str, Sequence]
    before: 'Run | None' = None
    weights: str | None = None
    more: tuple[Mapping[str, Sequence], ...] = ()

    @property
    def trains(self) -> bool:
        """False for random and for published weights."""
        return self.variant.method is not SCRATCH

    @property
    def readouts(self) -> list[Mapping[str, Sequence]]:
        """``readout`` and ``more``; none for flow."""
        return [self.readout, *self.more] if self.readout else []

    def load(self) -> Config:
        """The config as it will be trained."""
        return load_config(self.config, dict(self.options))

    @cached_property
    def checkpoint(self) -> Path:
        """The last checkpoint of the training."""
        train_cfg = self.load().train_cfg
        if 'max_epochs' in train_cfg:
            return self.work_dir / f'epoch_{train_cfg.max_epochs}.pth'
        return self.work_dir / f'iter_{train_cfg.max_iters}.pth'

    @property
    def readout_dir(self) -> Path:
        """Folder of the output of ``tools/evaluate.py``."""
        return self.work_dir / 'readout'


def train_command(run: Run, port: int = 29500) -> list[str]:
    """The command that trains a run, or goes on with it."""
    options = [f'{key}={_text(value)}' for key, value in run.options.items()]
    if run.processes != run.load().get('processes', 1):
        options.append(f'processes={run.processes}')
    tail = ['--work-dir', str(run.work_dir), '--resume', 'auto']
    tail += ['--cfg-options', *options] if options else []
    if run.processes == 1:
        return ['python', 'tools/train.py', str(run.config), *tail]
    launcher = ['env', f'PORT={port}', 'bash', 'tools/dist_train.sh']
    return [*launcher, str(run.config), str(run.processes), *tail]


def readout_words(readout: Mapping[str, Sequence]) -> list[str]:
    """Options of ``tools/evaluate.py`` as a command line."""
    return [str(w) for name, values in readout.items() for w in (f'--{name}', *values)]


def readout_commands(run: Run) -> list[list[str]]:
    """The commands that read a run out, one for each suite."""
    encoder = [f'{run.variant.key}={run.checkpoint if run.trains else run.weights or "none"}']
    if not (run.trains or run.weights):
        encoder += ['--like', str(run.config)]
    tail = ['--seed', str(run.seed), '--work-dir', str(run.readout_dir)]
    head = ['python', 'tools/evaluate.py', *encoder]
    return [[*head, *readout_words(readout), *tail] for readout in run.readouts]


def job_line(run: Run, port: int = 29500) -> str:
    """Training and readouts as one line for a shell."""
    commands = [train_command(run, port)] if run.trains else []
    commands += readout_commands(run)
    return ' && '.join(shlex.join(command) for command in commands)


def _text(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return '(' + ','.join(_text(v) for v in value) + ')'
    return str(value)
