"""Draw optical flow: estimators side by side, with warp, errors and occlusion.

python tools/analysis/flow.py scenes data/scenes/videos/test --pairs 0 4 --out flow.png \\
    --methods constant dis-medium uflow=work_dirs/uflow_small_clips/iter_4000.pth
python tools/analysis/flow.py first.png second.png --methods dis-medium raft-large --out flow.pdf
python tools/analysis/flow.py video.mp4 --seconds 3 3.5 --methods dis-medium --out flow.png
"""

import argparse

import torch

from poodle_mm.datasets.flow_pairs import FLOW_DATA, open_flow_pairs, open_pair
from poodle_mm.evaluation.flow.methods import NAMES
from poodle_mm.evaluation.flow.pictures import write_flow_pictures
from poodle_mm.registry import register_all_modules
from poodle_mm.utils.errors import one_line_errors


def main() -> None:
    """Estimate the flow and write the pictures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    size, two = dict(type=int, nargs=2, metavar=('H', 'W')), dict(nargs=2, metavar=('A', 'B'))
    parser.add_argument(
        'source',
        nargs='+',
        help=f'{", ".join(FLOW_DATA)}, and the folder of the data; or two images; or a video',
    )
    parser.add_argument(
        '--methods',
        nargs='+',
        default=['zero', 'farneback', 'dis-medium'],
        metavar='NAME[=FILE]',
        help=f'{", ".join(NAMES)}; =FILE: weights (default: %(default)s)',
    )
    parser.add_argument('--labels', nargs='+', metavar='NAME', help='names of the rows')
    parser.add_argument(
        '--pairs', type=int, nargs='+', default=[0], help='numbers of the pairs (default: 0)'
    )
    parser.add_argument('--frames', type=int, **two, help='video: frames by number')
    parser.add_argument('--seconds', type=float, **two, help='video: frames by time')
    parser.add_argument(
        '--delta', type=float, nargs=2, metavar=('MIN', 'MAX'), help='scenes, clips: pair distance'
    )
    parser.add_argument('--delta-unit', choices=['frames', 'seconds'], default='frames')
    parser.add_argument('--size', **size, help='resize the frames (default: as they are)')
    parser.add_argument('--work-size', **size, help='size at which the estimators work')
    parser.add_argument('--threads', type=int, help="torch's threads (default: all cores)")
    parser.add_argument('--device', default='cpu')
    parser.add_argument('--dpi', type=int, default=150, help='pixels per inch, of 14 inches')
    parser.add_argument(
        '--out',
        required=True,
        metavar='PNG',
        help='picture (or PDF); of several pairs each has its number behind the name',
    )
    parser.add_argument('--debug', action='store_true', help='show the trace of errors')
    args = parser.parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    data = args.source[0] in FLOW_DATA
    if data and len(args.source) != 2:
        parser.error(f'{args.source[0]} needs the folder of the data, and that alone')
    options = {}
    if args.delta:
        options = dict(delta=tuple(args.delta), delta_unit=args.delta_unit)
    with one_line_errors(args.debug):
        register_all_modules()
        if data:
            pairs = open_flow_pairs(*args.source, **options)
        else:
            pairs = open_pair(args.source, args.frames, args.seconds)
        written = write_flow_pictures(
            pairs,
            args.methods,
            args.out,
            args.pairs,
            size=args.size,
            work_size=args.work_size,
            labels=args.labels,
            device=args.device,
            dpi=args.dpi,
        )
    for path, name in written.items():
        print(f'written to {path}: {name}')


if __name__ == '__main__':
    main()
