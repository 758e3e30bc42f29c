"""The paper's tables as printed, percent; :mod:`poodle_mm.evaluation.published` reads them.

A line is method, architecture, epochs, data of the pretraining, then a score a column; ``-`` is
not printed (of the later paper: not known). ``BDD*`` started from ImageNet weights.
"""

from typing import NamedTuple


class Table(NamedTuple):
    """A table of one edition.

    Attributes:
        edition: ``'seed'``, ``'iclr'`` or ``'talk'``.
        number: Number of the table; None where there is none (the talk) or we do not know it.
        columns: (suite, readout, metric); None for a column that is not read.
        text: Lines of the table.
    """

    edition: str
    number: int | None
    columns: list[tuple[str, str, str] | None]
    text: str


def _segmentation(suite: str) -> list[tuple[str, str, str]]:
    return [(suite, readout, metric) for readout in ('linear', 'upernet') for metric in _MIOU_ACC]


def _rows(table: str, methods: str) -> str:
    """Lines of some methods, for another table that prints them with the same numbers."""
    return ''.join(line for line in table.splitlines(True) if line.split(' ')[0] in methods.split())


def _linear(*metrics: str) -> list[tuple[str, str, str]]:
    return [('bdd100k', 'linear', metric) for metric in metrics]


_MIOU_ACC = ('miou', 'acc')
_DETECTION = [('bdd100k', 'det-c4', 'map'), ('bdd100k', 'det-fpn', 'map')]
_MAIN = [*_segmentation('bdd100k'), *_DETECTION, *_segmentation('cityscapes')]
_BYOL = [
    (suite, 'deeplabv3' if readout == 'upernet' else readout, metric)
    for suite, readout, metric in _MAIN
]
_WALKING_TOURS = [*_segmentation('ade20k'), *_segmentation('wt-sem')]
_GROUPS = _linear('miou', 'small', 'large', 'rare', 'common')

