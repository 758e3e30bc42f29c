"""Check a data set before a long run: what is there, missing, broken or mislabelled.

python tools/check_data.py bdd100k data/bdd100k
python tools/check_data.py cityscapes data/cityscapes --sample 200

Exits with 1 if something is missing or wrong. docs/data.md shows the layouts.
"""

import argparse
import sys

from poodle_mm.datasets.preparation.check import CHECKS, check_data
from poodle_mm.utils.errors import one_line_errors


def main() -> None:
    """Check and report."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('dataset', choices=CHECKS)
    parser.add_argument('root', help='folder of the data set')
    parser.add_argument(
        '--sample',
        type=int,
        metavar='N',
        help='open only N files of each folder (default: all images and labels; of 100 videos one '
        'frame is decoded)',
    )
    parser.add_argument('--debug', action='store_true', help='show the trace of errors')
    args = parser.parse_args()
    with one_line_errors(args.debug):
        report = check_data(args.dataset, args.root, args.sample)
    print(report.text())
    sys.exit(0 if report.ok else 1)


if __name__ == '__main__':
    main()
