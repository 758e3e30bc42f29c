"""Pretrain from a config: ``python tools/train.py configs/poodle_r50_bdd.py``."""

import argparse
import os

from poodle_mm.engine.cpu_ranks import cpu_ranks, processes_to_start
from poodle_mm.engine.loggers import LOGGERS
from poodle_mm.engine.train import build_runner, training_config
from poodle_mm.utils.arguments import KeyValues, positive
from poodle_mm.utils.errors import one_line_errors


def parse_args() -> argparse.Namespace:
    """Arguments as OpenMMLab's other toolboxes have them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('config', help='config file, or the name of one of ours')
    parser.add_argument('--data-root', metavar='DIR', help='folder of the videos; any path or URL')
    parser.add_argument('--work-dir', help='folder for checkpoints, logs and pictures')
    parser.add_argument(
        '--iters',
        type=positive,
        metavar='N',
        help='another length in iterations, schedules in proportion',
    )
    parser.add_argument(
        '--resume',
        nargs='?',
        const='auto',
        metavar='auto|PATH',
        help='go on from a checkpoint; without a path from the last whole one in the work dir',
    )
    parser.add_argument(
        '--amp',
        nargs='?',
        const='bfloat16',
        choices=['bfloat16', 'float16'],
        help='mixed precision; bfloat16 (also on CPUs) unless float16 (GPUs, with a loss scale)',
    )
    parser.add_argument(
        '--auto-scale-lr',
        action='store_true',
        help='scale the learning rate with the total batch',
    )
    parser.add_argument(
        '--logger',
        choices=LOGGERS,
        help='where curves and pictures go besides the work dir (default: as the config says)',
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=KeyValues,
        metavar='KEY=VALUE',
        help='override entries of the config, e.g. model.momentum=0.99',
    )
    parser.add_argument('--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'], default='none')
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0)
    parser.add_argument('--debug', action='store_true', help='show the trace of set-up errors')
    args = parser.parse_args()
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    return args


def main() -> None:
    """Build the runner and train."""
    args = parse_args()
    runner = None

    def in_setup() -> bool:
        return runner is None or runner.message_hub.runtime_info.get('iter', 0) == 0

    with one_line_errors(args.debug, active=in_setup):
        cfg = training_config(
            args.config,
            work_dir=args.work_dir,
            resume=args.resume,
            amp=args.amp,
            auto_scale_lr=args.auto_scale_lr,
            cfg_options=args.cfg_options,
            launcher=args.launcher,
            data_root=args.data_root,
            iters=args.iters,
            logger=args.logger,
        )
        with cpu_ranks(cfg, processes_to_start(cfg)):
            runner = build_runner(cfg)
            runner.train()


if __name__ == '__main__':
    main()
