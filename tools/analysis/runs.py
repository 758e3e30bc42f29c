"""Log of all runs below some folders: settings, state, cost and readouts, the failed ones too.

python tools/analysis/runs.py work_dirs/reproduce --out docs/results/runs.json
python tools/analysis/runs.py work_dirs/reproduce --out docs/results/runs.json --add
python tools/analysis/runs.py --out docs/results/runs.json --add --seeds linear --split test
"""

import argparse
from pathlib import Path

from poodle_mm.evaluation.suites import READOUTS
from poodle_mm.experiments.ablations.run_log import run_table, seeds_table, write_runs
from poodle_mm.utils.errors import one_line_errors


def main() -> None:
    """Write the log, and print a line for each run, or a table over seeds."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('folders', nargs='*', help='work dirs of tools/reproduce.py')
    parser.add_argument('--out', type=Path, default=Path('work_dirs/runs.json'), metavar='FILE')
    parser.add_argument(
        '--add', action='store_true', help='keep the runs of FILE that the folders do not have'
    )
    parser.add_argument(
        '--seeds',
        choices=READOUTS,
        metavar='READOUT',
        help='print mean ± standard deviation over the seeds of a readout',
    )
    parser.add_argument('--split', choices=['val', 'test'], default='test', help='of --seeds')
    parser.add_argument('--debug', action='store_true', help='show the trace of errors')
    args = parser.parse_args()
    if not args.folders and not args.add:
        parser.error('name folders of runs, or pass --add to read FILE alone')
    with one_line_errors(args.debug):
        runs = write_runs(args.out, args.folders, args.add)
        print(seeds_table(runs, args.seeds, args.split) if args.seeds else run_table(runs))
        print('written:', args.out)


if __name__ == '__main__':
    main()
