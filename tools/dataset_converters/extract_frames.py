"""Extract frames of a tree of videos as JPEGs, for storage that is too slow for videos.

python tools/dataset_converters/extract_frames.py data/bdd100k/videos/train frames/train --every 5
python tools/dataset_converters/extract_frames.py VIDEOS OUT --fps 10 --size 360 640 --workers 16

Run it again after an interruption: finished videos are skipped. Under torchrun or srun, or with
--shard, each process does its part of the videos. Exits with 1 if a video failed.
"""

import argparse
import sys

from poodle_mm.datasets.preparation.frames import FrameChoice, extract_frames
from poodle_mm.utils.arguments import between, positive
from poodle_mm.utils.errors import one_line_errors
from poodle_mm.utils.shards import add_shard_option


def main() -> None:
    """Extract, and say how a config reads the result."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('videos', help='root of the videos')
    parser.add_argument('out', help='folder to write to')
    choice = parser.add_mutually_exclusive_group(required=True)
    choice.add_argument('--fps', type=float, help='frames per second, numbered 0, 1, 2, ...')
    choice.add_argument(
        '--every', type=positive, metavar='N', help="every Nth frame, by video's number"
    )
    parser.add_argument('--size', type=positive, nargs=2, metavar=('H', 'W'), help='resize to')
    parser.add_argument(
        '--quality', type=between(1, 100), default=95, help='of the JPEGs, 1 to 100'
    )
    parser.add_argument('--workers', type=positive, default=1, help='processes')
    add_shard_option(parser)
    parser.add_argument('--debug', action='store_true', help='show the trace of errors')
    args = parser.parse_args()
    with one_line_errors(args.debug):
        size = tuple(args.size) if args.size else None
        wanted = FrameChoice(args.fps, args.every, size, args.quality)
        done = extract_frames(args.videos, args.out, wanted, args.workers, args.shard)
    print(f'{args.out}{args.shard.label}: {done.written} videos written, {done.present} were there')
    if args.fps:
        print(f"read it with source='frames', fps={args.fps:g}, delta in seconds")
    else:
        rates = ', '.join(f'{count} of {rate:g} fps' for rate, count in done.rates.most_common(5))
        print("read it with source='frames', delta in frames as for the videos; fps = the videos'")
        print(f'rates of the videos written now: {rates or "none"}')
    for path, reason in done.failed.items():
        print(f'failed: {path}: {reason}', file=sys.stderr)
    if done.failed:
        print(f'{len(done.failed)} videos could not be read', file=sys.stderr)
        sys.exit(1)


if __name__ == '__main__':
    main()
