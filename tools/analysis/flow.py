"""Draw optical flow: estimators side by side, with warp, errors and occlusion.

python tools/analysis/flow.py scenes data/scenes/videos/test --pairs 0 4 --out flow.png \\
    --methods constant dis-medium uflow=work_dirs/uflow_small_clips/iter_4000.pth
python tools/analysis/flow.py first.png second.png --methods dis-medium raft-large --out flow.pdf
python tools/analysis/flow.py video.mp4 --seconds 3 3.5 --methods dis-medium --out flow.png
python tools/analysis/flow.py clips VIDEOS --pairs 0 1 2 --methods raft-large uflow=FILE --together
"""

import argparse

from poodle_mm.datasets.flow_pairs import FLOW_DATA, open_flow_pairs, open_pair
from poodle_mm.evaluation.flow.options import add_flow_options, flow_options
from poodle_mm.evaluation.flow.pictures import write_flow_pictures
from poodle_mm.experiments.figures.flow_maps import write_flow_maps
from poodle_mm.experiments.figures.output import FOLDER
from poodle_mm.registry import register_all_modules
from poodle_mm.utils.arguments import between, not_negative
from poodle_mm.utils.errors import one_line_errors


def main() -> None:
    """Estimate the flow and write the pictures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    two = dict(nargs=2, metavar=('A', 'B'))
    parser.add_argument(
        'source',
        nargs='+',
        help=f'{", ".join(FLOW_DATA)}, and the folder of the data; or two images; or a video',
    )
    add_flow_options(parser, ['zero', 'farneback', 'dis-medium'])
    parser.add_argument('--labels', nargs='+', metavar='NAME', help='names of the rows')
    parser.add_argument(
        '--pairs',
        type=not_negative,
        nargs='+',
        default=[0],
        help='numbers of the pairs (default: 0)',
    )
    parser.add_argument('--frames', type=not_negative, **two, help='video: frames by number')
    parser.add_argument('--seconds', type=float, **two, help='video: frames by time')
    parser.add_argument(
        '--dpi', type=between(10, 1200), default=150, help='pixels per inch, of 14 inches'
    )
    parser.add_argument(
        '--together',
        action='store_true',
        help='all pairs in one figure of frames and flow alone, as in Figure 16, with PDF, CSV '
        'and a line of text',
    )
    parser.add_argument(
        '--out',
        default=FOLDER / 'flow.png',
        metavar='PNG',
        help='picture (or PDF); of several pairs each has its number behind the name',
    )
    parser.add_argument('--debug', action='store_true', help='show the trace of errors')
    args = parser.parse_args()
    options, estimation = flow_options(args)
    data = args.source[0] in FLOW_DATA
    if data and len(args.source) != 2:
        parser.error(f'{args.source[0]} needs the folder of the data, and that alone')
    with one_line_errors(args.debug):
        register_all_modules()
        if data:
            pairs = open_flow_pairs(*args.source, **options)
        else:
            pairs = open_pair(args.source, args.frames, args.seconds)
        arguments = (pairs, args.methods, args.out, args.pairs)
        estimation |= dict(labels=args.labels, dpi=args.dpi)
        if args.together:
            files, text = write_flow_maps(*arguments, **estimation)
            print(text)
            written = dict.fromkeys(files, f'{len(args.pairs)} pairs')
        else:
            written = write_flow_pictures(*arguments, **estimation)
    for path, name in written.items():
        print(f'written to {path}: {name}')


if __name__ == '__main__':
    main()
