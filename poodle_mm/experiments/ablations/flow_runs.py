"""Trainings of the flow networks that runs of a study take their flow from."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from mmengine.config import Config

from poodle_mm.engine.config import load_config
from poodle_mm.engine.hooks.run_stats_hook import RUN_STATS
from poodle_mm.engine.schedule import length_options
from poodle_mm.experiments.ablations.budget import budget_options, pairs_per_step
from poodle_mm.experiments.ablations.plan import (
    PlanOptions,
    carried,
    root_options,
    seed_options,
)
from poodle_mm.experiments.ablations.runs import Run
from poodle_mm.experiments.ablations.settings import DATA, LEARNED_FLOW
from poodle_mm.experiments.ablations.study import Variant
from poodle_mm.flow.uflow.estimator import build_network
from poodle_mm.flow.uflow.packaged import PACKAGED, find_weights
from poodle_mm.utils.files import read_json

_FLOW = 'model.data_preprocessor.flow'
WEIGHTS = f'{_FLOW}.weights'
SHORTEST = 2  # iterations: one of warm-up, one of what follows


def with_flow(run: Run, args: PlanOptions) -> Run:
    """The run with the trainings of its flow before it, if it learns its flow.

    Args:
        run: Result of :func:`~poodle_mm.experiments.ablations.plan.plan_run`.
        args: The same options.

    Raises:
        FileNotFoundError: If weights are given and there is no such file.
        ValueError: If the budget does not fit, or a path cannot be an option.
    """
    if run.variant.method != LEARNED_FLOW:
        return run
    data, chosen = DATA[args.data].of(LEARNED_FLOW), dict(args.cfg_options or {})
    options = dict(run.options)
    if f'{_FLOW}.size' in options.keys() - chosen.keys():  # merged from the overlay
        options[f'{_FLOW}.size'] = data.flow_size
    given = chosen.get(WEIGHTS) or args.flow_weights
    if given:
        file = find_weights(str(given), '--flow-weights')
        options[WEIGHTS] = str(given) if given in PACKAGED else carried(file.resolve())
        return replace(run, options=options)
    if not data.flow:
        raise ValueError(
            f'{run.variant.label}: on {args.data} no flow network is trained for it: pass '
            '--flow-weights small (the packaged one) or a file, or name --rows without it'
        )
    before, share = None, _share(run)
    for name, roots in data.flow.items():
        config = args.root / 'configs' / 'flow' / f'{name}.py'
        flow = _training(config, args.roots(*roots), share, run.seed, args)
        before = after(flow, before) if before else flow
    return after(replace(run, options=options), before)


def after(run: Run, before: Run) -> Run:
    """The run with what it takes from the last checkpoint of another."""
    key = WEIGHTS if run.readout else 'load_from'
    options = {**run.options, key: carried(before.checkpoint)}
    return replace(run, before=before, options=options)


def in_order(runs: Iterable[Run], done: Callable[[Run], bool]) -> list[Run]:
    """Each run once, trainings of flow first, those that nothing waits for any more left out.

    Args:
        runs: Runs.
        done: Predicate of runs.
    """
    found: dict[Path, Run] = {}
    for run in runs:
        for each in _chain(run, done):
            found.setdefault(each.work_dir, each)
    return sorted(found.values(), key=lambda run: bool(run.readout))


def flow_trainings(runs: Iterable[Run]) -> list[dict]:
    """How the flow of runs was trained: config, seed, iterations, pairs a step, minutes, device.

    Args:
        runs: Runs of one row; what they share is named once.

    Returns:
        A dict for each training that has begun, the first one first. For weights that were given:
        ``dict(weights=...)``.
    """
    found = {}
    for run in runs:
        if run.before is None and WEIGHTS in run.options:
            found[run.options[WEIGHTS]] = dict(weights=Path(run.options[WEIGHTS]).name)
        for each in _chain(run, lambda _: False):
            stats = None if each.readout else read_json(each.work_dir / RUN_STATS)
            if stats:
                found[each.work_dir] = dict(
                    config=each.config.stem,
                    seed=each.seed,
                    iterations=stats['iter'],
                    pairs_a_step=pairs_per_step(each.load()),
                    minutes=round(stats['seconds'] / 60, 1),
                    device=stats['device'],
                )
    return list(found.values())


def flow_text(trainings: Iterable[dict]) -> str:
    """Result of :func:`flow_trainings` as a sentence."""
    words = '{config}, {iterations} iterations of {pairs_a_step} pairs, {minutes:g} minutes'
    words += ' ({device}, seed {seed})'
    return '; then '.join(
        f'weights {each["weights"]}' if 'weights' in each else words.format(**each)
        for each in trainings
    )


@contextmanager
def before_its_flow(cfg: Config, before: Run | None) -> Iterator[Config]:
    """A run's config, for timing it before the flow that it waits for is trained."""
    if before is None or before.checkpoint.is_file():
        yield cfg
        return
    cfg.load_from = None
    with TemporaryDirectory() as folder:
        flow = cfg.model.get('data_preprocessor', {}).get('flow')
        if flow:
            flow.weights = str(Path(folder, 'untrained.pth'))
            torch.save(build_network(before.load().model.network).state_dict(), flow.weights)
        yield cfg


def _chain(run: Run, done: Callable[[Run], bool]) -> Iterator[Run]:
    if run.before and not done(run):
        yield from _chain(run.before, done)
    yield run


def _share(run: Run) -> float:
    """Length of a pretraining, as a share of what its config says."""
    ours, whole = run.load().train_cfg, load_config(run.config).train_cfg
    unit = 'max_epochs' if 'max_epochs' in whole else 'max_iters'
    return ours[unit] / whole[unit]


def _training(
    config: Path, roots: list[str | None], share: float, seed: int, args: PlanOptions
) -> Run:
    cfg = load_config(config)
    options: dict = root_options(cfg, roots)
    if args.flow_length is None:
        if share != 1:
            length = max(SHORTEST, round(cfg.train_cfg.max_iters * share))
            options |= length_options(cfg, length)
    elif args.flow_length.unit != 'minutes':
        cfg.merge_from_dict(options)
        options |= budget_options(cfg, args.flow_length)
    seed = seed if args.flow_per_seed else cfg.randomness.seed
    if seed != cfg.randomness.seed:
        options |= seed_options(seed)
    folder = args.work_dir.resolve() / DATA[args.data].of(LEARNED_FLOW).name
    return Run(
        variant=Variant(config.stem, 'flow without labels', config.stem),
        seed=seed,
        config=config,
        options=options,
        processes=cfg.get('processes', 1),
        work_dir=folder / f'{config.stem}_s{seed}',
        readout={},
    )
