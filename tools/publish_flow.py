"""Write the network of a flow training to a small float16 file: ``flow=dict(type='UFlow')``."""

import argparse

from poodle_mm.flow.uflow.publish import publish_flow
from poodle_mm.utils.errors import one_line_errors


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('checkpoint', help='training checkpoint of configs/flow')
    parser.add_argument('out', help='file to write; poodle_mm/flow/uflow/small.pth: the packaged')
    parser.add_argument('--debug', action='store_true', help='show the trace of errors')
    args = vars(parser.parse_args())
    with one_line_errors(args.pop('debug')):
        print(publish_flow(**args))


if __name__ == '__main__':
    main()
