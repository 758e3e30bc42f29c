"""IoU of each class of several runs and seeds as bars: small and large, rare and common classes.

    python tools/analysis/class_iou.py PooDLe=run_s0 PooDLe=run_s1 FlowE=flowe_s0
    python tools/analysis/class_iou.py work_dirs/evaluate/bdd100k.json --paper PooDLe FlowE
    python tools/analysis/class_iou.py a/result.json --groups groups.json

The paper's Table 6. A path is what tools/evaluate.py or tools/reproduce.py has written: a folder
with readouts below it, a table's <suite>.json, or a result.json. Those of one NAME are its seeds.
"""

import argparse

from poodle_mm.experiments.figures.class_iou import write_class_iou
from poodle_mm.experiments.figures.output import FOLDER
from poodle_mm.utils.errors import one_line_errors


def main() -> None:
    """Read, draw and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('results', nargs='+', metavar='[NAME=]PATH')
    parser.add_argument('--readout', default='linear', help='default: linear')
    parser.add_argument(
        '--groups', metavar='JSON', help='of class_groups.py (default: those it was scored with)'
    )
    parser.add_argument(
        '--paper', nargs='+', default=[], metavar='METHOD', help='rows of Table 6, or all'
    )
    parser.add_argument('--out', default=FOLDER / 'class_iou', help='files, without an ending')
    parser.add_argument('--debug', action='store_true', help='show the trace of errors')
    args = parser.parse_args()
    with one_line_errors(args.debug):
        text, files = write_class_iou(args.out, args.results, args.readout, args.groups, args.paper)
        print(text)
        print('written:', *files)


if __name__ == '__main__':
    main()
