"""Estimate the flow of all training pairs once and write it for LoadCachedFlow.

Both directions, on the full frames or, with --size, on smaller ones; float16 is 7.4 MB a pair at
1280 x 720. Run it again after an interruption: pairs that are there are skipped. Under torchrun or
srun, or with --shard, each process does its part of the items.
"""

import argparse

from poodle_mm.datasets.flow_cache import SUFFIXES, FlowStorage
from poodle_mm.engine.config import load_config
from poodle_mm.flow.write_cache import cache_training_flow
from poodle_mm.utils.arguments import KeyValues, not_negative, positive
from poodle_mm.utils.errors import one_line_errors
from poodle_mm.utils.shards import add_shard_option


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config', help='config of the training run')
    parser.add_argument('out', help='folder of the cache')
    parser.add_argument('--epochs', type=positive, required=True, help='epochs of the training run')
    parser.add_argument(
        '--estimator',
        nargs='+',
        action=KeyValues,
        help="estimator, e.g. type=RAFTFlow num_updates=20 (default: the config's)",
    )
    parser.add_argument(
        '--format',
        choices=SUFFIXES,
        default='float16',
        help="float16, or png16: KITTI's PNG, 1/128 pixel off, below 512 pixels (default: float16)",
    )
    parser.add_argument(
        '--size',
        type=positive,
        nargs=2,
        metavar=('H', 'W'),
        help='size at which flow is estimated and kept (default: the frames as they are)',
    )
    parser.add_argument('--num-workers', type=not_negative, default=0, help='processes that decode')
    parser.add_argument('--cfg-options', nargs='+', action=KeyValues, help='override the config')
    add_shard_option(parser)
    parser.add_argument('--debug', action='store_true', help='show the trace of errors')
    args = parser.parse_args()
    with one_line_errors(args.debug):
        cfg = load_config(args.config, args.cfg_options)
        storage = FlowStorage(args.format, args.size and tuple(args.size))
        done = cache_training_flow(
            cfg, args.out, args.epochs, args.estimator, args.num_workers, args.shard, storage
        )
    counts = f'{done["written"]} pairs written, {done["present"]} were there'
    print(f'{args.out}{args.shard.label}: {counts}')


if __name__ == '__main__':
    main()
