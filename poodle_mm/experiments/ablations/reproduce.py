"""One table or figure from its name to its report."""

import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace

from poodle_mm.experiments.ablations.budget import timed_options
from poodle_mm.experiments.ablations.execute import execute, port_of, threads_of
from poodle_mm.experiments.ablations.flow_runs import (
    WEIGHTS,
    after,
    before_its_flow,
    in_order,
    with_flow,
)
from poodle_mm.experiments.ablations.folders import (
    check_folders,
    is_done,
    keep_readouts,
    measured_readouts,
    read_result,
)
from poodle_mm.experiments.ablations.needs import check_machine, missing_data
from poodle_mm.experiments.ablations.plan import PlanOptions, choose, plan_run
from poodle_mm.experiments.ablations.recipe import describe
from poodle_mm.experiments.ablations.report import write_report
from poodle_mm.experiments.ablations.runs import Run, job_line, readout_words
from poodle_mm.experiments.ablations.settings import DATA, LEARNED_FLOW, MissingConfigError
from poodle_mm.experiments.ablations.studies import studies_of
from poodle_mm.experiments.ablations.study import Study, Variant
from poodle_mm.experiments.ablations.vit_study import VIT, write_vit_report


def reproduce(
    study: str,
    args: PlanOptions,
    edition: str = 'seed',
    rows: Sequence[str] | None = None,
    seeds: Sequence[int] = (0,),
    jobs: int = 1,
    mode: str | None = None,
) -> int:
    """Run what is missing of a study and write its report.

    Args:
        study: ``'table 4'``, ``'figure 5'``, ``'figure 7'``, ``'figure 9'``, ``'flow'`` or
            ``'methods'``.
        args: Data, length and readouts of the runs.
        edition: Argument of :func:`~poodle_mm.experiments.ablations.studies.studies_of`.
        rows: Keys or patterns of rows; None: all that can run; a row whose flow has no data to
            learn from, or of a comparison of methods without a config, is left out, and the report
            says so.
        seeds: Seeds; each row is trained once for each.
        jobs: Number of runs at the same time.
        mode: ``'dry-run'`` prints the recipes, ``'print-commands'`` a shell line for each run that
            is not done; ``'report-only'`` runs nothing and reports on those that are done.

    Returns:
        Exit status: 1 if a run failed.

    Raises:
        ValueError: For rows, budgets or folders that do not fit, or if nothing was measured.
    """
    data, folder = DATA[args.data], args.work_dir.resolve() / args.data
    chosen = choose(studies_of(study, edition), rows)
    for part, _ in chosen:
        if part.data and args.data not in part.data:
            raise ValueError(f'{study}: --data must be one of {", ".join(part.data)}')
    if rows is None:
        chosen = [(part, v) for part, v in chosen if data.has_exact or not v.exact]
    left_out = {}
    if rows is None:
        chosen, left_out = _with_configs(chosen, args)
        chosen = _without_learned_flow(chosen, args, left_out)
    runs = {
        (v.key, seed): with_flow(plan_run(v, seed, args), args) for seed in seeds for _, v in chosen
    }
    if mode == 'report-only':
        runs = {k: measured_readouts(run) for k, run in runs.items() if run.work_dir.is_dir()}
    if mode is None and rows is None:
        left_out |= _without_flow_data(runs.values(), args)
        runs = {key: run for key, run in runs.items() if run.variant.label not in left_out}
    if mode != 'dry-run':
        runs = {key: _timed(run, args, jobs) for key, run in runs.items()}
    unique = in_order(runs.values(), is_done)
    if mode == 'print-commands':
        to_do = [run for run in unique if not is_done(run)]
        for index, run in enumerate(to_do):
            print(job_line(keep_readouts(run), port_of(index)))
        if first := sum(not run.readout for run in to_do):
            print(
                f'note: the lines up to line {first} train flow for others: run them one after '
                'the other, to their end, before the rest',
                file=sys.stderr,
            )
        return 0
    if mode == 'dry-run':
        print('\n'.join(_plan_text(run, args) for run in unique))
        return 0

    check_folders(unique)
    failed = []
    if mode != 'report-only':
        check_machine(unique, args.root)
        failed = execute(unique, jobs, args.root)
        if failed:
            print(f'{len(failed)} of {len(unique)} runs failed', file=sys.stderr)
    measured = [run.variant for run in runs.values() if read_result(run)]
    if not (measured or failed):
        raise ValueError(
            f'{study}: nothing was measured in {folder} for these rows, seeds and readouts, so '
            'there is no table to write; tools/reproduce.py without --report-only runs them'
        )
    settings = (
        f'Data: {data.name}; each pretraining: {args.length or "the length of the configs"}; '
        'percent, mean ± std over seeds.'
    )
    for label, missing in left_out.items():
        settings += f' Left out: {label} ({missing}).'
    for part in {part.name: part for part, _ in chosen}.values():
        own = [run for run in runs.values() if run.variant in part.variants]
        if not any(run.variant in measured for run in own):
            print(f'{part.name}: nothing was measured, no table is written', file=sys.stderr)
            continue
        files = write_report(part, own, data, args.readouts, folder, settings)
        if part is VIT:
            files += write_vit_report(own, folder, args.data_root)
        print(files[0].read_text(encoding='utf-8'))
        print('written:', *files)
    return int(bool(failed))


