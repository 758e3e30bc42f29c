"""From a study to its runs: configs, options, folders and command lines."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from mmengine.config import Config

from poodle_mm.engine.config import load_config
from poodle_mm.experiments.ablations.budget import Budget, budget_options, parse_budget
from poodle_mm.experiments.ablations.runs import Run
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
        kitti: Root of KITTI 2015, on which BDD100K's flow of row 6 begins; None: the config's.
        cfg_options: Further config options of every pretraining.
        flow_weights: Weights for row 6 in place of a training: a file or a packaged name.
        flow_budget: Length of each training of flow, as ``budget``; None: the configs', or the
            share of it that the pretraining has of its own, or the same minutes.
        flow_per_seed: Train flow for each seed, in place of once for all.
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
    kitti: str | Path | None = None
    cfg_options: Mapping[str, Any] | None = None
    flow_weights: str | None = None
    flow_budget: str | None = None
    flow_per_seed: bool = False

    @property
    def length(self) -> Budget | None:
        return parse_budget(self.budget) if self.budget else None

    @property
    def flow_length(self) -> Budget | None:
        """Length of each training of flow if it is no share of the config's."""
        if self.flow_budget:
            return parse_budget(self.flow_budget)
        return self.length if self.length and self.length.unit == 'minutes' else None

    def roots(self, *names: str) -> list[str | None]:
        """Roots of data by the names of their options, absolute."""
        found = [getattr(self, name) for name in names]
        return [root and str(Path(root).resolve()) for root in found]


def choose(studies: Sequence[Study], keys: Sequence[str] | None) -> list[tuple[Study, Variant]]:
    """Variants of the studies by key or pattern (``5c-*``).

    Args:
        studies: Studies to choose from.
        keys: Keys and patterns; None takes all.

    Raises:
        ValueError: If a key names nothing.
    """
    everything = [(study, variant) for study in studies for variant in study.variants]
    if keys is None:
        return everything
    for key in keys:
        if not any(fnmatch(variant.key, key) for _, variant in everything):
            raise ValueError(f'no row {key!r}: there are {", ".join(v.key for _, v in everything)}')
    return [(s, v) for s, v in everything if any(fnmatch(v.key, key) for key in keys)]


def plan_run(variant: Variant, seed: int, args: PlanOptions) -> Run:
    """The run of a variant and a seed; see :func:`~.flow_runs.with_flow` for what goes before it.

    Raises:
        MissingConfigError: If the method has no config for these data.
        ValueError: If budget or number of processes do not fit the config.
    """
    data = DATA[args.data].of(variant.method, variant.exact)
    method = variant.method or variant.like
    roots = args.roots('data_root', 'driving')
    config, parts = data.config(args.root / 'configs', method, variant.arch)
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
        name = f'scratch-{variant.arch}' if variant.arch else 'scratch'
        return Run(**common, options={}, processes=1, work_dir=folder / f'{name}_s{seed}')

    cfg = load_config(config, parts)
    wanted = sweep_options(cfg, variant.settings, data)
    swept = {key: value for key, value in wanted.items() if _value(cfg, key) != value}
    options = swept | root_options(cfg, roots)
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
        options |= seed_options(seed)
    options = parts | options | dict(args.cfg_options or {})
    name = config.stem.replace('poodle', method, 1) + _slug(swept) + f'_s{seed}'
    return Run(**common, options=options, processes=processes, work_dir=folder / name)


def seed_options(seed: int) -> dict[str, int]:
    """Config options for a seed of everything."""
    parts = ('randomness', 'train_dataloader.dataset', 'train_dataloader.sampler')
    return {f'{part}.seed': seed for part in parts}


def root_options(cfg: Config, roots: Iterable[str | None]) -> dict[str, str]:
    """Config options for the roots of the data sets, in their order.

    Raises:
        ValueError: See :func:`carried`.
    """
    pairs = zip(datasets_of(cfg), roots)
    return {f'{key}.data_root': carried(root) for key, root in pairs if root}


def carried(path: str | Path) -> str:
    """A path as the value of an option.

    Raises:
        ValueError: If it holds characters that mean something else there.
    """
    if set(str(path)) & set(' ,()[]'):
        raise ValueError(
            f"{path}: MMEngine's --cfg-options cannot carry spaces, commas and brackets: link "
            'the folder to a name without them'
        )
    return str(path)


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
