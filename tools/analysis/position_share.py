"""Share of the variance of features that the place in the image explains, and a look at some.

    python tools/analysis/position_share.py PooDLe=a.pth FlowE=b.pth --images data/camvid/images/val
    python tools/analysis/position_share.py PooDLe=a.pth scratch=none --like CONFIG --images photos

A checkpoint is whatever tools/evaluate.py takes: a file, a name of its `--list-weights`, or `none`
for random weights. A checkpoint with a decoder has two columns. A network that reports where it
looks has the same picture for every image. Images of one camera have much in common at a place by
themselves; what a network is told of the place (by zero padding) is what two windows of one image
tell: features of the same content should agree, and those at the same place no more than others.
"""

import argparse
from pathlib import Path

from poodle_mm.experiments.figures.feature_norms import DECODER, ENCODER
from poodle_mm.experiments.figures.output import FOLDER
from poodle_mm.experiments.figures.position_share import write_position_shares
from poodle_mm.utils.arguments import not_negative, positive
from poodle_mm.utils.errors import one_line_errors


def main() -> None:
    """Write the figure and its numbers."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('checkpoints', nargs='+', metavar='[NAME=]CHECKPOINT')
    parser.add_argument('--images', required=True, type=Path, help='folder of images')
    parser.add_argument(
        '--size', type=positive, nargs=2, metavar=('H', 'W'), help="default: the first image's"
    )
    parser.add_argument(
        '--shown', type=not_negative, default=3, help='images that are drawn (default: 3)'
    )
    parser.add_argument(
        '--layers', nargs='+', choices=[ENCODER, DECODER], default=[ENCODER, DECODER]
    )
    parser.add_argument(
        '--shift',
        type=not_negative,
        default=64,
        metavar='PIXELS',
        help='distance of two windows of an image, a multiple of the stride; 0: leave out',
    )
    parser.add_argument('--weights', choices=['online', 'ema'], default='online')
    parser.add_argument('--weights-dir', help='folder of published weights')
    parser.add_argument('--like', metavar='FILE', help='architecture of `none`')
    parser.add_argument('--out', default=FOLDER / 'position_share', help='files, without an ending')
    parser.add_argument('--debug', action='store_true', help='show the trace of errors')
    args = parser.parse_args()
    with one_line_errors(args.debug):
        text, files = write_position_shares(
            args.out,
            args.checkpoints,
            args.images,
            tuple(args.size) if args.size else None,
            args.shown,
            args.layers,
            args.shift,
            weights=args.weights,
            weights_dir=args.weights_dir,
            like=args.like,
        )
        print(text)
        print('written:', *files)


if __name__ == '__main__':
    main()
