"""Share of the pixels that each class of a labelled data set has, from large to small.

python tools/analysis/class_distribution.py camvid data/camvid
python tools/analysis/class_distribution.py bdd100k data/bdd100k --split val --out work_dirs/bdd

Figure 1c. tools/analysis/class_groups.py prints the same classes as the paper's Table 7.
"""

import argparse

from poodle_mm.datasets.label_files import LABELLED
from poodle_mm.experiments.figures.class_distribution import write_class_distribution
from poodle_mm.experiments.figures.output import FOLDER
from poodle_mm.utils.errors import one_line_errors


def main() -> None:
    """Count, print the line and the files."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('data', choices=list(LABELLED))
    parser.add_argument('root', help='root of the data')
    parser.add_argument('--split', default='train')
    parser.add_argument('--out', default=FOLDER / 'class_distribution', metavar='STEM')
    parser.add_argument('--debug', action='store_true', help='show the trace of errors')
    args = parser.parse_args()
    with one_line_errors(args.debug):
        text, files = write_class_distribution(args.data, args.root, args.split, args.out)
    print(text)
    for file in files:
        print(f'written to {file}')


if __name__ == '__main__':
    main()
