"""The rows of the paper's Tables 1, 2, 3 and 5 (percent), to stand beside ours."""

from typing import NamedTuple


class Row(NamedTuple):
    """A row of the paper.

    Attributes:
        method, arch, epochs, pretrain: As printed; ``*`` = started from ImageNet weights.
        table: Where it is printed; tables differ in places, see ``docs/downstream.md``.
        scores: ``(readout, metric)`` to percent; what is not printed is left out.
    """

    method: str
    arch: str
    epochs: str
    pretrain: str
    table: int
    scores: dict[tuple[str, str], float]


_BDD = [('linear', 'miou'), ('linear', 'acc'), ('upernet', 'miou'), ('upernet', 'acc')]
_DET = [('det-c4', 'map'), ('det-fpn', 'map')]
_TABLES_1_AND_5 = """
1 Scratch        R50   -    -    9.7 55.0 26.1 81.2 0.0 7.7   9.8 58.0 30.7 84.1
1 DenseCL        R50   800  BDD  21.3 82.6 46.9 91.4 0.9 23.4 25.1 84.8 57.2 93.0
1 FlowE          R50   100  BDD  35.7 88.5 47.3 91.5 3.2 23.8 43.1 89.5 57.7 93.1
1 PixPro         R50   100  BDD  21.8 80.0 37.3 88.0 0.7 18.4 25.5 81.0 44.3 89.5
1 DINO           R50   100  BDD  13.1 64.7 25.6 80.3 0.3 11.9 14.9 69.4 29.2 81.4
1 DINO           ViT-S 300  BDD  29.6 86.8 41.1 90.1 - -      35.1 87.9 51.5 91.9
1 iBOT           ViT-S 800  BDD  27.2 85.4 35.5 88.7 - -      32.0 86.2 44.0 90.3
1 DoRA           ViT-S 200  BDD  33.2 88.1 43.3 90.7 - -      37.4 88.7 50.8 92.0
1 PooDLe         R50   100  BDD  39.2 89.2 49.9 91.8 4.9 25.2 47.2 90.2 60.7 93.5
1 Supervised     R50   600  IN1K 36.7 84.7 55.2 92.0 3.6 24.9 46.8 87.4 63.4 93.7
1 PooDLe         R50   100  BDD* 44.7 90.7 54.1 92.7 3.9 28.0 52.0 91.5 65.1 94.4
5 BYOL           R50   1000 IN1K 28.3 -    52.4 -    2.8 26.0 39.9 -    60.3 -
5 DenseCL        R50   200  IN1K 21.3 82.7 52.8 91.6 0.3 25.0 27.3 84.0 63.7 93.7
5 Supervised     ViT-S 300  IN1K 41.9 88.5 50.9 91.4 - -      46.8 87.4 63.4 93.7
5 DINO           ViT-S 800  IN1K 38.5 88.1 52.3 92.0 - -      47.1 90.3 63.6 94.0
5 iBOT           ViT-S 800  IN1K 44.4 89.6 54.2 92.2 - -      52.1 91.5 65.3 94.3
"""
_TABLE_2 = """
2 DINO           R50   800  IN1K      15.7 61.5 43.0 80.5
2 DINO           ViT-S 100  IN1K      - -       33.9 -
2 PixPro         R50   100  WT-Venice 4.6 48.6  36.0 77.6
2 DINO           R50   100  WT-Venice 6.9 48.2  35.7 77.4
2 DINO           ViT-S 100  WT-Venice 7.8 57.7  29.2 74.7
2 iBOT           ViT-S 100  WT-Venice - -       33.9 -
2 DoRA           ViT-S 100  WT-Venice 14.1 63.5 35.2 77.7
2 PooDLe         R50   20   WT-Venice 14.6 59.0 36.6 77.9
2 DoRA           ViT-S 100  WT-all    13.9 64.4 38.3 79.3
2 PooDLe         R50   20   WT-all    16.5 63.9 41.0 79.6
"""
_GROUPS = ('miou', 'small', 'large', 'rare', 'common')
_TABLE_3 = """
3 DINO       ViT-S - BDD  29.6 8.4 42.0 1.0 42.8
3 DenseCL    R50   - BDD  21.7 1.6 33.4 0.0 31.7
3 DoRA       ViT-S - BDD  33.2 11.9 45.6 2.8 47.3
3 FlowE      R50   - BDD  35.7 12.2 49.3 10.7 47.2
3 PooDLe     R50   - BDD  39.2 18.3 51.4 12.0 51.8
3 Supervised R50   - IN1K 36.7 27.2 42.2 16.1 46.2
3 PooDLe     R50   - BDD* 44.7 25.2 56.1 17.9 57.1
"""


def _rows(text: str, columns: list) -> list[Row]:
    rows = []
    for line in text.strip().splitlines():
        table, method, arch, epochs, pretrain, *values = line.split()
        scores = {c: float(v) for c, v in zip(columns, values, strict=True) if v != '-' and c}
        rows.append(Row(method, arch, epochs, pretrain, int(table), scores))
    return rows


#: Rows of the main tables by suite.
PUBLISHED = dict(
    bdd100k=_rows(_TABLES_1_AND_5, [*_BDD, *_DET, None, None, None, None]),
    cityscapes=_rows(_TABLES_1_AND_5, [None] * 6 + _BDD),
    ade20k=_rows(_TABLE_2, _BDD),
)
#: Rows of Table 3: groups of classes, linear readout on BDD100K.
PUBLISHED_GROUPS = dict(bdd100k=_rows(_TABLE_3, [('linear', name) for name in _GROUPS]))
