"""ViT weights of DINO, iBOT, DoRA or timm to OpenMMLab's names.

python tools/model_converters/vit_to_mmpretrain.py dino_vits16.pth checkpoints/vit-s16.pth
"""

import argparse

from poodle_mm.checkpoints.convert_vit import convert_vit_file
from poodle_mm.utils.errors import one_line_errors


def main() -> None:
    """Convert one file."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('source', help='checkpoint; of several networks in it the teacher is taken')
    parser.add_argument('target', help='file to write')
    parser.add_argument('--debug', action='store_true', help='show the trace of errors')
    args = parser.parse_args()
    with one_line_errors(args.debug):
        print(convert_vit_file(args.source, args.target))


if __name__ == '__main__':
    main()
