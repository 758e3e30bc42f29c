"""Share of small, rare and moving classes in the subcrops, by how their centres are drawn.

python tools/analysis/subcrop_classes.py scenes data/scenes --flow dis exact --out scenes.json
python tools/analysis/subcrop_classes.py camvid data/camvid --split val --picture camvid.png

Crops and subcrops are those of the small configs (96 x 192, four pairs of subcrops).
"""

import argparse

from poodle_mm.datasets.labelled_pairs import FPS
from poodle_mm.evaluation.subcrop_classes import FLOWS, compare_samplers, subcrop_table
from poodle_mm.utils.arguments import not_negative, positive
from poodle_mm.utils.errors import one_line_errors
from poodle_mm.utils.files import write_json


def main() -> None:
    """Measure, print the table, write JSON and picture."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('data', choices=list(FPS))
    parser.add_argument('root', help='root of the data')
    parser.add_argument('--split', default='train')
    parser.add_argument(
        '--seconds', type=float, nargs=2, default=[0.5, 1.0], help='distance of the two frames'
    )
    parser.add_argument(
        '--flow', nargs='+', choices=FLOWS, default=['dis'], help='exact: scenes only'
    )
    parser.add_argument('--pairs', type=positive, help='at most so many pairs, evenly spread')
    parser.add_argument('--seeds', type=not_negative, nargs='+', default=[0, 1, 2])
    parser.add_argument('--share', type=float, help="the prior's share (default: its own)")
    parser.add_argument('--scale', type=float, help="the prior's scale (default: its own)")
    parser.add_argument('--out', metavar='JSON', help='file for the numbers')
    parser.add_argument('--picture', metavar='PNG', help='picture of weights and subcrops')
    parser.add_argument('--debug', action='store_true', help='show the trace of errors')
    args = parser.parse_args()
    prior = {key: getattr(args, key) for key in ('share', 'scale') if getattr(args, key)}
    with one_line_errors(args.debug):
        result = compare_samplers(
            args.data,
            args.root,
            args.split,
            tuple(args.seconds),
            flows=args.flow,
            seeds=args.seeds,
            prior=prior,
            most=args.pairs,
            picture=args.picture,
        )
        if args.out:
            write_json(args.out, result, indent=1)
    print(subcrop_table(result))
    for path in filter(None, (args.out, args.picture)):
        print(f'written to {path}')


if __name__ == '__main__':
    main()
