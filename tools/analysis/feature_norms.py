"""L2 norm of the last feature layer over images, raw and clamped, for several checkpoints.

    python tools/analysis/feature_norms.py PooDLe=a.pth ViT=b.pth --images data/scenes/images/test
    python tools/analysis/feature_norms.py PooDLe=a.pth scratch=none --images one.png two.png
    python tools/analysis/feature_norms.py dino-vit-s16-in1k poodle-r50-bdd --images photos \\
        --size 512 1024

The paper's Figure 15. A checkpoint is whatever tools/evaluate.py takes: a file, a name of its
`--list-weights`, or `none` for random weights. A checkpoint with a decoder has two rows.
"""

import argparse

from poodle_mm.experiments.figures.feature_norms import DECODER, ENCODER, write_feature_norms
from poodle_mm.experiments.figures.output import FOLDER
from poodle_mm.utils.arguments import positive
from poodle_mm.utils.errors import one_line_errors


def main() -> None:
    """Write the figure and its numbers."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('checkpoints', nargs='+', metavar='[NAME=]CHECKPOINT')
    parser.add_argument(
        '--images', nargs='+', required=True, metavar='PATH', help='image files, or folders of them'
    )
    parser.add_argument(
        '--number', type=positive, default=3, help='images of a folder, evenly spread (default: 3)'
    )
    parser.add_argument(
        '--size', type=positive, nargs=2, metavar=('H', 'W'), help="default: the first image's"
    )
    parser.add_argument(
        '--layers', nargs='+', choices=[ENCODER, DECODER], default=[ENCODER, DECODER]
    )
    parser.add_argument('--weights', choices=['online', 'ema'], default='online')
    parser.add_argument('--weights-dir', help='folder of published weights')
    parser.add_argument('--like', metavar='FILE', help='architecture of `none`')
    parser.add_argument('--out', default=FOLDER / 'feature_norms', help='files, without an ending')
    parser.add_argument('--debug', action='store_true', help='show the trace of errors')
    args = parser.parse_args()
    with one_line_errors(args.debug):
        text, files = write_feature_norms(
            args.out,
            args.checkpoints,
            args.images,
            args.number,
            tuple(args.size) if args.size else None,
            args.layers,
            weights=args.weights,
            weights_dir=args.weights_dir,
            like=args.like,
        )
        print(text)
        print('written:', *files)


if __name__ == '__main__':
    main()
