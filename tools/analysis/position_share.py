"""Share of the features' variance that the place in the image explains, for each checkpoint.

python tools/analysis/position_share.py A.pth B.pth --images data/camvid/images/val --size 96 192
"""

import argparse
from pathlib import Path

from tqdm import tqdm

from poodle_mm.apis import dense_features, load_encoder
from poodle_mm.datasets.files import IMAGE_EXTENSIONS
from poodle_mm.geometry.position_share import position_share
from poodle_mm.utils.errors import one_line_errors


def main() -> None:
    """Print a line for each checkpoint and map."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('checkpoints', nargs='+')
    parser.add_argument('--images', required=True, type=Path, help='folder of images')
    parser.add_argument('--size', type=int, nargs=2, metavar=('H', 'W'), help='resize to')
    parser.add_argument('--debug', action='store_true', help='show the trace of errors')
    args = parser.parse_args()
    with one_line_errors(args.debug):
        files = sorted(f for f in args.images.rglob('*') if f.suffix.lower() in IMAGE_EXTENSIONS)
        if not files:
            raise FileNotFoundError(f'{args.images} has no images')
        for checkpoint in args.checkpoints:
            whole = load_encoder(checkpoint)
            parts = {'encoder': load_encoder(checkpoint, with_sdm=False)}
            if whole.neck is not None:
                parts['encoder + SDM'] = whole
            for name, encoder in parts.items():
                maps = dense_features(encoder, files, tuple(args.size) if args.size else None)
                share = position_share(tqdm(maps, total=len(files), leave=False))
                print(f'{checkpoint}\t{name}\t{share:.3f}', flush=True)


if __name__ == '__main__':
    main()
