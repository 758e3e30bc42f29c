"""A checkpoint of PooDLe's authors as an MMEngine checkpoint of ours.

python tools/model_converters/poodle_release.py checkpoint-100.pth checkpoints/poodle_bdd.pth

To go on with their training, name the config under which:

python tools/model_converters/poodle_release.py checkpoint-100.pth work_dirs/run/epoch_100.pth \\
    --config configs/poodle_r50_bdd_release.py
"""

import argparse

from poodle_mm.checkpoints.convert_release import convert_release
from poodle_mm.utils.arguments import positive
from poodle_mm.utils.errors import one_line_errors


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('source', help="the authors' file, of PooDLe or FlowE")
    parser.add_argument('target', help='file to write')
    parser.add_argument('--config', help='training config to resume under')
    parser.add_argument(
        '--steps-per-epoch',
        type=positive,
        help="updates an epoch (default: by the optimizer's count)",
    )
    parser.add_argument('--debug', action='store_true', help='show the trace of errors')
    args = parser.parse_args()
    with one_line_errors(args.debug):
        print(convert_release(args.source, args.target, args.config, args.steps_per_epoch))


if __name__ == '__main__':
    main()
