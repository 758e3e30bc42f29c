"""Link BDD100K's training videos by day, on which UFlow is trained.

python tools/dataset_converters/bdd100k_daytime.py data/bdd100k/labels/det_20/det_train.json \\
    data/bdd100k/videos/train data/bdd100k/videos/train_daytime --share 0.25
"""

import argparse

from poodle_mm.datasets.preparation.daytime import link_daytime
from poodle_mm.utils.arguments import not_negative
from poodle_mm.utils.errors import one_line_errors


def main() -> None:
    """Make the folder of links."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('labels', help="JSON in Scalabel's format, with times of day")
    parser.add_argument('videos', help='folder of the videos')
    parser.add_argument('out', help='folder of links, to be made')
    parser.add_argument('--share', type=float, default=1.0, help='share of them to link')
    parser.add_argument('--seed', type=not_negative, default=0, help='of the draw')
    parser.add_argument('--debug', action='store_true', help='show the trace of errors')
    args = parser.parse_args()
    with one_line_errors(args.debug):
        counts = link_daytime(args.labels, args.videos, args.out, args.share, args.seed)
    print(
        f'{args.out}: {counts["linked"]} videos linked, {counts["left_out"]} left out, '
        f'{counts["unlabelled"]} without a label'
    )


if __name__ == '__main__':
    main()
