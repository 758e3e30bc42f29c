"""Read out checkpoints as the paper does and print one table.

    python tools/evaluate.py work_dirs/poodle_r50_bdd/epoch_100.pth --suite bdd100k
    python tools/evaluate.py scratch=none PooDLe=a.pth PooDLe=b.pth --suite camvid --data-root DIR
    python tools/evaluate.py DINO=dino-vit-s16-in1k --suite bdd100k
    python tools/evaluate.py --list-weights

A checkpoint is a PooDLe run's, a file of PooDLe's authors, a published file, plain ResNet or ViT
weights, the name of weights that others have published (downloaded once, if there is a network),
or `none` for random weights. Readouts that were run before under the same settings are
read back from the work dir.
"""

import argparse
import signal
from pathlib import Path

from poodle_mm.evaluation.published import EDITIONS
from poodle_mm.evaluation.suites import READOUTS, SUITES
from poodle_mm.utils.arguments import KeyValues, not_negative, positive
from poodle_mm.utils.resources import config_dir


def parse_args() -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        'checkpoints',
        nargs='*',
        metavar='[NAME=]CHECKPOINT',
        help='checkpoint file, name of published weights, or none; several of one NAME are seeds: '
        'mean and deviation',
    )
    parser.add_argument('--suite', choices=list(SUITES))
    parser.add_argument(
        '--readouts', nargs='+', choices=READOUTS, help="which readouts (default: the suite's)"
    )
    parser.add_argument('--data-root', help="folder of the data (default: the config's)")
    parser.add_argument('--work-dir', type=Path, default=Path('work_dirs/evaluate'))
    parser.add_argument('--weights', choices=['online', 'ema'], default='online')
    decoder = parser.add_mutually_exclusive_group()
    decoder.add_argument('--no-sdm', action='store_true', help='drop the spatial decoder')
    decoder.add_argument(
        '--random-decoder',
        action='store_true',
        help='give each encoder, also a random one, a decoder of random weights, that of --like',
    )
    parser.add_argument(
        '--like',
        metavar='FILE',
        help='checkpoint or config with the architecture of `none` (default: the first checkpoint)',
    )
    parser.add_argument('--split', choices=['val', 'test'], help='scenes and camvid: default test')
    parser.add_argument(
        '--size',
        type=positive,
        nargs=2,
        metavar=('H', 'W'),
        help='scenes and camvid: size of images',
    )
    parser.add_argument(
        '--iters', type=positive, help='length of the training (default: the config)'
    )
    parser.add_argument('--seed', type=not_negative, default=0)
    parser.add_argument(
        '--edition',
        choices=[*EDITIONS, 'all'],
        default='all',
        help="the paper's rows beside ours: first version, talk, ICLR 2025 (default: all)",
    )
    parser.add_argument(
        '--cfg-options', nargs='+', action=KeyValues, metavar='KEY=VALUE', default={}
    )
    published = parser.add_argument_group('published weights')
    published.add_argument('--list-weights', action='store_true', help='list them and stop')
    published.add_argument(
        '--get-weights', nargs='+', metavar='NAME', default=[], help='download, check and stop'
    )
    published.add_argument(
        '--weights-dir', help='their folder (default: $TORCH_HOME/hub/checkpoints, as torch.hub)'
    )
    parser.add_argument('--debug', action='store_true', help='show the trace of errors')
    args = parser.parse_args()
    if not (args.list_weights or args.get_weights or (args.checkpoints and args.suite)):
        parser.error('name at least one checkpoint, and the --suite')
    return args


def _published(args: argparse.Namespace) -> None:
    from poodle_mm.checkpoints.released_files import get_released
    from poodle_mm.evaluation.released_list import released_list

    for name in args.get_weights:
        print(f'{name}: {get_released(name, args.weights_dir)}')
    if args.list_weights:
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # `| head` ends it without a trace
        print(released_list(args.weights_dir))


def main() -> None:
    """Evaluate and print."""
    args = parse_args()
    from poodle_mm.evaluation.evaluate import evaluate, read_entries
    from poodle_mm.evaluation.table import markdown_tables
    from poodle_mm.utils.errors import one_line_errors

    with one_line_errors(args.debug):
        if args.list_weights or args.get_weights:
            _published(args)
            return
        decoder = 'random' if args.random_decoder else not args.no_sdm
        entries = read_entries(
            args.checkpoints, args.weights, args.like, decoder, args.seed, args.weights_dir
        )
        report = evaluate(
            entries,
            args.suite,
            config_dir() / 'downstream',
            args.work_dir,
            args.readouts,
            args.edition,
            data_root=args.data_root,
            split=args.split,
            size=tuple(args.size) if args.size else None,
            iters=args.iters,
            options=args.cfg_options,
        )
        print(markdown_tables(report, args.edition))
        print(f'written: {args.work_dir / args.suite}.json and .md')


if __name__ == '__main__':
    main()
