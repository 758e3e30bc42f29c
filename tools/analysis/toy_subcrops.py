"""How probable it is that a subcrop shows an object, by the object's size: the toy simulation.

python tools/analysis/toy_subcrops.py
python tools/analysis/toy_subcrops.py --aspect 1.33 --threshold 0.05 --out work_dirs/figures/wide

Appendix C: a centred disc in a 256 x 512 frame, all places of subcrops of 2, 4, 6 and 8 % of it.
"""

import argparse

from poodle_mm.experiments.figures.output import FOLDER
from poodle_mm.experiments.figures.toy_subcrops import (
    AREAS,
    SIZE,
    THRESHOLDS,
    write_toy_subcrops,
)
from poodle_mm.utils.arguments import positive
from poodle_mm.utils.errors import one_line_errors


def main() -> None:
    """Simulate, print the line and the files."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--areas', type=float, nargs='+', default=AREAS, help='of the frame')
    parser.add_argument(
        '--threshold', type=float, nargs='+', default=THRESHOLDS, help='least share of a subcrop'
    )
    parser.add_argument('--aspect', type=float, default=1.0, help='width over height of a subcrop')
    parser.add_argument('--size', type=positive, nargs=2, default=SIZE, metavar=('H', 'W'))
    parser.add_argument('--steps', type=positive, default=100, help='number of sizes of the disc')
    parser.add_argument('--out', default=FOLDER / 'toy_subcrops', metavar='STEM')
    parser.add_argument('--debug', action='store_true', help='show the trace of errors')
    args = parser.parse_args()
    with one_line_errors(args.debug):
        text, files = write_toy_subcrops(
            args.out, args.areas, args.threshold, args.aspect, tuple(args.size), args.steps
        )
    print(text)
    for file in files:
        print(f'written to {file}')


if __name__ == '__main__':
    main()
