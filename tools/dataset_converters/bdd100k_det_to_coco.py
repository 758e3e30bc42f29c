"""Convert BDD100K's detection labels (det_20) to COCO's format.

python tools/dataset_converters/bdd100k_det_to_coco.py \\
    data/bdd100k/labels/det_20/det_train.json data/bdd100k/labels/det_20/det_train_coco.json \\
    --images data/bdd100k/images/100k/train
"""

import argparse

from poodle_mm.datasets.preparation.det_to_coco import convert_file, counts_table
from poodle_mm.utils.errors import one_line_errors


def main() -> None:
    """Convert one file."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('labels', help="JSON in Scalabel's format")
    parser.add_argument('out', help="JSON in COCO's format, to be written")
    parser.add_argument(
        '--images', help='folder of the images: their sizes are read (default: 1280x720 each)'
    )
    parser.add_argument(
        '--skip-invalid', action='store_true', help='leave out what is wrong instead of stopping'
    )
    parser.add_argument('--debug', action='store_true', help='show the trace of errors')
    args = parser.parse_args()
    with one_line_errors(args.debug):
        coco, counts = convert_file(args.labels, args.out, args.images, args.skip_invalid)
    print(counts_table(coco, counts))


if __name__ == '__main__':
    main()
