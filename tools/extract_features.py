"""Write the dense features of an image, a folder of images or a video.

Call it again after an interruption: it goes on. Under torchrun or srun, or with --shard, each
process does its part of the files.
"""

import argparse

from poodle_mm.apis.store import extract_features
from poodle_mm.utils.arguments import positive
from poodle_mm.utils.errors import one_line_errors
from poodle_mm.utils.shards import add_shard_option


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('checkpoint', help='checkpoint or published file')
    parser.add_argument(
        'source', metavar='input', help='image, folder of images, video, or URL of one'
    )
    parser.add_argument('--out', required=True, help='folder of the feature files')
    parser.add_argument(
        '--sdm',
        dest='with_sdm',
        action=argparse.BooleanOptionalAction,
        help='with the spatial decoder, or without (default: if there is one)',
    )
    parser.add_argument('--weights', choices=['online', 'ema'], default='online')
    parser.add_argument('--size', type=positive, nargs=2, metavar=('H', 'W'), help='resize to')
    parser.add_argument('--batch-size', type=positive, default=8)
    parser.add_argument('--step', type=positive, default=1, help='every n-th frame of a video')
    parser.add_argument('--half', action='store_true', help='store float16')
    parser.add_argument('--memory-map', action='store_true', help='one .npy for a video')
    parser.add_argument('--pca', action='store_true', help='also draw the features as colours')
    parser.add_argument('--device', help='default: the GPU, if there is one')
    add_shard_option(parser)
    parser.add_argument('--debug', action='store_true', help='show the trace of errors')
    args = vars(parser.parse_args())
    with one_line_errors(args.pop('debug')):
        count = extract_features(**args)
        print(f'{args["out"]}{args["shard"].label}: features of {count} images or frames')


if __name__ == '__main__':
    main()
