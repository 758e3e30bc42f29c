"""Measure optical flow: estimators side by side on scenes, clips and the data sets with truth.

    python tools/eval_flow.py scenes data/scenes/videos/test --methods zero constant dis-medium
    python tools/eval_flow.py kitti2015 data/kitti2015 --methods dis-medium uflow=FILE raft-large

Errors and motion are in pixels, the warp's in grey levels (0 to 255); times are both directions.
"""

import argparse

import torch

from poodle_mm.datasets.flow_pairs import FLOW_DATA
from poodle_mm.evaluation.flow.evaluate import evaluate_flow
from poodle_mm.evaluation.flow.methods import NAMES
from poodle_mm.registry import register_all_modules
from poodle_mm.utils.errors import one_line_errors


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    size = dict(type=int, nargs=2, metavar=('H', 'W'))
    parser.add_argument('data', choices=FLOW_DATA)
    parser.add_argument('root', help='folder of the data')
    parser.add_argument(
        '--methods',
        nargs='+',
        default=['zero', 'translation', 'farneback', 'dis-medium'],
        metavar='NAME[=FILE]',
        help=f'{", ".join(NAMES)}; =FILE: weights (default: %(default)s)',
    )
    parser.add_argument('--size', **size, help='resize the frames (default: as they are)')
    parser.add_argument('--work-size', **size, help='size at which the estimators work')
    parser.add_argument('--max-pairs', type=int, help='number of pairs, evenly spread')
    parser.add_argument(
        '--delta', type=float, nargs=2, metavar=('MIN', 'MAX'), help='scenes, clips: pair distance'
    )
    parser.add_argument('--delta-unit', choices=['frames', 'seconds'], default='frames')
    parser.add_argument('--threads', type=int, help="torch's threads (default: all cores)")
    parser.add_argument('--device', default='cpu')
    parser.add_argument('--out', help='JSON file for the figures')
    parser.add_argument('--debug', action='store_true', help='show the trace of errors')
    args = parser.parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    options = {}
    if args.delta:
        options = dict(delta=tuple(args.delta), delta_unit=args.delta_unit)
    with one_line_errors(args.debug):
        register_all_modules()
        evaluate_flow(
            args.data,
            args.root,
            args.methods,
            size=args.size,
            work_size=args.work_size,
            max_pairs=args.max_pairs,
            device=args.device,
            out=args.out,
            **options,
        )


if __name__ == '__main__':
    main()
