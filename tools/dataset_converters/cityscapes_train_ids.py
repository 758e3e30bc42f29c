"""Write Cityscapes' train ids beside its label ids.

python tools/dataset_converters/cityscapes_train_ids.py data/cityscapes/gtFine
"""

import argparse

from poodle_mm.datasets.preparation.cityscapes import convert_tree
from poodle_mm.utils.arguments import positive
from poodle_mm.utils.errors import one_line_errors


def main() -> None:
    """Convert a tree."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('root', help='folder of *_gtFine_labelIds.png')
    parser.add_argument('--workers', type=positive, default=4, help='threads')
    parser.add_argument('--debug', action='store_true', help='show the trace of errors')
    args = parser.parse_args()
    with one_line_errors(args.debug):
        written, present = convert_tree(args.root, args.workers)
    print(f'{args.root}: {written} label images written, {present} were there')


if __name__ == '__main__':
    main()
