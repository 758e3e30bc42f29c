"""Test a checkpoint: ``python tools/test.py CONFIG CHECKPOINT``.

Runs the config's test loop if it has one. A pretraining config has none: its losses and collapse
statistics are then measured on ``val_dataloader`` (or, without one, on the training pairs).
"""

import argparse

from poodle_mm.engine.config import load_config
from poodle_mm.engine.evaluate import evaluate_losses
from poodle_mm.engine.train import build_runner
from poodle_mm.registry import register_all_modules
from poodle_mm.utils.arguments import KeyValues, positive
from poodle_mm.utils.errors import one_line_errors


def parse_args() -> argparse.Namespace:
    """Arguments as OpenMMLab's other toolboxes have them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('config', help='config file')
    parser.add_argument('checkpoint', help='checkpoint file')
    parser.add_argument('--work-dir', help='folder for logs of the test loop')
    parser.add_argument(
        '--max-batches', type=positive, help='measure losses on so many batches only'
    )
    parser.add_argument('--cfg-options', nargs='+', action=KeyValues, metavar='KEY=VALUE')
    parser.add_argument('--debug', action='store_true', help='show the trace of errors')
    return parser.parse_args()


def main() -> None:
    """Run the test loop, or print the losses."""
    args = parse_args()
    with one_line_errors(args.debug):
        cfg = load_config(args.config, args.cfg_options)
        if cfg.get('test_dataloader'):
            cfg.load_from = args.checkpoint
            cfg.work_dir = args.work_dir or cfg.get('work_dir') or 'work_dirs/test'
            build_runner(cfg).test()
            return
        register_all_modules()
        for name, value in evaluate_losses(cfg, args.checkpoint, args.max_batches).items():
            print(f'{name:15s} {value:.4f}')


if __name__ == '__main__':
    main()
