"""From a study to its runs: configs, options, folders and command lines."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from mmengine.config import Config

from poodle_mm.engine.config import load_config
from poodle_mm.experiments.ablations.budget import Budget, budget_options
from poodle_mm.experiments.ablations.settings import DataSetting, datasets_of, sweep_options
from poodle_mm.experiments.ablations.study import SCRATCH, Study, Variant


@dataclass(frozen=True)
class Run:
    """One pretraining with its readouts, or the readouts of random weights.

    Attributes:
        variant: Row of the table or point of the figure.
        seed: Of everything.
        config: Config file; for random weights, of the network they fill.
        options: What differs from the file, dotted keys to values.
        processes: That train together.
        work_dir: Folder of the run; equal runs of several studies share it.
        readout: Arguments of ``tools/evaluate.py``.
    """

    variant: Variant
    seed: int
    config: Path
    options: Mapping[str, Any]
    processes: int
    work_dir: Path
    readout: tuple[str, ...]

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
        """Where ``tools/evaluate.py`` writes."""
        return self.work_dir / 'readout'


@dataclass(frozen=True)
class PlanArguments:
    """What the runs of a study have in common.

    Attributes:
        data: The data setting.
        config_dir: ``configs``.
        work_dir: Folder of all runs.
        budget: Length of each pretraining; None as the configs say.
        processes: Processes of a pretraining; None as the configs say. The total batch stays.
        data_root: Root of the data; None as the configs say.
        driving: Root of a mixture's second data set (frames of driving videos beside CamVid's).
        readouts: Names of readouts.
        split: Split that is scored, where there is a choice.
        options: Further options for every pretraining.
    """

    data: DataSetting
    config_dir: Path
    work_dir: Path
    budget: Budget | None = None
    processes: int | None = None
    data_root: str | None = None
    driving: str | None = None
    readouts: tuple[str, ...] = ('linear',)
    split: str | None = None
    options: Mapping[str, Any] | None = None


def choose(studies: Sequence[Study], keys: Sequence[str] | None) -> list[tuple[Study, Variant]]:
    """Variants of the studies by key or pattern (``5c-*``).

    Args:
        studies: Those asked for.
        keys: None takes all that need no file which is not there.

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


def plan_run(variant: Variant, seed: int, args: PlanArguments) -> Run:
    """The run of a variant and a seed.

    Raises:
        FileNotFoundError: If the method has no config for these data.
        ValueError: If budget or number of processes do not fit the config.
    """
    trains = variant.method is not SCRATCH
    config = args.data.config(args.config_dir, variant.method or 'poodle', with_flow=trains)
    readout = ['--suite', args.data.suite, '--readouts', *args.readouts]
    if args.data.size:
        readout += ['--size', *map(str, args.data.size)]
    if args.data_root:
        readout += ['--data-root', str(args.data_root)]
    if args.split:
        readout += ['--split', args.split]
    common = dict(variant=variant, seed=seed, config=config, readout=tuple(readout))
    if not trains:
        folder = args.work_dir / config.parent.name / f'scratch_s{seed}'
        return Run(**common, options={}, processes=1, work_dir=folder)

    cfg = load_config(config)
    wanted = sweep_options(cfg, variant.settings, args.data)
    options = {key: value for key, value in wanted.items() if not _equal(cfg, key, value)}
    slug = ''.join(f'_{name}{_slug(value)}' for name, value in _by_name(options).items())
    options |= _roots(cfg, (args.data_root, args.driving))
    processes = args.processes or cfg.get('processes', 1)
    if processes != cfg.get('processes', 1):
        total = cfg.train_dataloader.batch_size * cfg.get('processes', 1)
        if total % processes:
            raise ValueError(f'{config}: a batch of {total} does not split into {processes}')
        options['train_dataloader.batch_size'] = total // processes
    if args.budget is not None and args.budget.unit != 'minutes':
        cfg.merge_from_dict({k: v for k, v in options.items() if k.endswith('data_root')})
        options |= budget_options(cfg, args.budget)
    if seed != cfg.randomness.seed:
        options['randomness.seed'] = seed
        for part in ('train_dataloader.dataset', 'train_dataloader.sampler'):
            options[f'{part}.seed'] = seed
    options |= args.options or {}
    folder = args.work_dir / config.parent.name / f'{config.stem}{slug}_s{seed}'
    return Run(**common, options=options, processes=processes, work_dir=folder)


def train_command(run: Run, port: int = 29500) -> list[str]:
    """The command that trains a run, or goes on with it."""
    options = [f'{key}={_text(value)}' for key, value in run.options.items()]
    if run.processes != run.load().get('processes', 1):
        options.append(f'processes={run.processes}')
    common = [str(run.config), '--work-dir', str(run.work_dir), '--resume', 'auto']
    common += ['--cfg-options', *options] if options else []
    if run.processes == 1:
        return ['python', 'tools/train.py', *common]
    config, *rest = common
    launcher = ['env', f'PORT={port}', 'bash', 'tools/dist_train.sh']
    return [*launcher, config, str(run.processes), *rest]


def readout_command(run: Run) -> list[str]:
    """The command that reads a run out."""
    if run.trains:
        encoder = [f'{run.variant.key}={run.checkpoint}']
    else:
        encoder = [f'{run.variant.key}=none', '--like', str(run.config)]
    tail = ['--seed', str(run.seed), '--work-dir', str(run.readout_dir)]
    return ['python', 'tools/evaluate.py', *encoder, *run.readout, *tail]


def job_line(run: Run, port: int = 29500) -> str:
    """Training and readout as one line for a shell."""
    commands = [train_command(run, port)] if run.trains else []
    return ' && '.join(shlex.join(command) for command in [*commands, readout_command(run)])


def _roots(cfg: Config, roots: Sequence[str | None]) -> dict[str, str]:
    """Options that point the data sets of a training to folders."""
    options = {}
    for key, root in zip(datasets_of(cfg), roots):
        if root is None:
            continue
        if set(root) & set(' ,()[]'):
            raise ValueError(
                f"{root}: MMEngine's --cfg-options cannot carry spaces, commas and brackets: link "
                'the folder to a name without them'
            )
        options[f'{key}.data_root'] = root
    return options


def _by_name(options: Mapping[str, Any]) -> dict[str, Any]:
    """Each setting once, with a short name, though it may stand at several data sets.

    What is switched off for another setting's sake (``scale`` for ``area``) needs no name.
    """
    return {
        ('subcrops-' if 'subcrops' in key else '') + key.split('.')[-1]: value
        for key, value in options.items()
        if value is not None
    }


def _slug(value: Any) -> str:
    if not isinstance(value, tuple):
        return f'{value:g}'
    return ('-' if isinstance(value[0], float) else 'x').join(f'{v:g}' for v in value)


def _equal(cfg: Config, key: str, value: Any) -> bool:
    for part in key.split('.'):
        cfg = cfg[int(part)] if isinstance(cfg, (list, tuple)) else cfg.get(part)
    same_length = isinstance(cfg, (list, tuple)) == isinstance(value, (list, tuple))
    return same_length and (tuple(cfg) == value if isinstance(value, tuple) else cfg == value)


def _text(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return '(' + ','.join(_text(v) for v in value) + ')'
    return str(value)
