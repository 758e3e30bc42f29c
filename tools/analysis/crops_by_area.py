"""Draw crops of a frame by the area that they cover, as the network gets them (Figure 6).

python tools/analysis/crops_by_area.py data/scenes/images/test/scene_00000_000009.png
python tools/analysis/crops_by_area.py street.mp4 --frames 0 90 --centre 0.6 0.5 --areas 0.05 0.5 1
"""

import argparse

from poodle_mm.experiments.figures.crops_by_area import AREAS, crops_by_area
from poodle_mm.experiments.figures.output import FOLDER
from poodle_mm.utils.arguments import between, not_negative, positive
from poodle_mm.utils.errors import one_line_errors


def main() -> None:
    """Cut, draw, and print the text and the files."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('source', nargs='+', help='images, videos')
    parser.add_argument(
        '--frames', type=not_negative, nargs='+', default=[0], help='of videos (default: 0)'
    )
    parser.add_argument(
        '--areas', type=float, nargs='+', default=AREAS, help=f'shares of the frame: {AREAS}'
    )
    parser.add_argument(
        '--size',
        type=positive,
        nargs=2,
        default=(512, 1024),
        metavar=('H', 'W'),
        help="size of the network's input (default: 512 1024)",
    )
    parser.add_argument(
        '--centre',
        type=float,
        nargs=2,
        default=(0.5, 0.5),
        metavar=('X', 'Y'),
        help='where the crops lie, shares of width and height (default: 0.5 0.5)',
    )
    parser.add_argument('--seed', type=not_negative, help='random places instead, as in training')
    parser.add_argument(
        '--dpi', type=between(10, 1200), default=150, help='pixels per inch, of 14 inches'
    )
    parser.add_argument('--out', metavar='STEM', default=FOLDER / 'crops_by_area')
    parser.add_argument('--debug', action='store_true', help='show the trace of errors')
    args = parser.parse_args()
    with one_line_errors(args.debug):
        files, text = crops_by_area(
            args.source,
            args.out,
            args.areas,
            tuple(args.size),
            tuple(args.centre),
            args.frames,
            args.seed,
            args.dpi,
        )
    print(text)
    for path in files:
        print(f'written to {path}')


if __name__ == '__main__':
    main()
