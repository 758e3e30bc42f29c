"""Log of all runs below some folders: settings, state, cost and readouts, the failed ones too.

python tools/analysis/runs.py work_dirs/reproduce --out docs/results/runs.json
"""

import argparse
from pathlib import Path

from poodle_mm.experiments.ablations.run_log import write_runs
from poodle_mm.utils.errors import one_line_errors


def main() -> None:
    """Write the log, and print a line for each run."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('folders', nargs='+', help='work dirs of tools/reproduce.py')
    parser.add_argument('--out', type=Path, default=Path('work_dirs/runs.json'), metavar='FILE')
    parser.add_argument('--debug', action='store_true', help='show the trace of errors')
    args = parser.parse_args()
    with one_line_errors(args.debug):
        print(write_runs(args.out, args.folders))
        print('written:', args.out)


if __name__ == '__main__':
    main()
