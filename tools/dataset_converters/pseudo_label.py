"""Label frames of videos with a model of MMSegmentation: a WT-Sem of one's own videos.

python tools/dataset_converters/pseudo_label.py VIDEOS OUT --every 2 --model CONFIG CHECKPOINT
python tools/dataset_converters/pseudo_label.py a.mp4 b.mp4 walks/ OUT --model CONFIG CHECKPOINT \\
    --val rome torun

Writes images/{train,val}/VIDEO/NUMBER.jpg, annotations/{train,val}/VIDEO/NUMBER.png (0 = other,
class i as i + 1) and pseudo_labels.json. Run it again after an interruption: labelled frames are
skipped. Exits with 1 if a video failed.
"""

import argparse
import sys
from collections import Counter

from poodle_mm.datasets.preparation.frames import find_videos
from poodle_mm.datasets.preparation.labelled_frames import (
    LabelledFrames,
    label_videos,
    split_videos,
)
from poodle_mm.utils.arguments import between
from poodle_mm.utils.errors import one_line_errors


def main() -> None:
    """Label, and say how to go on."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('videos', nargs='+', help='video files and roots of trees of them')
    parser.add_argument('out', help='folder to write to')
    parser.add_argument(
        '--model',
        nargs=2,
        required=True,
        metavar=('CONFIG', 'CHECKPOINT'),
        help="a segmentation model's config of MMSegmentation (or ours) and its weights",
    )
    parser.add_argument(
        '--every', type=float, default=2.0, metavar='SECONDS', help='between frames (default: 2)'
    )
    split = parser.add_mutually_exclusive_group()
    split.add_argument('--val', nargs='+', metavar='NAME', help='videos for validation')
    split.add_argument('--val-share', type=float, default=0.2, help='or their share (default: 0.2)')
    parser.add_argument('--png', action='store_true', help='lossless images instead of JPEGs')
    parser.add_argument(
        '--quality', type=between(1, 100), default=95, help='of the JPEGs, 1 to 100'
    )
    parser.add_argument('--device', help='default: a GPU if there is one')
    parser.add_argument('--debug', action='store_true', help='show the trace of errors')
    args = parser.parse_args()
    with one_line_errors(args.debug):
        frames = LabelledFrames(args.every, '.png' if args.png else '.jpg', args.quality)
        videos = find_videos(args.videos)
        splits = split_videos(list(videos), args.val, args.val_share)
        from poodle_mm.evaluation.segmentation.labeller import SegmentorLabeller  # takes seconds

        labeller = SegmentorLabeller(*args.model, device=args.device)
        done = label_videos(
            videos, args.out, frames, splits, labeller, labeller.classes, labeller.facts
        )
    numbers = Counter(splits.values())
    print(
        f'{args.out}: {numbers["train"]} videos for training, {numbers["val"]} for validation; '
        f'{done.written["train"]} + {done.written["val"]} frames labelled, '
        f'{done.present} were there'
    )
    print(f'check it with: python tools/check_data.py wt-sem {args.out}')
    for path, reason in done.failed.items():
        print(f'failed: {path}: {reason}', file=sys.stderr)
    if done.failed:
        print(f'{len(done.failed)} videos could not be read', file=sys.stderr)
        sys.exit(1)


if __name__ == '__main__':
    main()
