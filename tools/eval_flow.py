"""Measure optical flow: estimators side by side on scenes, clips and the data sets with truth.

    python tools/eval_flow.py scenes data/scenes/videos/test --methods zero constant dis-medium
    python tools/eval_flow.py kitti2015 data/kitti2015 --methods dis-medium uflow=FILE raft-large

Errors and motion are in pixels, the warp's in grey levels (0 to 255); times are both directions.
"""

import argparse

from poodle_mm.datasets.flow_pairs import FLOW_DATA
from poodle_mm.evaluation.flow.evaluate import evaluate_flow
from poodle_mm.evaluation.flow.options import add_flow_options, flow_options
from poodle_mm.registry import register_all_modules
from poodle_mm.utils.arguments import positive
from poodle_mm.utils.errors import one_line_errors


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('data', choices=FLOW_DATA)
    parser.add_argument('root', help='folder of the data')
    add_flow_options(parser, ['zero', 'translation', 'farneback', 'dis-medium'])
    parser.add_argument('--max-pairs', type=positive, help='number of pairs, evenly spread')
    parser.add_argument('--out', help='JSON file for the figures')
    parser.add_argument('--debug', action='store_true', help='show the trace of errors')
    args = parser.parse_args()
    pairs, estimation = flow_options(args)
    with one_line_errors(args.debug):
        register_all_modules()
        evaluate_flow(
            args.data,
            args.root,
            args.methods,
            max_pairs=args.max_pairs,
            out=args.out,
            **estimation,
            **pairs,
        )


if __name__ == '__main__':
    main()
