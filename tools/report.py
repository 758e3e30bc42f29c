"""Write a report of training runs as one HTML file: health, curves, settings, pictures, failures.

python tools/report.py work_dirs/mine                        # work_dirs/mine/report.html
python tools/report.py work_dirs/a work_dirs/b --out compared
"""

import argparse

from poodle_mm.experiments.report.run_report import report_runs
from poodle_mm.utils.errors import one_line_errors


def main() -> None:
    """Write the report."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        'work_dirs', nargs='+', metavar='WORK_DIR', help='folder of a run, finished or not'
    )
    parser.add_argument('--out', metavar='DIR', help='folder of the report (default: the first)')
    parser.add_argument(
        '--labels', nargs='+', metavar='NAME', help='names of the runs (default: the folders)'
    )
    parser.add_argument('--debug', action='store_true', help='show the trace of errors')
    args = parser.parse_args()
    with one_line_errors(args.debug):
        print(f'written to {report_runs(args.work_dirs, args.out, args.labels)}')


if __name__ == '__main__':
    main()
