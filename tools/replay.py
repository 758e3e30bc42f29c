"""Run a batch that a training kept when it stopped: losses, first bad module, pictures.

    python tools/replay.py work_dirs/mine/batches/iter_000123_nonfinite.pth
    python tools/replay.py BATCH --checkpoint work_dirs/mine/iter_100.pth

Batches are kept by the health hook: default_hooks.health.stop_on=[collapse] stops at a collapse,
too. The batch is read as data; the config, found in the run's folder, is a program like any config.
"""

import argparse

from poodle_mm.engine.health.replay import replay
from poodle_mm.utils.arguments import not_negative
from poodle_mm.utils.errors import one_line_errors


def main() -> None:
    """Replay, print what came out, name the pictures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('batch', help='file in WORK_DIR/batches')
    parser.add_argument('--config', help="config (default: the run's, beside its checkpoints)")
    parser.add_argument(
        '--checkpoint', help='other weights (default: those of the iteration, kept with the batch)'
    )
    parser.add_argument('--out', help="folder for pictures (default: the batch's)")
    parser.add_argument(
        '--num', type=not_negative, default=2, help='samples drawn, 0 for none (default: 2)'
    )
    parser.add_argument('--debug', action='store_true', help='show the trace of errors')
    args = parser.parse_args()
    with one_line_errors(args.debug):
        result = replay(args.batch, args.config, args.checkpoint, args.out, args.num)
    print(result.described())
    for picture in result.pictures:
        print(f'written to {picture}')


if __name__ == '__main__':
    main()
