"""Write the encoder of a checkpoint to a small file that other toolboxes load."""

import argparse

from poodle_mm.apis.formats import FORMATS
from poodle_mm.apis.publish import publish_model
from poodle_mm.utils.errors import one_line_errors


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('checkpoint', help='pretraining checkpoint')
    parser.add_argument('out_dir', help='folder of the new file')
    parser.add_argument('--with-sdm', action='store_true', help='include the spatial decoder')
    parser.add_argument('--weights', choices=['online', 'ema'], default='online')
    parser.add_argument('--name', metavar='STEM', help="default: the checkpoint's stem")
    parser.add_argument(
        '--format', choices=FORMATS, default='poodle', help='toolbox that is to load it'
    )
    parser.add_argument('--debug', action='store_true', help='show the trace of errors')
    args = vars(parser.parse_args())
    with one_line_errors(args.pop('debug')):
        print(publish_model(**args))


if __name__ == '__main__':
    main()
