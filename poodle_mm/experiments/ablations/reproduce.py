"""One table or figure from its name to its report."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from poodle_mm.experiments.ablations.budget import parse_budget, timed_options
from poodle_mm.experiments.ablations.execute import (
    check_folders,
    check_machine,
    execute,
    is_done,
    threads_of,
)
from poodle_mm.experiments.ablations.plan import PlanArguments, Run, choose, job_line, plan_run
from poodle_mm.experiments.ablations.recipe import describe
from poodle_mm.experiments.ablations.report import write_report
from poodle_mm.experiments.ablations.settings import DATA
from poodle_mm.experiments.ablations.studies import studies_of


def reproduce(
    study: str,
    data: str,
    root: Path,
    work_dir: Path,
    rows: Sequence[str] | None = None,
    seeds: Sequence[int] = (0,),
    budget: str | None = None,
    jobs: int = 1,
    processes: int | None = None,
    readouts: Sequence[str] = ('linear',),
    split: str | None = None,
    data_root: str | None = None,
    driving: str | None = None,
    dry_run: bool = False,
    print_commands: bool = False,
    report_only: bool = False,
    cfg_options: Mapping[str, Any] | None = None,
    edition: str = 'seed',
) -> int:
    """Run what is missing of a study and write its report.

    Args:
        study: ``'table 4'``, ``'figure 5'``, ``'figure 7'`` or ``'figure 9'``.
        data: Name in ``DATA``.
        root: Folder with ``configs`` and ``tools``.
        work_dir: Folder of the runs and reports.
        rows: Keys or patterns; default all that can run.
        seeds: Each row is trained once for each.
        budget: See :func:`~poodle_mm.experiments.ablations.budget.parse_budget`.
        jobs: Runs at the same time.
        processes: Of each run.
        readouts, split, data_root, driving, cfg_options: See
            :class:`~poodle_mm.experiments.ablations.plan.PlanArguments`.
        dry_run: Only print what would be done.
        print_commands: Only print a shell line for each run that is not done.
        report_only: Write the report of what is done, run nothing.
        edition: Of the study, see :func:`~poodle_mm.experiments.ablations.studies.studies_of`.

    Returns:
        Exit status: 1 if a run failed.

    Raises:
        ValueError: For rows, budgets or folders that do not fit.
    """
    args = PlanArguments(
        data=DATA[data],
        config_dir=root / 'configs',
        work_dir=work_dir.resolve(),
        budget=parse_budget(budget) if budget else None,
        processes=processes,
        data_root=data_root and str(Path(data_root).resolve()),
        driving=driving and str(Path(driving).resolve()),
        readouts=tuple(readouts),
        split=split,
        options=cfg_options,
    )
    chosen = choose(studies_of(study, edition), rows)
    runs = {(v.key, seed): plan_run(v, seed, args) for seed in seeds for _, v in chosen}
    if report_only:
        runs = {key: run for key, run in runs.items() if run.work_dir.is_dir()}
    if args.budget and args.budget.unit == 'minutes' and not dry_run:
        runs = {key: _timed(run, args.budget.amount, jobs) for key, run in runs.items()}
    unique = list({run.work_dir: run for run in runs.values()}.values())
    if print_commands:
        for index, run in enumerate(run for run in unique if not is_done(run)):
            print(job_line(run, port=29500 + index % 1000))
        return 0
    if dry_run:
        for run in unique:
            print(_plan_text(run, args))
        return 0

    check_folders(unique)
    if not report_only:
        check_machine(unique, root)
    failed = [] if report_only else execute(unique, jobs, root)
    for part in {part.name: part for part, _ in chosen}.values():
        folder = args.work_dir / args.data.folder
        own = [run for (key, _), run in runs.items() if run.variant in part.variants]
        files = write_report(part, own, args.data, readouts, folder, _settings_text(args))
        print(files[0].read_text(encoding='utf-8'))
        print('written:', *files)
    if failed:
        print(f'{len(failed)} of {len(unique)} runs failed', file=sys.stderr)
    return int(bool(failed))


def _timed(run: Run, minutes: float, jobs: int) -> Run:
    """The run with the length that trains for so many minutes."""
    if not run.trains:
        return run
    threads = threads_of(run, jobs)
    options = timed_options(run.load(), minutes, threads, run.work_dir / 'length.json')
    return replace(run, options={**run.options, **options})


def _plan_text(run: Run, args: PlanArguments) -> str:
    state = 'done' if is_done(run) else 'to do'
    lines = [f'{run.variant.key}: {run.variant.label}, seed {run.seed} [{state}]']
    topics = dict(config=str(run.config), folder=str(run.work_dir))
    if run.trains:
        topics |= describe(run.load())
        topics['processes'] = str(run.processes)
        if args.budget is not None:
            topics['budget'] = str(args.budget)
    else:
        topics['model'] = 'random weights'
    topics['readout'] = ' '.join(run.readout)
    return '\n'.join(lines + [f'  {topic:10} {text}' for topic, text in topics.items()])


def _settings_text(args: PlanArguments) -> str:
    budget = args.budget or 'the length of the configs'
    return f'Data: {args.data.folder}; each pretraining: {budget}; percent, mean ± std over seeds.'
