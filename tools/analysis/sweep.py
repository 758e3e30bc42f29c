"""Draw the sweeps of figures 5, 7 and 9 from the results of tools/reproduce.py.

python tools/reproduce.py --figure 7 --data scenes --seeds 0 1 --jobs 2 --budget 6400pairs
python tools/analysis/sweep.py 7 work_dirs/reproduce/scenes

Takes what is there and says what is missing.
"""

import argparse

from poodle_mm.evaluation.suites import READOUTS
from poodle_mm.experiments.ablations.settings import DATA
from poodle_mm.experiments.figures.output import FOLDER
from poodle_mm.experiments.figures.sweep import sweep_figure
from poodle_mm.utils.arguments import between
from poodle_mm.utils.errors import one_line_errors


def main() -> None:
    """Draw, and print the text and the files."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('figure', choices=['5', '7', '9'])
    parser.add_argument('folder', help='WORK_DIR/DATA of tools/reproduce.py')
    parser.add_argument('--data', choices=list(DATA), help='default: the name of the folder')
    parser.add_argument('--readout', choices=READOUTS, default='linear')
    parser.add_argument('--edition', choices=['seed', 'iclr'], default='seed')
    parser.add_argument('--dpi', type=between(10, 1200), default=150, help='pixels per inch')
    parser.add_argument('--out', metavar='STEM', help=f'default: {FOLDER}/figure_5 (7, 9)')
    parser.add_argument('--debug', action='store_true', help='show the trace of errors')
    args = parser.parse_args()
    out = args.out or FOLDER / f'figure_{args.figure}'
    with one_line_errors(args.debug):
        files, text = sweep_figure(
            args.figure, args.folder, out, args.readout, args.edition, args.data, args.dpi
        )
    print(text)
    for path in files:
        print(f'written to {path}')


if __name__ == '__main__':
    main()
