"""From a study to its runs: configs, options, folders and command lines."""

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from mmengine.config import Config

from poodle_mm.engine.config import load_config
from poodle_mm.experiments.ablations.budget import Budget, budget_options, parse_budget
from poodle_mm.experiments.ablations.settings import (
    DATA,
    datasets_of,
    setting_text,
    sweep_options,
)
from poodle_mm.experiments.ablations.study import SCRATCH, Study, Variant


@dataclass(frozen=True)
class PlanOptions:
    """Options of all runs of a study.

    Attributes:
        data: Name in ``DATA``.
        root: Folder with ``configs`` and ``tools``.
        work_dir: Folder of the runs and reports.
        budget: Length of each pretraining, argument of ``parse_budget``; None: the configs'.
        processes: Processes of a pretraining; None: the configs'. The total batch stays.
        readouts: Names of readouts.
        split: Split that is scored, where there is a choice.
        data_root: Root of the data; None: the configs'.
        driving: Root of a mixture's second data set (frames of driving videos beside CamVid's).
        cfg_options: Further config options of every pretraining.
    """

    data: str
    root: Path
    work_dir: Path
    budget: str | None = None
    processes: int | None = None
    readouts: Sequence[str] = ('linear',)
    split: str | None = None
    data_root: str | Path | None = None
    driving: str | Path | None = None
    cfg_options: Mapping[str, Any] | None = None

    @property
    def length(self) -> Budget | None:
        return parse_budget(self.budget) if self.budget else None


@dataclass(frozen=True)
class Run:
    """One pretraining with its readouts, or the readouts of random weights.

    Attributes:
        variant: Row of the table or point of the figure.
        seed: Seed of everything.
        config: Config file; for random weights, that of the network they fill.
        options: Differences from the file, dotted keys to values.
        processes: Number of processes that train together.
        work_dir: Folder of the run; equal runs of several studies share it.
        readout: Options of ``tools/evaluate.py``: name to values.
    """

    variant: Variant
    seed: int
    config: Path
    options: Mapping[str, Any]
    processes: int
    work_dir: Path
    readout: Mapping[str, Sequence]

    @property
    def trains(self) -> bool:
        """False for random weights."""
        return self.variant.method is not SCRATCH

    def load(self) -> Config:
        """The config as it will be trained."""
        return load_config(self.config, dict(self.options))

    @property
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

    @property
    def readout_words(self) -> list[str]:
        """``readout`` as a command line."""
        return [str(w) for name, values in self.readout.items() for w in (f'--{name}', *values)]


def choose(studies: Sequence[Study], keys: Sequence[str] | None) -> list[tuple[Study, Variant]]:
    """Variants of the studies by key or pattern (``5c-*``).

    Args:
        studies: Studies to choose from.
        keys: Keys and patterns; None takes all that need no file which is not there.

    Raises:
        ValueError: If a key names nothing.
    """
    everything = [(study, variant) for study in studies for variant in study.variants]
    if keys is None:
        return [(s, v) for s, v in everything if v.needs is None or Path(v.needs).is_file()]
    for key in keys:
        if not any(fnmatch(variant.key, key) for _, variant in everything):
            raise ValueError(f'no row {key!r}: there are {", ".join(v.key for _, v in everything)}')
    return [(s, v) for s, v in everything if any(fnmatch(v.key, key) for key in keys)]


def plan_run(variant: Variant, seed: int, args: PlanOptions) -> Run:
    """The run of a variant and a seed.

    Raises:
        FileNotFoundError: If the method has no config for these data.
        ValueError: If budget or number of processes do not fit the config.
    """
    data, method = DATA[args.data].of(variant.method), variant.method or 'poodle'
    roots = [root and str(Path(root).resolve()) for root in (args.data_root, args.driving)]
    config, parts = data.config(args.root / 'configs', method)
    readout = {
        'suite': [data.suite],
        'readouts': args.readouts,
        'size': data.size,
        'data-root': roots[0] and roots[:1],
        'split': args.split and [args.split],
    }
    readout = {name: values for name, values in readout.items() if values}
    common = dict(variant=variant, seed=seed, config=config, readout=readout)
    folder = args.work_dir.resolve() / data.name
    if variant.method is SCRATCH:
        return Run(**common, options={}, processes=1, work_dir=folder / f'scratch_s{seed}')

    cfg = load_config(config, parts)
    wanted = sweep_options(cfg, variant.settings, data)
    swept = {key: value for key, value in wanted.items() if _value(cfg, key) != value}
    options = swept | _root_options(cfg, roots)
    processes = args.processes or cfg.get('processes', 1)
    if processes != cfg.get('processes', 1):
        total = cfg.train_dataloader.batch_size * cfg.get('processes', 1)
        if total % processes:
            raise ValueError(f'{config}: a batch of {total} does not split into {processes}')
        options['train_dataloader.batch_size'] = total // processes
    if args.length is not None and args.length.unit != 'minutes':
        cfg.merge_from_dict({k: v for k, v in options.items() if k.endswith('data_root')})
        options |= budget_options(cfg, args.length)
    if seed != cfg.randomness.seed:
        for part in ('randomness', 'train_dataloader.dataset', 'train_dataloader.sampler'):
            options[f'{part}.seed'] = seed
    options = parts | options | dict(args.cfg_options or {})
    name = config.stem.replace('poodle', method, 1) + _slug(swept) + f'_s{seed}'
    return Run(**common, options=options, processes=processes, work_dir=folder / name)


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


def readout_command(run: Run) -> list[str]:
    """The command that reads a run out."""
    encoder = [f'{run.variant.key}={run.checkpoint if run.trains else "none"}']
    if not run.trains:
        encoder += ['--like', str(run.config)]
    tail = ['--seed', str(run.seed), '--work-dir', str(run.readout_dir)]
    return ['python', 'tools/evaluate.py', *encoder, *run.readout_words, *tail]


def job_line(run: Run, port: int = 29500) -> str:
    """Training and readout as one line for a shell."""
    commands = [train_command(run, port)] if run.trains else []
    return ' && '.join(shlex.join(command) for command in [*commands, readout_command(run)])


def _root_options(cfg: Config, roots: Iterable[str | None]) -> dict[str, str]:
    options = {f'{key}.data_root': root for key, root in zip(datasets_of(cfg), roots) if root}
    for root in options.values():
        if set(root) & set(' ,()[]'):
            raise ValueError(
                f"{root}: MMEngine's --cfg-options cannot carry spaces, commas and brackets: link "
                'the folder to a name without them'
            )
    return options


def _slug(options: Mapping[str, Any]) -> str:
    """Each setting once, with a short name, though it may stand at several data sets.

    What is switched off for another setting's sake (``scale`` for ``area``) needs no name.
    """
    named = {
        ('subcrops-' if 'subcrops' in key else '') + key.split('.')[-1]: value
        for key, value in options.items()
        if value is not None
    }
    slug = ''.join(f'_{name}{setting_text(value)}' for name, value in named.items())
    return slug.translate(str.maketrans('–×', '-x'))  # a folder's name: ASCII


def _value(cfg: Config, key: str) -> Any:
    for part in key.split('.'):
        cfg = cfg[int(part)] if part.isdigit() else cfg.get(part)
    return cfg


def _text(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return '(' + ','.join(_text(v) for v in value) + ')'
    return str(value)
