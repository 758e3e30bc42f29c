"""Rows of the paper's Table 4, points of the figures of its §4.4, and sources of flow. Data only.

The figures in two editions: the first version (arXiv 2024) and the later one (ICLR 2025).
"""

from dataclasses import replace

from poodle_mm.evaluation.published import PUBLISHED_ABLATIONS
from poodle_mm.experiments.ablations.study import SCRATCH, Study, Variant
from poodle_mm.experiments.ablations.vit_study import VIT

_LABELS = {
    'poodle': 'PooDLe',
    'dense-only': 'dense only',
    'pooled-only': 'pooled only',
    'flowe': 'FlowE',
}


def _paper(study: str, row: str) -> dict[str, float]:
    """Scores that the paper prints for a row: metric to percent."""
    (found,) = (r for r in PUBLISHED_ABLATIONS[study] if r.method == row)
    return {metric: value for (_, metric), value in found.scores.items()}


def _row(number: str, label: str, method: str) -> Variant:
    return Variant(number, f'{number} {label}', method, paper=_paper('table 4', number))


def _point(key: str, method: str = 'poodle', paper: dict | None = None, **settings) -> Variant:
    return Variant(key, _LABELS[method], method, settings, paper or {})


TABLE_4 = Study(
    'table4',
    'Table 4: components',
    (
        Variant('scratch', 'Scratch', SCRATCH),
        Variant('byol', 'BYOL, on frames', 'byol'),
        Variant('densecl', 'DenseCL, on frames', 'densecl'),
        _row('1', 'FlowE (dense, dilated)', 'flowe'),
        _row('2', 'dense + pool, dilated', 'dilated'),
        _row('3', 'decoder without laterals', 'no-laterals'),
        _row('4', 'laterals without blocks', 'no-blocks'),
        _row('5', 'dense only, whole decoder', 'dense-only'),
        Variant('pooled', 'pooled only', 'pooled-only'),
        _row('6', 'PooDLe, flow from UFlow', 'uflow'),
        _row('7', 'PooDLe', 'poodle'),
    ),
)

BASE_AREA = (0.125, 0.25)
BASE_SIZE = (256, 512)
_AREAS = ((0.05, 0.25), (0.25, 0.5), (0.5, 0.75), (0.75, 1.0))
# By height and smallest area, §4.4.
_BEST = {(256, 0.05): dict(miou=34.0), (384, 0.25): dict(miou=34.4)}
# Printed in the later version only.
_SUBCROP_AREAS = ((0.04, 0.18), (0.18, 0.36), (0.36, 0.54), (0.54, 1.0))
# Size, crop area and subcrop area that keep the pixel density (source pixels per input pixel) and
# the content of a subcrop.
_DENSITY = (
    ((192, 384), (0.07, 0.14), (0.05, 0.3)),
    ((256, 512), BASE_AREA, (0.05, 0.3)),
    ((320, 640), (0.195, 0.39), (0.032, 0.192)),
    ((384, 768), (0.281, 0.563), (0.022, 0.133)),
)
_CROP_MEANS = {
    (128, 256): (0.05, 0.125, 0.2, 0.275, 0.425, 0.725),
    (256, 512): (0.05, 0.125, 0.2, 0.275, 0.425, 0.725),
    (512, 1024): (0.125, 0.275, 0.425, 0.725),
}

FIGURE_5A = Study(
    'figure5a',
    'Figure 5a: global crop area',
    tuple(
        _point(f'5a-{size[0]}-{area[0]}', size=size, area=area, paper=_BEST.get((size[0], area[0])))
        for size in (BASE_SIZE, (384, 768))
        for area in _AREAS
    ),
    x='area',
    x_label='crop area (share of the frame)',
    line='size',
)
FIGURE_5B = Study(
    'figure5b',
    'Figure 5b: subcrop area',
    tuple(
        _point(f'5b-{area[0]}', size=BASE_SIZE, area=BASE_AREA, subcrop_area=area)
        for area in _SUBCROP_AREAS
    ),
    x='subcrop_area',
    x_label='subcrop area (share of the crop)',
    groups=True,
)
FIGURE_5C = Study(
    'figure5c',
    'Figure 5c: resolution at fixed pixel density',
    tuple(
        _point(f'5c-{method}-{size[0]}', method, size=size, area=area, subcrop_area=subcrop_area)
        for method in _LABELS
        for size, area, subcrop_area in _DENSITY
    ),
    x='size',
    x_label='crop size (pixels)',
)
FIGURE_7 = Study(
    'figure7',
    'Figure 7: number of subcrop pairs',
    tuple(_point(f'7-{k}', num_subcrops=k) for k in (0, 3, 6, 9)),
    x='num_subcrops',
    x_label='K',
)
FIGURE_9 = Study(
    'figure9',
    'Figure 9: distance of the frames',
    tuple(_point(f'9-{15 * n}', delta=n) for n in (0, 1, 2, 3)),
    x='delta',
    x_label='Δt',
)

