"""One table or figure from its name to its report."""

import sys
from collections.abc import Sequence
from dataclasses import replace

from poodle_mm.experiments.ablations.budget import timed_options
from poodle_mm.experiments.ablations.execute import (
    check_folders,
    check_machine,
    execute,
    is_done,
    port_of,
    read_result,
    threads_of,
)
from poodle_mm.experiments.ablations.plan import PlanOptions, Run, choose, job_line, plan_run
from poodle_mm.experiments.ablations.recipe import describe
from poodle_mm.experiments.ablations.report import write_report
from poodle_mm.experiments.ablations.settings import DATA
from poodle_mm.experiments.ablations.studies import studies_of


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
        study: ``'table 4'``, ``'figure 5'``, ``'figure 7'`` or ``'figure 9'``.
        args: Data, length and readouts of the runs.
        edition: Argument of :func:`~poodle_mm.experiments.ablations.studies.studies_of`.
        rows: Keys or patterns of rows; None: all that can run.
        seeds: Seeds; each row is trained once for each.
        jobs: Number of runs at the same time.
        mode: ``'dry-run'`` prints the recipes, ``'print-commands'`` a shell line for each run that
            is not done; ``'report-only'`` runs nothing and reports on those that are done.

    Returns:
        Exit status: 1 if a run failed.

    Raises:
        ValueError: For rows, budgets or folders that do not fit, or if nothing was measured.
    """
    chosen = choose(studies_of(study, edition), rows)
    runs = {(v.key, seed): plan_run(v, seed, args) for seed in seeds for _, v in chosen}
    if mode == 'report-only':
        runs = {key: run for key, run in runs.items() if run.work_dir.is_dir()}
    if args.length and args.length.unit == 'minutes' and mode != 'dry-run':
        runs = {key: _timed(run, args.length.amount, jobs) for key, run in runs.items()}
    unique = list({run.work_dir: run for run in runs.values()}.values())
    if mode == 'print-commands':
        for index, run in enumerate(run for run in unique if not is_done(run)):
            print(job_line(run, port_of(index)))
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
    data, folder = DATA[args.data], args.work_dir.resolve() / args.data
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
    for part in {part.name: part for part, _ in chosen}.values():
        own = [run for run in runs.values() if run.variant in part.variants]
        if not any(run.variant in measured for run in own):
            print(f'{part.name}: nothing was measured, no table is written', file=sys.stderr)
            continue
        files = write_report(part, own, data, args.readouts, folder, settings)
        print(files[0].read_text(encoding='utf-8'))
        print('written:', *files)
    return int(bool(failed))


def _timed(run: Run, minutes: float, jobs: int) -> Run:
    if not run.trains:
        return run
    file = run.work_dir / 'length.json'
    options = timed_options(run.load(), minutes, threads_of(run, jobs), file)
    return replace(run, options={**run.options, **options})


def _plan_text(run: Run, args: PlanOptions) -> str:
    topics = dict(config=str(run.config), folder=str(run.work_dir))
    if run.trains:
        topics |= describe(run.load()) | dict(processes=str(run.processes))
        if args.length is not None:
            topics['budget'] = str(args.length)
    else:
        topics['model'] = 'random weights'
    topics['readout'] = ' '.join(run.readout_words)
    state = 'done' if is_done(run) else 'to do'
    head = f'{run.variant.key}: {run.variant.label}, seed {run.seed} [{state}]'
    return '\n'.join([head, *(f'  {topic:10} {text}' for topic, text in topics.items())])
