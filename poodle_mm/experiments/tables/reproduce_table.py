"""One of the paper's tables of results from its number to its report."""

import sys
from collections.abc import Sequence
from fnmatch import fnmatch

from poodle_mm.experiments.ablations.execute import execute, port_of
from poodle_mm.experiments.ablations.folders import check_folders, is_done, keep_readouts
from poodle_mm.experiments.ablations.runs import Run, job_line, readout_words
from poodle_mm.experiments.tables.rows import TableRow, sources_of, table_rows
from poodle_mm.experiments.tables.runs_of_table import TableOptions, needs_of, run_of
from poodle_mm.experiments.tables.table_report import collect, write_table

_UNPUBLISHED = 'weights that nobody has published'


def reproduce_table(
    number: int,
    args: TableOptions,
    rows: Sequence[str] | None = None,
    seeds: Sequence[int] = (0,),
    jobs: int = 1,
    mode: str | None = None,
) -> int:
    """Run what can run of a table, write its report, and say what the rest needs.

    Args:
        number: 1, 2, 3, 5 or 6.
        args: Options of the runs.
        rows: Names or patterns of configs and weights, and ``scratch``; None: all.
        seeds: Seeds of each row.
        jobs: Number of runs at the same time.
        mode: ``'dry-run'`` prints all rows with their state and needs, ``'print-commands'`` a shell
            line for each run that could start; ``'report-only'`` runs nothing.

    Returns:
        Exit status: 1 if a run failed; rows that lack something are no failure.

    Raises:
        ValueError: For rows, budgets or folders that do not fit.
    """
    chosen = [row for row in table_rows(number) if _is_read_out(row, args)]
    runs, missing = _plan(chosen, args, rows, seeds)
    unique = list({run.work_dir: run for own in runs.values() for run in own}.values())
    needs = {run.work_dir: needs_of(run, args) for run in unique}
    ready = [run for run in unique if not needs[run.work_dir]]
    waiting = [
        *(f'- {run.variant.key}: {"; ".join(needs[run.work_dir])}' for run in unique
          if needs[run.work_dir]),
        *(f'- {line}' for line in missing),
    ]  # fmt: skip
    if mode == 'dry-run':
        texts = [_row_text(row, runs[row], needs, missing) for row in chosen]
        print('\n'.join(text for text in texts if rows is None or '\n' in text))
        print(
            f'{len(ready)} of {len(unique)} runs can start or are done. Data elsewhere: '
            '--roots NAME=DIR (--help has the names)'
        )
        return 0
    if mode == 'print-commands':
        for index, run in enumerate(run for run in ready if not is_done(run)):
            print(job_line(keep_readouts(run), port_of(index)))
        return 0
    failed = []
    if mode != 'report-only':
        check_folders(ready)
        failed = execute(ready, jobs, args.root)
        if failed:
            print(f'{len(failed)} of {len(ready)} runs failed', file=sys.stderr)
    if any(is_done(run) for run in unique):
        folder = args.work_dir.resolve() / 'tables'
        files = write_table(number, collect(chosen, runs), waiting, folder)
        print(files[0].read_text(encoding='utf-8'))
        print('written:', *files)
    else:
        print(f'Table {number}: nothing is measured, no table is written. Not here yet:')
        print('\n'.join(waiting))
    return int(bool(failed))


def _plan(
    chosen: Sequence[TableRow],
    args: TableOptions,
    keys: Sequence[str] | None,
    seeds: Sequence[int],
) -> tuple[dict[TableRow, list[Run]], list[str]]:
    """Runs of each row, and lines on rows that have none."""
    runs: dict[TableRow, list[Run]] = {}
    missing, known = [], []
    for row in chosen:
        own = runs.setdefault(row, [])
        sources = sources_of(row, args.recipe)
        if not sources and keys is None:
            missing.append(f'{row.label}: {_UNPUBLISHED}')
        for source in sources:
            known.append(source.key)
            if keys is not None and not any(fnmatch(source.key, key) for key in keys):
                continue
            try:
                own += [run_of(row, source, seed, args) for seed in seeds]
            except FileNotFoundError as error:
                missing.append(f'{row.label}: {error}')
    for key in keys or ():
        if not any(fnmatch(name, key) for name in known):
            raise ValueError(f'no row {key!r}: there are {", ".join(known)}')
    return runs, missing


def _is_read_out(row: TableRow, args: TableOptions) -> bool:
    found = {readout for readouts in row.readouts.values() for readout in readouts}
    return args.readouts is None or bool(found & set(args.readouts))


def _row_text(row: TableRow, runs: Sequence[Run], needs: dict, missing: Sequence[str]) -> str:
    lines = [row.label]
    for run in runs:
        state = 'done' if is_done(run) else 'not ready' if needs[run.work_dir] else 'to do'
        kind = 'config' if run.trains else 'weights' if run.weights else 'random weights'
        lines.append(f'  {run.variant.key}, seed {run.seed} ({kind}) [{state}]')
        lines += [f'    readout  {" ".join(readout_words(each))}' for each in run.readouts]
        lines += [f'    needs    {need}' for need in needs[run.work_dir]]
    own = [
        line.removeprefix(f'{row.label}: ') for line in missing if line.startswith(f'{row.label}: ')
    ]
    return '\n'.join(lines + [f'  needs {line}' for line in own])
