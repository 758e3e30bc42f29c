"""Runs of a table's rows, and what each of them lacks on this machine."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config

from poodle_mm.catalog import CATALOG
from poodle_mm.checkpoints.released_files import how_to_get, weights_folder
from poodle_mm.checkpoints.released_weights import RELEASED
from poodle_mm.engine.config import load_config
from poodle_mm.experiments.ablations.budget import Budget, budget_options, pairs_per_step
from poodle_mm.experiments.ablations.folders import is_done
from poodle_mm.experiments.ablations.needs import missing_data, readout_needs
from poodle_mm.experiments.ablations.plan import carried, seed_options
from poodle_mm.experiments.ablations.runs import Run
from poodle_mm.experiments.ablations.settings import datasets_of
from poodle_mm.experiments.ablations.study import SCRATCH, Variant
from poodle_mm.experiments.tables.rows import Source, TableRow
from poodle_mm.utils.resources import find_config


@dataclass(frozen=True)
class TableOptions:
    """Options of all runs of a table.

    Attributes:
        root: Folder with ``configs`` and ``tools``.
        work_dir: Folder of the runs and reports.
        roots: Roots of data by their names in :data:`~poodle_mm.catalog.CATALOG`; others are the
            configs'.
        recipe: Of PooDLe and FlowE: ``'release'`` or ``'paper'``.
        budget: Length of each pretraining; None: the configs'.
        processes: Processes of a pretraining; None: the configs'. The total batch stays.
        readouts: Readouts that are run, of those that the table has; None: all.
        iters: Length of each readout; None: the configs'.
        weights_dir: Folder of published weights; None: torch.hub's.
        without_gpu: Whether rows may run without a GPU.
        cfg_options: Further config options of every pretraining.
    """

    root: Path
    work_dir: Path
    roots: Mapping[str, str] = field(default_factory=dict)
    recipe: str = 'release'
    budget: Budget | None = None
    processes: int | None = None
    readouts: Sequence[str] | None = None
    iters: int | None = None
    weights_dir: str | None = None
    without_gpu: bool = False
    cfg_options: Mapping[str, Any] = field(default_factory=dict)


def run_of(row: TableRow, source: Source, seed: int, args: TableOptions) -> Run:
    """The run of a row; rows of several tables that are one pretraining share it.

    Args:
        row: Row of a table.
        source: One of its sources.
        seed: Seed of the pretraining and of the readouts.
        args: Options.

    Raises:
        FileNotFoundError: If its config does not exist.
        ValueError: If the batch does not split into the processes, the budget is less than a step,
            or nothing of the row is read out.
    """
    # readouts of another length are no part of the paper's table
    short = f'_{args.iters}-iters' if args.iters else ''
    folder = args.work_dir.resolve() / 'tables' / f'{source.key}_s{seed}{short}'
    first, *more = _readouts(row, args)
    common = dict(seed=seed, work_dir=folder, readout=first, more=tuple(more))
    if source.config is None:
        config = find_config('poodle_r50_bdd')
        if source.weights:
            config = weights_folder(args.weights_dir) / RELEASED[source.weights].file
        variant = Variant(source.key, row.label, SCRATCH)
        weights = dict(weights=source.weights, config=config)
        return Run(variant=variant, options={}, processes=1, **weights, **common)
    config = _config(source.config, args.root)
    cfg = load_config(config)
    options = _root_options(cfg, args.roots)
    meant = _processes(cfg)
    processes = args.processes or meant
    if processes != cfg.get('processes', 1):
        options['processes'] = processes
    if processes != meant:
        total = cfg.train_dataloader.batch_size * meant
        if total % processes:
            raise ValueError(f'{config}: a batch of {total} does not split into {processes}')
        options['train_dataloader.batch_size'] = total // processes
    if args.budget is not None:
        cfg.merge_from_dict(options)
        options |= budget_options(cfg, args.budget)
    if seed != cfg.randomness.get('seed'):
        options |= seed_options(seed)
    variant = Variant(source.key, row.label, source.config)
    options |= dict(args.cfg_options)
    return Run(variant=variant, config=config, options=options, processes=processes, **common)


def needs_of(run: Run, args: TableOptions) -> list[str]:
    """What a run that is not done lacks here: weights, data, a GPU; nothing if it can start."""
    if is_done(run):
        return []
    needs = []
    if run.weights and not run.config.is_file():
        needs.append(f'weights: {how_to_get(RELEASED[run.weights], run.config)}')
    if run.trains:
        needs += [f'training data: {each}' for each in missing_data([run], args.root)]
    needs += readout_needs(run, args.root)
    if not (args.without_gpu or torch.cuda.is_available()):
        needs.append('a GPU (--without-gpu goes without)')
    elif 0 < torch.cuda.device_count() < run.processes and not args.without_gpu:
        needs.append(f'{run.processes} GPUs (or --processes)')
    return needs


def _processes(cfg: Config) -> int:
    """Processes for which a config's batch is meant: as it says, or as its total batch needs."""
    base = cfg.get('auto_scale_lr', {}).get('base_batch_size')
    if 'processes' in cfg or not base:
        return cfg.get('processes', 1)
    return max(1, base // pairs_per_step(cfg))


def _config(name: str, root: Path) -> Path:
    folder = root / 'configs'
    for file in (folder / f'{name}.py', folder / name.split('_')[0] / f'{name}.py'):
        if file.is_file():
            return file
    raise FileNotFoundError(f'config {name}.py, which does not exist')


def _readouts(row: TableRow, args: TableOptions) -> list[dict[str, list]]:
    """Options of ``tools/evaluate.py``, one for each suite."""
    found = []
    for suite, readouts in row.readouts.items():
        chosen = [r for r in readouts if args.readouts is None or r in args.readouts]
        options = {
            'suite': [suite],
            'readouts': chosen,
            'data-root': [str(Path(args.roots[suite]).resolve())] if suite in args.roots else [],
            'iters': [args.iters] if args.iters else [],
            'weights-dir': [str(Path(args.weights_dir).resolve())] if args.weights_dir else [],
        }
        if chosen:
            found.append({name: values for name, values in options.items() if values})
    if not found:
        raise ValueError(f'{row.label}: none of --readouts {" ".join(args.readouts or ())}')
    return found


def _root_options(cfg: Config, roots: Mapping[str, str]) -> dict[str, str]:
    names = {data.root: name for name, data in CATALOG.items()}
    return {
        f'{key}.data_root': carried(Path(roots[names[dataset.data_root]]).resolve())
        for key, dataset in datasets_of(cfg).items()
        if names.get(dataset.get('data_root')) in roots
    }
