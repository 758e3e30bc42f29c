"""Convert RAFT weights of MMFlow into a file for ``RAFTFlow(weights=...)``."""

import argparse

from poodle_mm.flow.mmflow_weights import convert_file
from poodle_mm.utils.errors import one_line_errors


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('source', help="MMFlow's RAFT checkpoint, a file or a URL")
    parser.add_argument('target', help='file to write')
    parser.add_argument('--debug', action='store_true', help='show the trace of errors')
    args = parser.parse_args()
    with one_line_errors(args.debug):
        sha = convert_file(args.source, args.target)
    print(f'{args.target} sha256 {sha}')


if __name__ == '__main__':
    main()
