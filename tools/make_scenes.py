"""Make a set of synthetic driving scenes: videos, labelled images, boxes, exact flow on demand.

python tools/make_scenes.py data/scenes --train 64 --val 12 --test 12 --workers 2
python tools/make_scenes.py --preview scenes.png
"""

import argparse

from poodle_mm.catalog import CATALOG
from poodle_mm.utils.arguments import not_negative, positive
from poodle_scenes import count_boxes, draw_preview, write_scenes


def main() -> None:
    """Make the scenes and count their boxes."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    facts = CATALOG['scenes']
    parser.add_argument('root', nargs='?', default=facts.root, help='folder (%(default)s)')
    parser.add_argument('--train', type=not_negative, default=64, help='training scenes')
    parser.add_argument('--val', type=not_negative, default=12, help='validation scenes')
    parser.add_argument('--test', type=not_negative, default=12, help='test scenes')
    parser.add_argument('--size', type=positive, nargs=2, default=(288, 512), metavar=('H', 'W'))
    parser.add_argument('--fps', type=float, default=facts.fps)
    parser.add_argument('--seconds', type=float, default=4.0, help='length of a scene')
    parser.add_argument(
        '--labelled', type=not_negative, default=4, help='labelled frames per scene'
    )
    parser.add_argument('--seed', type=not_negative, default=0)
    parser.add_argument('--workers', type=positive, default=1, help='processes')
    parser.add_argument('--preview', metavar='PNG', help='only draw a picture of two scenes')
    args = parser.parse_args()
    if args.preview:
        draw_preview(args.preview)
        return
    root = write_scenes(
        args.root,
        dict(train=args.train, val=args.val, test=args.test),
        size=tuple(args.size),
        num_frames=round(args.seconds * args.fps),
        fps=args.fps,
        labelled_frames=args.labelled,
        seed=args.seed,
        workers=args.workers,
    )
    for path in sorted((root / 'annotations').glob('*.json')):
        counts = count_boxes(path)
        each = ', '.join(f'{name} {count}' for name, count in counts.items())
        print(f'{path.stem}: {sum(counts.values())} boxes ({each})')


if __name__ == '__main__':
    main()
