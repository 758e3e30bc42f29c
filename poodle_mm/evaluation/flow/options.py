"""Options of the commands that estimate flow on pairs of a data set."""

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from typing import Any

import torch

from poodle_mm.evaluation.flow.methods import NAMES
from poodle_mm.utils.arguments import positive


def add_flow_options(parser: ArgumentParser, methods: Sequence[str]) -> None:
    """Add methods, pair distance, sizes, threads and device.

    Args:
        parser: Parser of the command.
        methods: Methods by default.
    """
    size = dict(type=positive, nargs=2, metavar=('H', 'W'))
    parser.add_argument(
        '--methods',
        nargs='+',
        default=list(methods),
        metavar='NAME[=FILE]',
        help=f'{", ".join(NAMES)}; =FILE: weights (default: {" ".join(methods)})',
    )
    parser.add_argument(
        '--delta', type=float, nargs=2, metavar=('MIN', 'MAX'), help='scenes, clips: pair distance'
    )
    parser.add_argument('--delta-unit', choices=['frames', 'seconds'], default='frames')
    parser.add_argument('--size', **size, help='resize the frames (default: as they are)')
    parser.add_argument(
        '--work-size',
        **size,
        help='size at which the estimators work (default: that of the frames; uflow=small 128 256, '
        'other uflow 256 512)',
    )
    parser.add_argument('--threads', type=positive, help="torch's threads (default: all cores)")
    parser.add_argument('--device', default='cpu')


def flow_options(args: Namespace) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the parsed options mean; sets torch's threads.

    Returns:
        ``(of the pairs, of the estimation)``: arguments of
        :func:`~poodle_mm.datasets.flow_pairs.open_flow_pairs`, and ``size``, ``work_size`` and
        ``device``.
    """
    if args.threads:
        torch.set_num_threads(args.threads)
    pairs = {}
    if args.delta:
        pairs = dict(delta=tuple(args.delta), delta_unit=args.delta_unit)
    return pairs, dict(size=args.size, work_size=args.work_size, device=args.device)
