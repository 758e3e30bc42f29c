"""GFLOPs of the encoders that configs build, beside the later paper's.

python tools/analysis/encoder_cost.py
python tools/analysis/encoder_cost.py --size 256 512 --out work_dirs/figures/small

Crop size and counting rule are in the output. Nothing is computed: it takes seconds on any machine.
"""

import argparse

from poodle_mm.experiments.figures.encoder_cost import SIZE, write_encoder_cost
from poodle_mm.experiments.figures.output import FOLDER
from poodle_mm.utils.arguments import positive
from poodle_mm.utils.errors import one_line_errors


def main() -> None:
    """Count, print the table and the files."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--size', type=positive, nargs=2, default=SIZE, metavar=('H', 'W'))
    parser.add_argument('--out', default=FOLDER / 'encoder_cost', metavar='STEM')
    parser.add_argument('--debug', action='store_true', help='show the trace of errors')
    args = parser.parse_args()
    with one_line_errors(args.debug):
        text, files = write_encoder_cost(args.out, tuple(args.size))
    print(text)
    for file in files:
        print(f'written to {file}')


if __name__ == '__main__':
    main()
