"""Boxes of several detectors beside the ground truth.

    python tools/evaluate.py PooDLe=a.pth scratch=none --suite scenes --readouts det-fpn
    python tools/analysis/boxes.py work_dirs/evaluate --readout det-fpn
    python tools/analysis/boxes.py A=a/iter_400.pth B=b/iter_400.pth --most-different --score 0.5

The paper's Figure 13. A readout is a detector's checkpoint, or a folder with such ones below it, as
tools/evaluate.py keeps them; nothing is trained. Images are those that it was scored on, evenly
spread, or with --most-different those on which the detectors' F1 differs most.
"""

import argparse

from poodle_mm.experiments.figures.output import FOLDER
from poodle_mm.utils.arguments import positive
from poodle_mm.utils.errors import one_line_errors


def main() -> None:
    """Predict, draw and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('readouts', nargs='+', metavar='[NAME=]PATH')
    parser.add_argument('--data-root', help="folder of the data (default: the readout's)")
    parser.add_argument('--readout', help='e.g. det-fpn, where folders hold several')
    parser.add_argument(
        '--images', type=positive, default=4, help='how many are drawn (default: 4)'
    )
    parser.add_argument(
        '--candidates',
        type=positive,
        default=32,
        help='images they are chosen from, and that are counted, evenly spread (default: 32)',
    )
    parser.add_argument('--most-different', action='store_true')
    parser.add_argument('--score', type=float, default=0.3, help='smallest score (default: 0.3)')
    parser.add_argument('--device', default='cpu')
    parser.add_argument('--out', default=FOLDER / 'boxes', help='files, without an ending')
    parser.add_argument('--debug', action='store_true', help='show the trace of errors')
    args = parser.parse_args()
    with one_line_errors(args.debug):
        # MMDetection takes seconds, and may be missing
        from poodle_mm.experiments.figures.boxes import write_boxes

        text, files = write_boxes(
            args.out,
            args.readouts,
            args.data_root,
            args.readout,
            args.images,
            args.candidates,
            args.most_different,
            args.score,
            args.device,
        )
        print(text)
        print('written:', *files)


if __name__ == '__main__':
    main()
