"""What the paper's Table 4 and the figures of its §4.4 compare. Data only: a row is a config."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

SCRATCH = None


@dataclass(frozen=True)
class Variant:
    """A row of a table, or a point of a figure.

    Attributes:
        key: Short name, by which it is asked for.
        label: What the table calls it.
        method: First part of the config's name, or ``SCRATCH``: random weights.
        settings: What differs from that config: ``size`` (H, W), ``area``, ``num_subcrops``,
            ``subcrop_area``, ``delta`` (steps, see ``DataSetting.delta_step``).
        paper: What the paper prints, percent: ``miou``, ``small``, ``large``, ``rare``.
        needs: File without which it cannot run.
    """

    key: str
    label: str
    method: str | None
    settings: Mapping[str, Any] = field(default_factory=dict)
    paper: Mapping[str, float] = field(default_factory=dict)
    needs: str | None = None


@dataclass(frozen=True)
class Study:
    """A table or a figure's panel.

    Attributes:
        name: Such as ``'table4'`` or ``'figure5a'``.
        title: In words.
        variants: Rows or points.
        x: The setting on a figure's horizontal axis; None for a table.
        x_label: Its name.
        line: The setting that tells a figure's lines apart; None: the variants' labels.
        groups: Whether the figure shows the class groups Small and Large, too.
    """

    name: str
    title: str
    variants: tuple[Variant, ...]
    x: str | None = None
    x_label: str = ''
    line: str | None = None
    groups: bool = False


def _paper(*values: float) -> dict[str, float]:
    # The printed Common column contradicts All and Rare, so it is left out.
    return dict(zip(('miou', 'small', 'large', 'rare'), values, strict=True))


TABLE_4 = Study(
    'table4',
    'Table 4: components',
    (
        Variant('scratch', 'Scratch', SCRATCH),
        Variant('byol', 'BYOL, on frames', 'byol'),
        Variant('densecl', 'DenseCL, on frames', 'densecl'),
        Variant('1', '1 FlowE (dense, dilated)', 'flowe', paper=_paper(28.8, 8.7, 40.5, 1.8)),
        Variant('2', '2 dense + pool, dilated', 'dilated', paper=_paper(28.9, 7.2, 41.6, 2.2)),
        Variant(
            '3', '3 decoder without laterals', 'no-laterals', paper=_paper(30.3, 6.8, 44.0, 4.3)
        ),
        Variant('4', '4 laterals without blocks', 'no-blocks', paper=_paper(30.3, 10.9, 41.7, 2.4)),
        Variant(
            '5', '5 dense only, whole decoder', 'dense-only', paper=_paper(31.8, 12.8, 42.8, 8.3)
        ),
        Variant(
            '6',
            '6 PooDLe, flow from UFlow',
            'uflow',
            paper=_paper(33.7, 14.1, 45.1, 8.9),
            needs='checkpoints/uflow_bdd100k.pth',
        ),
        Variant('7', '7 PooDLe', 'poodle', paper=_paper(34.2, 15.0, 45.5, 9.0)),
    ),
)

BASE_AREA = (0.125, 0.25)
BASE_SIZE = (256, 512)
_AREAS = ((0.05, 0.25), (0.25, 0.5), (0.5, 0.75), (0.75, 1.0))
_SUBCROP_AREAS = ((0.02, 0.1), (0.1, 0.2), (0.2, 0.3), (0.3, 0.5))  # the paper prints none (ours)
# Size, crop area and subcrop area that keep the pixel density (source pixels per input pixel) and
# the content of a subcrop.
_DENSITY = (
    ((192, 384), (0.07, 0.14), (0.05, 0.3)),
    ((256, 512), BASE_AREA, (0.05, 0.3)),
    ((320, 640), (0.195, 0.39), (0.032, 0.192)),
    ((384, 768), (0.281, 0.563), (0.022, 0.133)),
)
_METHODS = {
    'poodle': 'PooDLe',
    'dense-only': 'dense only',
    'pooled-only': 'pooled only',
    'flowe': 'FlowE',
}


FIGURE_5A = Study(
    'figure5a',
    'Figure 5a: global crop area',
    tuple(
        Variant(
            f'5a-{size[0]}-{area[0]}',
            'PooDLe',
            'poodle',
            dict(size=size, area=area),
        )
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
        Variant(
            f'5b-{area[0]}',
            'PooDLe',
            'poodle',
            dict(size=BASE_SIZE, area=BASE_AREA, subcrop_area=area),
        )
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
        Variant(
            f'5c-{method}-{size[0]}',
            label,
            method,
            dict(size=size, area=area, subcrop_area=subcrop_area),
        )
        for method, label in _METHODS.items()
        for size, area, subcrop_area in _DENSITY
    ),
    x='size',
    x_label='crop size (pixels)',
)
FIGURE_7 = Study(
    'figure7',
    'Figure 7: number of subcrop pairs',
    tuple(Variant(f'7-{k}', 'PooDLe', 'poodle', dict(num_subcrops=k)) for k in (0, 3, 6, 9)),
    x='num_subcrops',
    x_label='K',
)
FIGURE_9 = Study(
    'figure9',
    'Figure 9: distance of the frames',
    tuple(Variant(f'9-{15 * n}', 'PooDLe', 'poodle', dict(delta=n)) for n in (0, 1, 2, 3)),
    x='delta',
    x_label='Δt',
)
STUDIES = {
    'table 4': (TABLE_4,),
    'figure 5': (FIGURE_5A, FIGURE_5B, FIGURE_5C),
    'figure 7': (FIGURE_7,),
    'figure 9': (FIGURE_9,),
}
