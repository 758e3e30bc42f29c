"""Draw settings side by side, a dot a seed, from the log of tools/analysis/runs.py.

python tools/analysis/runs.py work_dirs/reproduce --out runs.json
python tools/analysis/seeds.py runs.json FlowE=reproduce/camvid/flowe_r18_camvid_96x192 \\
    PooDLe=reproduce/camvid/poodle_r18_camvid_96x192 --panels linear:miou linear:small

A run's name is the log's, without its seed.
"""

import argparse

from poodle_mm.evaluation.suites import READOUTS
from poodle_mm.experiments.figures.output import FOLDER
from poodle_mm.experiments.figures.seeds import METRICS, seeds_figure
from poodle_mm.utils.arguments import between
from poodle_mm.utils.errors import one_line_errors


def main() -> None:
    """Draw, and print the text and the files."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('log', help='JSON file of tools/analysis/runs.py')
    parser.add_argument('rows', nargs='+', metavar='NAME=RUN', type=_pair('='))
    parser.add_argument(
        '--panels',
        nargs='+',
        type=_pair(':'),
        default=[('linear', 'miou'), ('linear', 'small')],
        metavar='READOUT:METRIC',
        help=f'metrics: {", ".join(METRICS)} (default: linear:miou linear:small)',
    )
    parser.add_argument('--split', choices=['val', 'test'], default='test')
    parser.add_argument('--dpi', type=between(10, 1200), default=150, help='pixels per inch')
    parser.add_argument('--out', default=FOLDER / 'seeds', metavar='STEM')
    parser.add_argument('--debug', action='store_true', help='show the trace of errors')
    args = parser.parse_args()
    for readout, metric in args.panels:
        if readout not in READOUTS or metric not in METRICS:
            parser.error(
                f'--panels: {readout}:{metric} is not one of {list(READOUTS)} and one of '
                f'{list(METRICS)}'
            )
    names = [name for name, _ in args.rows]
    if len(set(names)) < len(names):
        parser.error(f'NAME=RUN: a name twice in {", ".join(names)}; a run has all its seeds')
    with one_line_errors(args.debug):
        files, text = seeds_figure(
            args.log, dict(args.rows), args.panels, args.out, args.split, args.dpi
        )
    print(text)
    for path in files:
        print(f'written to {path}')


def _pair(sign: str):
    def parse(word: str) -> tuple[str, str]:
        first, found, second = word.partition(sign)
        if not (first and found and second):
            raise argparse.ArgumentTypeError(f'{word!r} is not two words joined by {sign!r}')
        return first, second

    return parse


if __name__ == '__main__':
    main()
