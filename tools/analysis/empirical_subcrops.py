"""What random subcrops of labelled images show, against the pixels: the empirical simulation.

python tools/analysis/empirical_subcrops.py camvid data/camvid
python tools/analysis/empirical_subcrops.py bdd100k data/bdd100k --images 1000 --seed 1
python tools/analysis/empirical_subcrops.py ade20k data/ade/ADEChallengeData2016 \\
    --background wall building sky floor tree ceiling road grass sidewalk earth

Appendix C, Figures 10b (STEM.png) and 11 (STEM_classes.png).
"""

import argparse
from dataclasses import fields

from poodle_mm.datasets.label_files import LABELLED
from poodle_mm.evaluation.empirical_subcrops import DRAWS, SubcropDraws
from poodle_mm.experiments.figures.empirical_subcrops import write_empirical_subcrops
from poodle_mm.experiments.figures.output import FOLDER
from poodle_mm.utils.arguments import not_negative, positive
from poodle_mm.utils.errors import one_line_errors

_HELP = dict(
    crops='global crops an image',
    crop_area='their areas, of the image',
    subcrops='subcrops a crop',
    area='their areas, of the crop',
    aspect='their widths over heights',
    hit='least share of a class in a subcrop that hits it',
    foreground='share of foreground above which a subcrop has a foreground class',
)


def main() -> None:
    """Simulate, print the lines and the files."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('data', choices=list(LABELLED))
    parser.add_argument('root', help='root of the data')
    parser.add_argument('--split', default='train')
    parser.add_argument('--images', type=positive, help='at most so many images, evenly spread')
    for field in fields(DRAWS):
        several = dict(nargs=2, type=float) if isinstance(field.default, tuple) else {}
        parser.add_argument(
            f'--{field.name.replace("_", "-")}',
            default=field.default,
            help=f'{_HELP[field.name]} (default: {field.default})',
            **several or dict(type=type(field.default)),
        )
    parser.add_argument('--background', nargs='+', metavar='CLASS', help="default: the street's")
    parser.add_argument('--seed', type=not_negative, default=0)
    parser.add_argument('--out', default=FOLDER / 'empirical_subcrops', metavar='STEM')
    parser.add_argument('--debug', action='store_true', help='show the trace of errors')
    args = parser.parse_args()
    with one_line_errors(args.debug):
        chosen = {field.name: getattr(args, field.name) for field in fields(SubcropDraws)}
        draws = SubcropDraws(
            **{k: tuple(v) if isinstance(v, list) else v for k, v in chosen.items()}
        )
        text, files = write_empirical_subcrops(
            args.data,
            args.root,
            args.out,
            args.split,
            args.images,
            draws,
            args.background,
            args.seed,
        )
    print(text)
    for file in files:
        print(f'written to {file}')


if __name__ == '__main__':
    main()