# Readouts. Columns of Tables 1 and 5: BDD100K linear and UperNet (mIoU, Acc), detection C4 and FPN
# (mAP), Cityscapes linear and UperNet. Of Table 2: ADE20K linear and fine-tuned.
_TABLE_1 = """
Scratch        R50   -    -    9.7 55.0 26.1 81.2 0.0 7.7   9.8 58.0 30.7 84.1
DenseCL        R50   800  BDD  21.3 82.6 46.9 91.4 0.9 23.4 25.1 84.8 57.2 93.0
FlowE          R50   100  BDD  35.7 88.5 47.3 91.5 3.2 23.8 43.1 89.5 57.7 93.1
PixPro         R50   100  BDD  21.8 80.0 37.3 88.0 0.7 18.4 25.5 81.0 44.3 89.5
DINO           R50   100  BDD  13.1 64.7 25.6 80.3 0.3 11.9 14.9 69.4 29.2 81.4
DINO           ViT-S 300  BDD  29.6 86.8 41.1 90.1 - -      35.1 87.9 51.5 91.9
iBOT           ViT-S 800  BDD  27.2 85.4 35.5 88.7 - -      32.0 86.2 44.0 90.3
DoRA           ViT-S 200  BDD  33.2 88.1 43.3 90.7 - -      37.4 88.7 50.8 92.0
PooDLe         R50   100  BDD  39.2 89.2 49.9 91.8 4.9 25.2 47.2 90.2 60.7 93.5
Supervised     R50   600  IN1K 36.7 84.7 55.2 92.0 3.6 24.9 46.8 87.4 63.4 93.7
PooDLe         R50   100  BDD* 44.7 90.7 54.1 92.7 3.9 28.0 52.0 91.5 65.1 94.4
"""
_TABLE_2 = """
DINO           R50   800  IN1K      15.7 61.5 43.0 80.5
DINO           ViT-S 100  IN1K      - -       33.9 -
PixPro         R50   100  WT-Venice 4.6 48.6  36.0 77.6
DINO           R50   100  WT-Venice 6.9 48.2  35.7 77.4
DINO           ViT-S 100  WT-Venice 7.8 57.7  29.2 74.7
iBOT           ViT-S 100  WT-Venice - -       33.9 -
DoRA           ViT-S 100  WT-Venice 14.1 63.5 35.2 77.7
PooDLe         R50   20   WT-Venice 14.6 59.0 36.6 77.9
DoRA           ViT-S 100  WT-all    13.9 64.4 38.3 79.3
PooDLe         R50   20   WT-all    16.5 63.9 41.0 79.6
"""
_TABLE_5 = """
DenseCL        R50   200  IN1K 21.3 82.7 52.8 91.6 0.3 25.0 27.3 84.0 63.7 93.7
Supervised     ViT-S 300  IN1K 41.9 88.5 50.9 91.4 - -      46.8 87.4 63.4 93.7
DINO           ViT-S 800  IN1K 38.5 88.1 52.3 92.0 - -      47.1 90.3 63.6 94.0
iBOT           ViT-S 800  IN1K 44.4 89.6 54.2 92.2 - -      52.1 91.5 65.3 94.3
""" + _rows(_TABLE_1, 'Scratch PooDLe Supervised')
# Taken from FlowE; DeepLab v3 in UperNet's place, says the caption of Table 5.
_TABLE_5_BYOL = """
BYOL           R50   1000 IN1K 28.3 -    52.4 -    2.8 26.0 39.9 -    60.3 -
"""
_ICLR_MAIN = """
DenseCL        R50   100  BDD  24.2 84.9 41.8 90.0 0.7 20.3 26.6 85.6 53.2 91.9
"""
# ADE20K linear and fine-tuned, WT-Sem linear and fine-tuned.
_ICLR_TABLE_2 = """
DINO           R50   800  IN1K      15.7 61.5 43.0 80.5  8.8 76.7  17.8 87.6
DINO           ViT-S -    WT-Venice 7.8 57.7  29.2 74.7  4.6 73.7  11.0 83.0
MAE            ViT-S -    WT-Venice 7.4 55.1  24.1 71.4  4.3 72.6  8.9 81.5
DoRA           ViT-S -    WT-Venice 14.1 63.5 35.2 77.7  6.2 76.9  13.6 85.7
DINO           R50   -    WT-Venice 6.9 48.2  35.7 77.4  4.2 69.0  12.3 84.7
PixPro         R50   -    WT-Venice 4.6 48.6  36.0 77.6  3.7 69.3  11.5 84.2
PooDLe         R50   20   WT-Venice 14.6 59.0 36.6 77.9  6.4 75.7  13.7 85.4
MAE            ViT-S -    WT-all    10.6 60.4 31.4 75.9  6.6 77.7  12.7 85.2
DoRA           ViT-S -    WT-all    13.9 64.4 38.3 79.3  7.8 79.4  15.9 87.5
PooDLe         R50   20   WT-all    16.5 63.9 41.0 79.6  11.2 81.3 17.0 86.9
"""
_TALK_MAIN = _ICLR_MAIN + _rows(_TABLE_1, 'Scratch DINO iBOT DoRA PixPro FlowE PooDLe Supervised')

# All, Small, Large, Rare, Common. Architectures are not printed here and in Table 6: those of the
# row of Table 1 with the same mIoU.
_TABLE_3 = """
DINO       ViT-S - BDD  29.6 8.4 42.0 1.0 42.8
DenseCL    R50   - BDD  21.7 1.6 33.4 0.0 31.7
DoRA       ViT-S - BDD  33.2 11.9 45.6 2.8 47.3
FlowE      R50   - BDD  35.7 12.2 49.3 10.7 47.2
PooDLe     R50   - BDD  39.2 18.3 51.4 12.0 51.8
Supervised R50   - IN1K 36.7 27.2 42.2 16.1 46.2
PooDLe     R50   - BDD* 44.7 25.2 56.1 17.9 57.1
"""
_ICLR_GROUPS = """
DenseCL    R50   - BDD  24.2 1.6 37.4 0.0 35.4
"""
_TALK_GROUPS = _ICLR_GROUPS + _rows(_TABLE_3, 'DINO DoRA FlowE PooDLe Supervised')

