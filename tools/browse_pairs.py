"""Look at what a config would train on, before training: a contact sheet and a verdict.

python tools/browse_pairs.py configs/demo/poodle_r18_scenes.py
python tools/browse_pairs.py configs/poodle_r50_videos.py --data-root VIDEOS --flow dis
python tools/browse_pairs.py configs/byol/byol_r18_camvid_128x128.py --num 24 --stats 500

Takes any config of a pretraining: of pairs with their flow, of views of images, of clips. The draws
are those of epoch 0, by the config's own data set, sampler and preprocessor.
"""

import argparse

from poodle_mm.evaluation.flow.methods import ESTIMATORS
from poodle_mm.experiments.browse_pairs import browse_pairs
from poodle_mm.utils.arguments import KeyValues, positive
from poodle_mm.utils.errors import one_line_errors


def main() -> None:
    """Draw, measure, and print the verdict."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config', help='config file, or the name of one of ours')
    parser.add_argument('--data-root', metavar='DIR', help='folder of the data; any path or URL')
    parser.add_argument('--num', type=positive, default=12, help='draws on the sheet (default: 12)')
    parser.add_argument(
        '--stats', type=positive, default=200, help='draws to measure (default: 200)'
    )
    parser.add_argument(
        '--flow',
        metavar='NAME[=FILE]',
        help=f"flow in place of the config's: dis, {', '.join(ESTIMATORS)}; =FILE: weights",
    )
    parser.add_argument('--device', help='default: a GPU if there is one')
    parser.add_argument('--out', metavar='DIR', help='default: work_dirs/browse/CONFIG')
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=KeyValues,
        metavar='KEY=VALUE',
        help='override the config',
    )
    parser.add_argument('--debug', action='store_true', help='show the trace of errors')
    args = parser.parse_args()
    with one_line_errors(args.debug):
        files, lines = browse_pairs(
            args.config,
            args.out,
            data_root=args.data_root,
            num=args.num,
            stats=args.stats,
            flow=args.flow,
            cfg_options=args.cfg_options,
            device=args.device,
        )
    print(*lines, sep='\n')
    for path in files:
        print(f'written to {path}')


if __name__ == '__main__':
    main()
