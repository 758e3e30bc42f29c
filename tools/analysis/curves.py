"""Draw losses, spread of the projections, rate and gradient of runs side by side.

python tools/analysis/curves.py work_dirs/mine --out curves.png
python tools/analysis/curves.py work_dirs/a work_dirs/b --labels first second --out ab.png
"""

import argparse

from poodle_mm.engine.run_log import write_curves
from poodle_mm.utils.errors import one_line_errors


def main() -> None:
    """Read the logs and write the picture."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('work_dirs', nargs='+', metavar='WORK_DIR', help='folder of a run')
    parser.add_argument('--out', required=True, metavar='PNG', help='picture to be written')
    parser.add_argument(
        '--labels', nargs='+', metavar='NAME', help='names of the runs (default: the folders)'
    )
    parser.add_argument('--json', metavar='JSON', help='file for the numbers that are drawn')
    parser.add_argument('--debug', action='store_true', help='show the trace of errors')
    args = parser.parse_args()
    with one_line_errors(args.debug):
        write_curves(args.work_dirs, args.out, args.labels, args.json)
    print(f'written to {args.out}')


if __name__ == '__main__':
    main()
