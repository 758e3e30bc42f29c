"""Check a data set before a long run: what is there, missing, broken or mislabelled.

python tools/check_data.py bdd100k data/bdd100k
python tools/check_data.py cityscapes data/cityscapes --sample 200

Exits with 1 if something is missing or wrong. Under torchrun or srun, or with --shard, each process
opens its part of the files and reports what it found; all exit with 0 if nothing is wrong.
docs/data.md shows the layouts.
"""

import argparse
import sys

from poodle_mm.datasets.preparation.check import CHECKS, check_data
from poodle_mm.utils.arguments import positive
from poodle_mm.utils.errors import one_line_errors
from poodle_mm.utils.shards import add_shard_option


def main() -> None:
    """Check and report."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('dataset', choices=CHECKS)
    parser.add_argument('root', help='folder of the data set; of videos also a URL')
    parser.add_argument(
        '--sample',
        type=positive,
        metavar='N',
        help='open only N files of each folder (default: all images and labels; of 100 videos one '
        'frame is decoded)',
    )
    add_shard_option(parser)
    parser.add_argument('--debug', action='store_true', help='show the trace of errors')
    args = parser.parse_args()
    with one_line_errors(args.debug):
        report = check_data(args.dataset, args.root, args.sample, args.shard)
    print(report.text())
    sys.exit(0 if report.ok else 1)


if __name__ == '__main__':
    main()