FIGURE_5A_ICLR = Study(
    'figure5a-iclr',
    'Global crop area and size (ICLR 2025)',
    tuple(
        # Where the normal is truncated is not printed (ours).
        _point(f'5a-{size[0]}-{mean}', size=size, area=(0.02, 1.0), area_mean=mean, area_std=0.1)
        for size, means in _CROP_MEANS.items()
        for mean in means
    ),
    x='area_mean',
    x_label='mean crop area (share of the frame)',
    line='size',
)
FIGURE_5B_ICLR = replace(
    FIGURE_5B,
    name='figure5b-iclr',
    title='Subcrop area (ICLR 2025)',
    variants=tuple(
        replace(v, paper=_paper('subcrop area', '{}-{}'.format(*v.settings['subcrop_area'])))
        for v in FIGURE_5B.variants
    ),
)
FIGURE_9_ICLR = replace(
    FIGURE_9,
    name='figure9-iclr',
    title='Distance of the frames (ICLR 2025)',
    variants=tuple(_point(f'9-{n}', delta=n / 15) for n in (0, 8, 15, 30, 45)),
)

# Not the paper's. Shares runs with Table 4: row 7, whose flow is from DIS on these data, and row 6.
FLOW = Study(
    'flow',
    'PooDLe with flow from different sources',
    (
        Variant('dis', 'PooDLe, DIS', 'poodle'),
        Variant('uflow', 'PooDLe, UFlow without labels', 'uflow'),
        Variant('small', 'PooDLe, DIS from the UFlow of the package', 'uflow-small'),
        Variant('exact', 'PooDLe, exact flow', 'poodle', exact=True),
    ),
    data=('scenes', 'camvid'),
)

# Not the paper's. Row 1 and row 7 are Table 4's, with the runs of its.
METHODS = Study(
    'methods',
    'Methods under one budget',
    (
        Variant('scratch', 'Scratch', SCRATCH),
        Variant('byol', 'BYOL', 'byol'),
        Variant('densecl', 'DenseCL', 'densecl'),
        Variant('pixpro', 'PixPro', 'pixpro'),
        Variant('dino', 'DINO', 'dino', arch='r18'),
        Variant('flowe', 'FlowE', 'flowe'),
        Variant('poodle', 'PooDLe', 'poodle'),
        Variant('guided', 'PooDLe, motion-guided subcrops', 'motion-subcrops'),
        Variant('scratch-vit', 'Scratch, ViT', SCRATCH, arch='vit-xs8', like='dino'),
        Variant('dino-vit', 'DINO, ViT', 'dino', arch='vit-xs8'),
        Variant('ibot', 'iBOT, ViT', 'ibot', arch='vit-xs8'),
        Variant('dora', 'DoRA, ViT', 'dora', arch='vit-xs8'),
        Variant('mae', 'MAE, ViT', 'mae', arch='vit-xs8'),
        Variant('poodle-vit', 'PooDLe, ViT', 'poodle', arch='vit-xs8'),
    ),
    data=('scenes', 'camvid'),
    costs=True,
)

# The paper's future work, under rules of ours.
MOTION = Study(
    'motion',
    'Motion-guided subcrops',
    (
        Variant('alike', 'PooDLe, cells alike', 'poodle'),
        Variant('guided', 'PooDLe, motion-guided subcrops', 'motion-subcrops'),
        Variant('exact', 'the same with exact flow, cells alike', 'poodle', exact=True),
        Variant('guided-exact', 'motion-guided, exact flow', 'motion-subcrops', exact=True),
    ),
    data=('scenes', 'camvid'),
)

# Whether place solves the dense objective: both views show one crop of the two frames.
POSITION = Study(
    'position',
    'Dense views at one place, or mirrored and shifted each on its own',
    (
        Variant('1', '1 FlowE', 'flowe'),
        Variant('5', '5 dense only', 'dense-only'),
        Variant('7', '7 PooDLe', 'poodle'),
        Variant('1-shifted', '1 FlowE, shifted', 'flowe-shifted'),
        Variant('5-shifted', '5 dense only, shifted', 'dense-only-shifted'),
        Variant('7-shifted', '7 PooDLe, shifted', 'poodle-shifted'),
        Variant('1-reflect', '1 FlowE, reflected borders', 'flowe-reflect'),
        Variant('7-reflect', '7 PooDLe, reflected borders', 'poodle-reflect'),
    ),
    data=('scenes-cells', 'camvid-cells'),
)

STUDIES = {
    'table 4': (TABLE_4,),
    'flow': (FLOW,),
    'methods': (METHODS,),
    'motion': (MOTION,),
    'position': (POSITION,),
    'vit': (VIT,),
    'figure 5': (FIGURE_5A, FIGURE_5B, FIGURE_5C),
    'figure 7': (FIGURE_7,),
    'figure 9': (FIGURE_9,),
}
#: The studies of each edition; Table 4 and Figure 7 of the later one are not known to differ.
EDITIONS = {
    'seed': STUDIES,
    'iclr': {'figure 5': (FIGURE_5A_ICLR, FIGURE_5B_ICLR), 'figure 9': (FIGURE_9_ICLR,)},
}


def studies_of(study: str, edition: str = 'seed') -> tuple[Study, ...]:
    """The parts of a table, a figure (``'figure 5'``), ``'flow'`` or ``'methods'``, in an edition.

    Raises:
        ValueError: If the edition has no such study of its own.
    """
    if study not in EDITIONS[edition]:
        raise ValueError(
            f'{study}: --edition {edition} has only {", ".join(EDITIONS[edition])} of its own; '
            'leave --edition away'
        )
    return EDITIONS[edition][study]
