"""Overlay frames t and t+Δ of videos, and measure what of t is still seen in t+Δ (Figure 8).

python tools/analysis/overlaid_frames.py street.mp4 highway.mp4 --start 30
python tools/analysis/overlaid_frames.py data/scenes/videos/test/scene_00000.mp4 --deltas 0 5 10
"""

import argparse

from poodle_mm.evaluation.flow.methods import ESTIMATORS
from poodle_mm.experiments.figures.output import FOLDER
from poodle_mm.experiments.figures.overlaid_frames import DELTAS, overlaid_frames
from poodle_mm.utils.arguments import between, not_negative, positive
from poodle_mm.utils.errors import one_line_errors


def main() -> None:
    """Overlay, measure, and print the text and the files."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('video', nargs='+')
    parser.add_argument(
        '--deltas', type=int, nargs='+', default=DELTAS, help=f'in frames (default: {DELTAS})'
    )
    parser.add_argument(
        '--start', type=not_negative, nargs='+', default=[0], help='frames t (default: 0)'
    )
    parser.add_argument(
        '--size',
        type=positive,
        nargs=2,
        default=(256, 512),
        metavar=('H', 'W'),
        help='resize the frames (default: 256 512)',
    )
    parser.add_argument(
        '--flow',
        default='dis-medium',
        metavar='NAME[=FILE]',
        help=f'{", ".join(ESTIMATORS)}; =FILE: weights (default: dis-medium)',
    )
    parser.add_argument(
        '--dpi', type=between(10, 1200), default=150, help='pixels per inch, of 14 inches'
    )
    parser.add_argument('--out', metavar='STEM', default=FOLDER / 'overlaid_frames')
    parser.add_argument('--debug', action='store_true', help='show the trace of errors')
    args = parser.parse_args()
    with one_line_errors(args.debug):
        files, text = overlaid_frames(
            args.video, args.out, args.deltas, args.start, tuple(args.size), args.flow, args.dpi
        )
    print(text)
    for path in files:
        print(f'written to {path}')


if __name__ == '__main__':
    main()
