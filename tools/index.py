"""Build the index of a tree of videos that training reads, by one process or by many.

poodle-mm index data/bdd100k/videos/train
srun -n 64 poodle-mm index VIDEOS --clips           # or torchrun, or --shard 0/64 to --shard 63/64

Each process writes its part beside the index, and the last one joins them. Call it again after an
interruption: what is there is not looked at again. --clips also keeps the times of all frames, for
source='clips'. Training takes the index, and parts that nobody has joined.
"""

import argparse

from poodle_mm.datasets.video.index import build_index, index_path
from poodle_mm.datasets.video.index_file import parts_of
from poodle_mm.utils.errors import one_line_errors
from poodle_mm.utils.shards import add_shard_option


def main() -> None:
    """Build the index, or a part of it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('data_root', help='root of the videos (data_prefix included)')
    parser.add_argument('--clips', action='store_true', help="for source='clips'")
    parser.add_argument('--out', help="the data set's index_cache (default: in the tree)")
    add_shard_option(parser)
    parser.add_argument('--debug', action='store_true', help='show the trace of errors')
    args = parser.parse_args()
    with one_line_errors(args.debug):
        index = build_index(args.data_root, args.out, args.clips, args.shard)
        path = index_path(args.data_root, args.out, args.clips)
    hours = index.videos.columns['duration'].sum() / 3600
    print(f'{args.data_root}{args.shard.label}: {len(index.videos)} files, {hours:.2f} hours')
    for name, reason in list(index.bad.items())[:5]:
        print(f'    cannot be used: {name} ({reason})')
    if len(index.bad) > 5:
        print(f'    ... and {len(index.bad) - 5} more')
    waiting = len(parts_of(path))
    print(f'{path}: {waiting} of {args.shard.count} parts so far' if waiting else f'{path}: whole')


if __name__ == '__main__':
    main()
