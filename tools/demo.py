"""Pretrain a small PooDLe on video in minutes, read it out linearly and write a report.

Writes metrics.json and report.html into <work dir>, which must not hold an earlier demo.
Tune on --eval-split val only.
"""

import argparse
import shlex
import sys

from poodle_mm.utils.arguments import not_negative
from poodle_mm.utils.resources import config_dir

DEFAULT_CONFIG = config_dir() / 'demo' / 'poodle_r18_scenes.py'


def parse_args() -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--config', default=str(DEFAULT_CONFIG), help='a config of configs/demo')
    parser.add_argument('--data-root', help="folder of the data (default: the config's)")
    parser.add_argument(
        '--minutes', type=float, help="length of the pretraining (default: the config's steps)"
    )
    parser.add_argument('--work-dir', default='work_dirs/demo', help='folder of the results')
    parser.add_argument('--seed', type=not_negative, default=0)
    parser.add_argument('--eval-split', choices=['val', 'test'], default='test')
    parser.add_argument('--debug', action='store_true', help='show the trace of errors')
    return parser.parse_args()


def main() -> None:
    """Run the demo."""
    args = vars(parse_args())
    # Here, so that --help and the processes that render scenes do not wait for these imports.
    from poodle_mm.experiments.demo.run import run_demo
    from poodle_mm.utils.errors import one_line_errors

    with one_line_errors(args.pop('debug')):
        run_demo(
            **args,
            config_dir=config_dir() / 'downstream',
            command=shlex.join(['bash', 'tools/demo.sh', *sys.argv[1:]]),
        )


if __name__ == '__main__':
    main()