# Area (mean share of the pixels of the images that contain the class) and presence (share of the
# images that contain it).
_TABLE_7 = """
road          22.0 96.5
sky           18.2 94.8
building      15.0 88.4
vegetation    14.4 91.7
car            8.4 97.3
bus            3.7 15.0
fence          3.4 30.6
truck          3.2 30.5
wall           3.1 15.4
sidewalk       3.1 66.7
terrain        2.8 36.7
train          2.1 0.7
pole           1.0 95.0
bicycle        0.8 6.4
person         0.7 34.7
motorcycle     0.6 3.8
traffic sign   0.5 75.3
rider          0.4 5.2
traffic light  0.4 47.1
"""
# IoU per class, classes as in Table 7.
_TABLE_6 = """
DINO       ViT-S - BDD  88.6 93.0 72.3 77.3 73.7 0.8 11.7 5.3 5.1 38.5 37.5 0 8.1 0 19.6 0 13.4 0 17.7
DenseCL    R50   - BDD  82.0 88.2 68.3 72.6 63.0 0 1.5 0.5 0 17.7 7.2 0 0.3 0 0.1 0 1.1 0 9.4
DoRA       ViT-S - BDD  89.9 93.6 75.4 79.9 76.6 5.1 17.9 11.0 10.8 44.6 42.7 0 13.3 0.7 25.2 0 20.5 0 23.9
FlowE      R50   - BDD  90.6 92.9 75.8 79.6 80.8 32.9 23.5 22.7 15.3 45.7 32.4 0 12.9 11.8 28.7 4.1 15.9 0 12.1
PooDLe     R50   - BDD  91.3 93.5 77.0 80.4 81.7 34.0 29.4 24.3 17.2 49.6 38.1 0 24.3 18.0 35.2 2.9 26.6 0 21.2
Supervised R50   - IN1K 79.8 88.8 70.0 77.2 72.6 24.9 21.8 14.4 7.2 18.4 31.8 0 22.8 36.8 40.2 19.5 31.8 8.2 31.2
PooDLe     R50   - BDD* 92.6 94.0 80.3 82.2 84.8 54.7 34.9 33.4 17.8 56.3 42.2 0 25.7 27.1 41.5 7.7 39.0 0.1 35.2
"""  # noqa: E501

# Ablations: the first word is the row's number, or the range that is varied.
# All, Small, Large, Rare, Common. The printed Common contradicts All and Rare: it is not read.
_TABLE_4 = """
1 R50 40 BDD 28.8 8.7 40.5 1.8 29.2
2 R50 40 BDD 28.9 7.2 41.6 2.2 28.7
3 R50 40 BDD 30.3 6.8 44.0 4.3 30.2
4 R50 40 BDD 30.3 10.9 41.7 2.4 31.1
5 R50 40 BDD 31.8 12.8 42.8 8.3 31.7
6 R50 40 BDD 33.7 14.1 45.1 8.9 33.8
7 R50 40 BDD 34.2 15.0 45.5 9.0 34.5
"""
# Small, Large, All over the area of subcrops. All is no mean of 7 small and 12 large classes here.
_ICLR_SUBCROP_AREA = """
0.04-0.18 R50 40 BDD 16.0 41.6 34.6
0.18-0.36 R50 40 BDD 14.2 41.2 33.7
0.36-0.54 R50 40 BDD 13.6 39.5 32.4
0.54-1.0  R50 40 BDD 12.3 38.8 31.5
"""

_CLASSES = [
    (name, float(area), float(presence))
    for name, area, presence in (line.rsplit(maxsplit=2) for line in _TABLE_7.strip().splitlines())
]
BDD100K_GROUPS = dict(
    small=[name for name, area, _ in _CLASSES if area <= 1],
    large=[name for name, area, _ in _CLASSES if area > 1],
    rare=[name for name, _, presence in _CLASSES if presence <= 20],
    common=[name for name, _, presence in _CLASSES if presence > 20],
)

READOUT_TABLES = (
    Table('seed', 1, _MAIN, _TABLE_1),
    Table('seed', 5, _BYOL, _TABLE_5_BYOL),
    Table('seed', 5, _MAIN, _TABLE_5),
    Table('seed', 2, _segmentation('ade20k'), _TABLE_2),
    Table('iclr', None, _MAIN, _ICLR_MAIN),
    Table('iclr', 2, _WALKING_TOURS, _ICLR_TABLE_2),
    Table('talk', None, [*_MAIN[:4], *[None] * 6], _TALK_MAIN),
)
GROUP_TABLES = (
    Table('seed', 3, _GROUPS, _TABLE_3),
    Table('iclr', None, _GROUPS, _ICLR_GROUPS),
    Table('talk', None, _GROUPS, _TALK_GROUPS),
)
CLASS_TABLES = (Table('seed', 6, _linear(*(name for name, _, _ in _CLASSES)), _TABLE_6),)
TABLE_4 = Table('seed', 4, [*_GROUPS[:-1], None], _TABLE_4)
SUBCROP_AREA = Table('iclr', None, _linear('small', 'large', 'miou'), _ICLR_SUBCROP_AREA)
