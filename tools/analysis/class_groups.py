"""Small, large, rare and common classes of a data set, from its training labels.

python tools/analysis/class_groups.py --labels data/bdd100k/labels/sem_seg/masks/train \\
    --classes bdd100k --out bdd100k_groups.json
python tools/analysis/class_groups.py --labels data/cityscapes/gtFine/train --classes cityscapes
python tools/analysis/class_groups.py --labels data/ade/ADEChallengeData2016/annotations/training \\
    --classes ade20k
python tools/analysis/class_groups.py --labels labels/train --num-classes 5
"""

import argparse
from dataclasses import asdict

from poodle_mm.catalog import DataSet
from poodle_mm.datasets.label_files import LABELLED, class_names
from poodle_mm.evaluation.class_groups import label_statistics, table7
from poodle_mm.utils.arguments import positive
from poodle_mm.utils.errors import one_line_errors
from poodle_mm.utils.files import write_json


def main() -> None:
    """Print the table and write the JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--labels', required=True, help='folder of the training labels')
    parser.add_argument('--num-classes', type=positive, help='needed where --classes is not given')
    parser.add_argument(
        '--classes', nargs='+', help=f'one of {", ".join(LABELLED)}, or the names in order'
    )
    parser.add_argument(
        '--ignore-index', type=int, nargs='+', help='ids without a class (default: 255)'
    )
    parser.add_argument('--suffix', help='end of the label names (default: .png)')
    parser.add_argument('--out', help='JSON to be written')
    parser.add_argument('--debug', action='store_true', help='show the trace of errors')
    args = parser.parse_args()
    data = LABELLED.get(args.classes[0]) if args.classes else None
    if not args.classes and not args.num_classes:
        parser.error('give --num-classes or --classes')
    with one_line_errors(args.debug):
        classes = class_names(data) if data else args.classes
        classes = classes or [str(number) for number in range(args.num_classes)]
        if args.num_classes not in (None, len(classes)):
            raise ValueError(f'--num-classes {args.num_classes}, but {len(classes)} names')
        layout = data or DataSet(root=args.labels)
        statistics = label_statistics(
            args.labels,
            classes,
            ignore=args.ignore_index or (layout.ignore_index,),
            reduce_zero_label=layout.reduce_zero_label,
            suffix=args.suffix or layout.seg_map_suffix,
        )
        if args.out:
            write_json(args.out, asdict(statistics), indent=1)
    print(table7(statistics))
    if args.out:
        print(f'written to {args.out}')


if __name__ == '__main__':
    main()
