"""Predicted masks of several readouts beside image and ground truth.

    python tools/analysis/masks.py PooDLe=work_dirs/poodle FlowE=work_dirs/flowe \\
        --data-root data/scenes
    python tools/analysis/masks.py work_dirs/evaluate --most-different --show whole difference
    python tools/analysis/masks.py A=a/iter_800.pth B=b/iter_800.pth --classes person car

The paper's Figures 4, 12 and 14. A readout is a checkpoint of its trained head, or a folder with
such ones below it, as tools/evaluate.py and tools/reproduce.py keep them; nothing is trained.
Images are those that it was scored on, evenly spread, or with --most-different those on which the
networks' mIoU differs most. mIoU of an image: over the classes that its ground truth has.
"""

import argparse

from poodle_mm.experiments.figures.output import FOLDER
from poodle_mm.utils.arguments import positive
from poodle_mm.utils.errors import one_line_errors

KINDS = ('whole', 'classes', 'difference')


def main() -> None:
    """Predict, draw and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('readouts', nargs='+', metavar='[NAME=]PATH')
    parser.add_argument(
        '--show',
        nargs='+',
        choices=KINDS,
        default=KINDS,
        help='all classes, one class a row, where one is right and the other wrong (default: all)',
    )
    parser.add_argument('--data-root', help="folder of the data (default: the readout's)")
    parser.add_argument('--readout', help='e.g. linear, where folders hold several')
    parser.add_argument(
        '--images', type=positive, default=4, help='how many are drawn (default: 4)'
    )
    parser.add_argument(
        '--candidates',
        type=positive,
        default=64,
        help='images they are chosen from, and that are measured, evenly spread (default: 64)',
    )
    parser.add_argument('--most-different', action='store_true')
    parser.add_argument('--classes', nargs='+', help='default: the eight smallest')
    parser.add_argument('--device', default='cpu')
    parser.add_argument('--out', default=FOLDER / 'masks', help='beginning of the names of files')
    parser.add_argument('--debug', action='store_true', help='show the trace of errors')
    args = parser.parse_args()
    with one_line_errors(args.debug):
        # MMSegmentation takes seconds
        from poodle_mm.experiments.figures.masks import MaskComparison, write_masks

        comparison = MaskComparison(
            args.readouts, args.data_root, args.readout, args.candidates, args.device
        )
        text, files = write_masks(
            args.out, comparison, args.show, args.images, args.most_different, args.classes
        )
        print(text)
        print('written:', *files)


if __name__ == '__main__':
    main()