def _with_configs(
    chosen: list[tuple[Study, Variant]], args: PlanOptions
) -> tuple[list[tuple[Study, Variant]], dict[str, str]]:
    """The rows without those of a comparison of methods whose config is not there, and these."""
    kept, left_out = [], {}
    for part, variant in chosen:
        try:
            plan_run(variant, 0, args)
        except MissingConfigError as error:
            if not part.costs:
                raise
            left_out[variant.label] = str(error)
            print(f'{variant.label} is left out: {error}', file=sys.stderr)
        else:
            kept.append((part, variant))
    return kept, left_out


def _without_learned_flow(
    chosen: list[tuple[Study, Variant]], args: PlanOptions, left_out: dict[str, str]
) -> list[tuple[Study, Variant]]:
    """Without rows that learn their flow, where there is neither a training of it nor weights."""
    given = args.flow_weights or WEIGHTS in (args.cfg_options or {})
    if given or DATA[args.data].of(LEARNED_FLOW).flow:
        return chosen
    for label in [v.label for _, v in chosen if v.method == LEARNED_FLOW]:
        left_out[label] = 'no --flow-weights'
        print(f'{label} is left out: pass --flow-weights small, or a file', file=sys.stderr)
    return [(part, v) for part, v in chosen if v.method != LEARNED_FLOW]


def _without_flow_data(runs: Iterable[Run], args: PlanOptions) -> dict[str, str]:
    """Label to missing data of rows for which nothing but those of their flow are missing."""
    left_out = {}
    for run in runs:
        own = [] if is_done(run) else in_order([run], is_done)
        flow = [each for each in own if not each.readout and not is_done(each)]
        missing = missing_data(flow, args.root)
        if missing and not missing_data([run], args.root):
            what = ', '.join(missing)
            label = run.variant.label
            left_out[label] = f'data of its flow: {what}'
            print(f'{label} is left out: data of its flow are missing: {what}', file=sys.stderr)
    return left_out


def _timed(run: Run, args: PlanOptions, jobs: int) -> Run:
    if run.before:
        run = after(run, _timed(run.before, args, jobs))
    length = args.length if run.readout else args.flow_length
    if not run.trains or length is None or length.unit != 'minutes':
        return run
    file = run.work_dir / 'length.json'
    with before_its_flow(run.load(), run.before) as cfg:
        options = timed_options(cfg, length.amount, threads_of(run, jobs), file)
    return replace(run, options={**run.options, **options})


def _plan_text(run: Run, args: PlanOptions) -> str:
    topics = dict(config=str(run.config), folder=str(run.work_dir))
    if run.trains:
        topics |= describe(run.load()) | dict(processes=str(run.processes))
        length = args.length if run.readout else args.flow_length
        if length is not None:
            topics['budget'] = str(length)
    else:
        topics['model'] = 'random weights'
    if run.readout:
        topics['readout'] = ' '.join(readout_words(run.readout))
    state = 'done' if is_done(run) else 'to do'
    head = f'{run.variant.key}: {run.variant.label}, seed {run.seed} [{state}]'
    return '\n'.join([head, *(f'  {topic:10} {text}' for topic, text in topics.items())])
