"""Pretrain and read out rows of the paper's tables, sweeps of its figures, flows, or methods.

    python tools/reproduce.py --table 4 --data bdd100k --dry-run
    python tools/reproduce.py --table 4 --data camvid --rows scratch 1 7 --seeds 0 1 2 --jobs 2 \\
        --budget 6400pairs --data-root CAMVID --driving FRAMES
    python tools/reproduce.py --figure 7 --data scenes --jobs 2 --budget 10min
    python tools/reproduce.py --table 1 --dry-run
    python tools/reproduce.py --table 5 --rows dino-vit-s16-in1k --roots bdd100k=BDD cityscapes=CITY
    python tools/reproduce.py --study flow --data scenes --seeds 0 1 2 --jobs 2 --budget 6400pairs
    python tools/reproduce.py --study methods --data camvid --jobs 2 --budget 12800frames

Runs that are done are skipped, others go on from their last checkpoint; runs that several studies
share are trained once. The flow network of row 6 is trained first, without labels, once for all
seeds. Writes <work dir>/<data>/<table, figure or study>.{json,md,png}; tables 1, 2, 3, 5 and 6
(readouts at the paper's size, rows from their config or published weights) <work dir>/tables/.
"""

import argparse
import signal
import sys
from pathlib import Path

from poodle_mm.evaluation.suites import READOUTS, is_detection
from poodle_mm.experiments.ablations.settings import DATA
from poodle_mm.experiments.tables import RECIPES
from poodle_mm.utils.arguments import KeyValues, not_negative, positive
from poodle_mm.utils.resources import resource_root


def parse_args() -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    study = parser.add_mutually_exclusive_group(required=True)
    study.add_argument('--table', choices=list('123456'))
    study.add_argument('--figure', choices=['5', '7', '9'])
    study.add_argument(
        '--study',
        choices=['flow', 'methods', 'motion', 'position', 'vit'],
        help='flow: PooDLe with DIS, UFlow, DIS from the small UFlow, exact flow; methods: one row '
        'for each; motion: subcrops guided by motion; position: dense views at one place or '
        'shifted each on its own; vit: the dense objective on a ViT, its '
        'collapse and cures',
    )
    parser.add_argument(
        '--edition',
        choices=['seed', 'iclr'],
        default='seed',
        help='figures 5 and 9 as in the first version of the paper, or as in ICLR 2025',
    )
    parser.add_argument(
        '--data',
        choices=list(DATA),
        help='of table 4, figures and studies; scenes: synthetic, with DIS flow; scenes-exact: '
        'with their exact flow',
    )
    parser.add_argument('--rows', nargs='+', metavar='KEY', help='e.g. scratch 1 7, or "5c-*"')
    parser.add_argument('--seeds', nargs='+', type=not_negative, default=[0])
    parser.add_argument(
        '--budget',
        help='of each pretraining: 10min, 6400pairs, 12800frames, or epochs (default: the configs)',
    )
    parser.add_argument('--jobs', type=positive, default=1, help='runs at the same time')
    parser.add_argument(
        '--processes',
        type=positive,
        help='of each run, GPUs if there are any (default: the configs)',
    )
    parser.add_argument(
        '--readouts',
        nargs='+',
        choices=READOUTS,
        help='default: linear; of tables but 4: all that the table has',
    )
    parser.add_argument('--split', choices=['val', 'test'], help='scenes and camvid: default test')
    parser.add_argument('--data-root', help="root of the data (default: the configs')")
    parser.add_argument('--driving', help='camvid: root of the frames of driving videos')
    parser.add_argument('--kitti', help='bdd100k, row 6: root of KITTI 2015')
    flow = parser.add_argument_group('flow of row 6')
    flow.add_argument('--flow-weights', help='small, or a file of UFlow, in place of a training')
    flow.add_argument(
        '--flow-budget',
        help="of each training of flow, as --budget (default: the configs', in proportion to "
        '--budget; for minutes the same)',
    )
    flow.add_argument('--flow-per-seed', action='store_true', help='train flow for each seed')
    parser.add_argument('--work-dir', type=Path, default=Path('work_dirs/reproduce'))
    tables = parser.add_argument_group('tables 1, 2, 3, 5 and 6: at the size of the paper')
    tables.add_argument(
        '--roots',
        nargs='+',
        action=KeyValues,
        metavar='NAME=DIR',
        default={},
        help="roots of data (default: the configs'): bdd100k, cityscapes, ade20k, wt-sem, "
        'walking-tours',
    )
    tables.add_argument('--recipe', choices=RECIPES, default='release', help='of PooDLe and FlowE')
    tables.add_argument(
        '--iters', type=positive, help="length of each readout (default: the configs')"
    )
    tables.add_argument(
        '--weights-dir', help='folder of published weights, as of tools/evaluate.py'
    )
    tables.add_argument('--without-gpu', action='store_true', help='run rows on the CPU')
    for mode, text in (
        ('dry-run', 'print the recipes and stop'),
        ('print-commands', 'print a shell line for each run and stop'),
        ('report-only', 'table of what is done; run nothing'),
    ):
        parser.add_argument(f'--{mode}', dest='mode', action='store_const', const=mode, help=text)
    parser.add_argument(
        '--cfg-options', nargs='+', action=KeyValues, metavar='KEY=VALUE', default={}
    )
    parser.add_argument('--debug', action='store_true', help='show the trace of errors')
    args = parser.parse_args()
    if args.table in (None, '4'):
        args.readouts = args.readouts or ['linear']
        if args.data is None:
            parser.error('--table 4, figures and studies need --data')
        if any(map(is_detection, args.readouts)):
            parser.error('--table 4, figures and studies have no readouts of detection')
        given = [name for name in _OF_TABLES if getattr(args, name) != parser.get_default(name)]
        if given:
            options = ', '.join(f'--{name.replace("_", "-")}' for name in given)
            parser.error(f'--table 4, figures and studies do not take {options}')
    return args


_OF_TABLES = ('roots', 'recipe', 'iters', 'weights_dir', 'without_gpu')


def _table(number: int, options: dict, which: dict) -> int:
    from poodle_mm.experiments.ablations.budget import parse_budget
    from poodle_mm.experiments.tables.reproduce_table import reproduce_table
    from poodle_mm.experiments.tables.runs_of_table import TableOptions

    shared = ('work_dir', 'processes', 'readouts', 'cfg_options', *_OF_TABLES)
    args = TableOptions(
        root=resource_root(),
        budget=parse_budget(options['budget']) if options['budget'] else None,
        **{name: options[name] for name in shared},
    )
    which.pop('edition')
    return reproduce_table(number, args, **which)


def main() -> int:
    """Plan, run, report."""
    args = parse_args()
    from poodle_mm.experiments.ablations.plan import PlanOptions
    from poodle_mm.experiments.ablations.reproduce import reproduce
    from poodle_mm.utils.errors import one_line_errors

    if args.mode in ('dry-run', 'print-commands'):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # `| head` ends it without a trace
    options = vars(args)
    table, figure, debug = (options.pop(name) for name in ('table', 'figure', 'debug'))
    study = options.pop('study') or (f'table {table}' if table else f'figure {figure}')
    which = {name: options.pop(name) for name in ('edition', 'rows', 'seeds', 'jobs', 'mode')}
    with one_line_errors(debug):
        own = {name: options.pop(name) for name in _OF_TABLES}
        if table not in (None, '4'):
            return _table(int(table), options | own, which)
        return reproduce(study, PlanOptions(root=resource_root(), **options), **which)


if __name__ == '__main__':
    sys.exit(main())
