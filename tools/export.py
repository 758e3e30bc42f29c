"""Write an encoder to a file that runs without this package, and compare the two.

python tools/export.py CHECKPOINT encoder.onnx --format onnx
"""

import argparse

from poodle_mm.apis.export import FORMATS, export_encoder
from poodle_mm.utils.arguments import positive
from poodle_mm.utils.errors import one_line_errors


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('checkpoint', help='checkpoint or published file')
    parser.add_argument('out', help='file to write')
    parser.add_argument('--format', choices=FORMATS, required=True)
    parser.add_argument(
        '--no-sdm', dest='with_sdm', action='store_const', const=False, help='encoder alone'
    )
    parser.add_argument('--weights', choices=['online', 'ema'], default='online')
    parser.add_argument(
        '--size',
        type=positive,
        nargs=2,
        metavar=('H', 'W'),
        help='torch-export, onnx: this size alone',
    )
    parser.add_argument(
        '--tolerance', type=float, default=1e-4, help="share of the map's largest value"
    )
    parser.add_argument('--debug', action='store_true', help='show the trace of errors')
    args = vars(parser.parse_args())
    with one_line_errors(args.pop('debug')):
        print(export_encoder(**args))


if __name__ == '__main__':
    main()
