"""The paper's scores: copied right, and where they agree and disagree."""

import re
from collections import Counter
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from poodle_mm.catalog import STREET_CLASSES
from poodle_mm.evaluation.class_groups import group_means
from poodle_mm.evaluation.published import (
    EDITIONS,
    PUBLISHED,
    PUBLISHED_ABLATIONS,
    PUBLISHED_CLASSES,
    PUBLISHED_GROUPS,
    Row,
    select,
)
from poodle_mm.evaluation.published_tables import BDD100K_GROUPS

DOCS = Path(__file__).parents[2] / 'docs' / 'downstream.md'
ALL = [
    (suite, row)
    for rows in (PUBLISHED, PUBLISHED_GROUPS, PUBLISHED_CLASSES)
    for suite in rows
    for row in rows[suite]
] + [('bdd100k', row) for rows in PUBLISHED_ABLATIONS.values() for row in rows]


def find(rows: list[Row], method: str, pretrain: str, arch: str = 'R50', **others) -> Row:
    """The only row of a method (and edition, table, epochs)."""
    wanted = dict(method=method, pretrain=pretrain, arch=arch, **others)
    (row,) = (r for r in rows if all(getattr(r, k) == v for k, v in wanted.items()))
    return row


def line(row: Row) -> str:
    """``mIoU/Acc`` or mAP of the readouts in the paper's order, ``–`` where nothing is printed."""
    cells = []
    heavy = 'deeplabv3' if row.method == 'BYOL' else 'upernet'
    for readout in ('linear', heavy):
        pair = (row.scores.get((readout, metric)) for metric in ('miou', 'acc'))
        cells.append('/'.join('–' if value is None else f'{value:.1f}' for value in pair))
    if ('det-fpn', 'map') in row.scores:
        cells.append('/'.join(f'{row.scores[f"det-{kind}", "map"]:.1f}' for kind in ('c4', 'fpn')))
    return ' · '.join(cells)


@pytest.mark.parametrize('row', PUBLISHED_CLASSES['bdd100k'], ids=lambda r: r.method + r.pretrain)
def test_table_6_averages_to_table_3(row):
    """Within 0.1 in every entry, for every method, with Table 7's groups."""
    ids = {
        name: [STREET_CLASSES.index(c) for c in members] for name, members in BDD100K_GROUPS.items()
    }
    scores = np.array([row.scores['linear', name] for name in STREET_CLASSES])
    means = group_means(scores, ids | dict(miou=range(19)))
    groups = find(
        PUBLISHED_GROUPS['bdd100k'], row.method, row.pretrain, row.arch, edition='seed', table=3
    )
    assert len(groups.scores) == 5
    for (_, metric), printed in groups.scores.items():
        assert means[metric] == pytest.approx(printed, abs=0.1), metric


def test_classes_stand_in_their_columns():
    """Table 6 read by the head of its columns, by hand."""
    ours = find(PUBLISHED_CLASSES['bdd100k'], 'PooDLe', 'BDD*').scores
    assert ours['linear', 'sidewalk'] == 56.3 and ours['linear', 'traffic light'] == 35.2
    supervised = find(PUBLISHED_CLASSES['bdd100k'], 'Supervised', 'IN1K').scores
    assert supervised['linear', 'bicycle'] == 36.8 and supervised['linear', 'rider'] == 8.2
    flowe = find(PUBLISHED_CLASSES['bdd100k'], 'FlowE', 'BDD').scores
    assert flowe['linear', 'bus'] == 32.9 and flowe['linear', 'traffic sign'] == 15.9


@pytest.mark.parametrize(
    ('suite', 'edition', 'table', 'row', 'expected'),
    [
        ('bdd100k', 'seed', 1, 'iBOT ViT-S 800 BDD', '27.2/85.4 · 35.5/88.7'),
        ('bdd100k', 'seed', 1, 'PixPro R50 100 BDD', '21.8/80.0 · 37.3/88.0 · 0.7/18.4'),
        ('bdd100k', 'seed', 5, 'PooDLe R50 100 BDD*', '44.7/90.7 · 54.1/92.7 · 3.9/28.0'),
        ('bdd100k', 'seed', 5, 'BYOL R50 1000 IN1K', '28.3/– · 52.4/– · 2.8/26.0'),
        ('bdd100k', 'iclr', None, 'DenseCL R50 100 BDD', '24.2/84.9 · 41.8/90.0 · 0.7/20.3'),
        ('bdd100k', 'talk', None, 'DenseCL R50 100 BDD', '24.2/84.9 · 41.8/90.0'),
        ('bdd100k', 'talk', None, 'Supervised R50 600 IN1K', '36.7/84.7 · 55.2/92.0'),
        ('cityscapes', 'seed', 1, 'DINO ViT-S 300 BDD', '35.1/87.9 · 51.5/91.9'),
        ('cityscapes', 'seed', 5, 'iBOT ViT-S 800 IN1K', '52.1/91.5 · 65.3/94.3'),
        ('cityscapes', 'iclr', None, 'DenseCL R50 100 BDD', '26.6/85.6 · 53.2/91.9'),
        ('ade20k', 'seed', 2, 'DINO ViT-S 100 IN1K', '–/– · 33.9/–'),
        ('ade20k', 'iclr', 2, 'MAE ViT-S - WT-Venice', '7.4/55.1 · 24.1/71.4'),
        ('ade20k', 'iclr', 2, 'DoRA ViT-S - WT-all', '13.9/64.4 · 38.3/79.3'),
        ('wt-sem', 'iclr', 2, 'DINO R50 800 IN1K', '8.8/76.7 · 17.8/87.6'),
        ('wt-sem', 'iclr', 2, 'PixPro R50 - WT-Venice', '3.7/69.3 · 11.5/84.2'),
        ('wt-sem', 'iclr', 2, 'PooDLe R50 20 WT-all', '11.2/81.3 · 17.0/86.9'),
    ],
)
def test_rows_are_those_of_the_paper(suite, edition, table, row, expected):
    method, arch, epochs, pretrain = row.split()
    rows = PUBLISHED[suite]
    assert line(
        find(rows, method, pretrain, arch, epochs=epochs, edition=edition, table=table)
    ) == (expected)


def test_differences_named_in_the_text():
    """What §4.2 and §4.3 say about the tables, in points."""

    def gain(suite, better, worse, readout, metric, rows=PUBLISHED):
        first, second = (
            find(rows[suite], *row, edition='seed', table=table).scores[readout, metric]
            for row, table in (better, worse)
        )
        return pytest.approx(first - second, abs=0.01)

    ours, flowe = (('PooDLe', 'BDD'), 1), (('FlowE', 'BDD'), 1)
    for (readout, metric), points in {
        ('linear', 'miou'): 3.5,
        ('upernet', 'miou'): 2.6,
        ('det-c4', 'map'): 1.7,
        ('det-fpn', 'map'): 1.4,
    }.items():
        assert gain('bdd100k', ours, flowe, readout, metric) == points
    ours, dora = (('PooDLe', 'WT-all'), 2), (('DoRA', 'WT-all', 'ViT-S'), 2)
    assert gain('ade20k', ours, dora, 'linear', 'miou') == 2.6
    assert gain('ade20k', ours, dora, 'upernet', 'miou') == 2.7
    ours, pixpro = (('PooDLe', 'WT-Venice'), 2), (('PixPro', 'WT-Venice'), 2)
    assert gain('ade20k', ours, pixpro, 'upernet', 'miou') == 0.6
    started, supervised = (('PooDLe', 'BDD*'), 3), (('Supervised', 'IN1K'), 3)
    assert gain('bdd100k', started, supervised, 'linear', 'large', PUBLISHED_GROUPS) == 13.9
    table_4 = {row.method: row.scores['linear', 'miou'] for row in PUBLISHED_ABLATIONS['table 4']}
    assert table_4['7'] - table_4['1'] == pytest.approx(5.4)
    assert table_4['7'] - table_4['6'] == pytest.approx(0.5)
    assert table_4['5'] - table_4['1'] == pytest.approx(3.0)


def test_counts():
    """Rows of each table as counted on the page."""
    found = Counter((suite, row.edition, row.table) for suite, row in ALL)
    assert found == {
        ('bdd100k', 'seed', 1): 11,
        ('cityscapes', 'seed', 1): 11,
        ('ade20k', 'seed', 2): 10,
        ('bdd100k', 'seed', 3): 7,
        ('bdd100k', 'seed', 4): 7,
        ('bdd100k', 'seed', 5): 9,
        ('cityscapes', 'seed', 5): 9,
        ('bdd100k', 'seed', 6): 7,
        ('bdd100k', 'iclr', None): 1 + 1 + 4,  # DenseCL and its groups, the area of subcrops
        ('cityscapes', 'iclr', None): 1,
        ('ade20k', 'iclr', 2): 10,
        ('wt-sem', 'iclr', 2): 10,
        ('bdd100k', 'talk', None): 11 + 7,
    }
    assert {row.edition for _, row in ALL} == set(EDITIONS)


def test_sums():
    """All numbers of a table, added up from the sources' text: no digit was copied wrong."""
    sums = Counter()
    for _, row in ALL:
        sums[row.edition, row.table] += sum(row.scores.values())
    expected = {
        ('seed', 1): 5664.4,
        ('seed', 2): 1548.4,
        ('seed', 3): 1050.2,
        ('seed', 4): 631.6,  # without Common
        ('seed', 5): 4625.2,
        ('seed', 6): 4574.9,
        ('iclr', None): 709.9 + 257.3,  # on BDD100K and on Cityscapes
        ('iclr', 2): 1816.9 + 1802.2,  # on ADE20K and on WT-Sem
        ('talk', None): 3707.7,
    }
    assert sums == pytest.approx(expected, abs=0.01)


def test_rows_are_percent_and_appear_once():
    for kind in (PUBLISHED, PUBLISHED_GROUPS, PUBLISHED_CLASSES):
        for rows in kind.values():
            keys = [(r.edition, r.table, r.method, r.arch, r.epochs, r.pretrain) for r in rows]
            assert len(set(keys)) == len(keys)
    for _, row in ALL:
        assert row.scores and all(0 <= value <= 100 for value in row.scores.values())
        for readout, worse, better in (('linear', 'miou', 'acc'), ('upernet', 'miou', 'acc')):
            if {(readout, worse), (readout, better)} <= row.scores.keys():
                assert row.scores[readout, worse] < row.scores[readout, better]


def test_columns_of_the_suites():
    segmentation = {(r, m) for r in ('linear', 'upernet') for m in ('miou', 'acc')}
    columns = {
        'bdd100k': segmentation | {('det-c4', 'map'), ('det-fpn', 'map')},
        'cityscapes': segmentation,
        'ade20k': segmentation,
        'wt-sem': segmentation,
    }
    assert PUBLISHED.keys() == columns.keys()
    for suite, rows in PUBLISHED.items():
        assert set().union(*(r.scores for r in rows if r.method != 'BYOL')) == columns[suite]
        for row in rows:  # what is left out: detection of ViTs and in the talk, and single cells
            if row.arch == 'R50' and row.edition != 'talk' and row.method != 'BYOL':
                assert row.scores.keys() == columns[suite]
    byol = find(PUBLISHED['cityscapes'], 'BYOL', 'IN1K').scores
    assert byol == {('linear', 'miou'): 39.9, ('deeplabv3', 'miou'): 60.3}  # no UperNet
    groups = {('linear', name) for name in ('miou', 'small', 'large', 'rare', 'common')}
    assert all(row.scores.keys() == groups for row in PUBLISHED_GROUPS['bdd100k'])
    classes = {('linear', name) for name in STREET_CLASSES}
    assert all(row.scores.keys() == classes for row in PUBLISHED_CLASSES['bdd100k'])


def test_disagreements_are_those_of_the_docs():
    """Scores that differ between rows of one run: all of them stand in the docs, no others."""
    found = {}
    rows = [(s, r) for kind in (PUBLISHED, PUBLISHED_GROUPS) for s in kind for r in kind[s]]
    for (suite, a), (other, b) in combinations(rows, 2):
        if suite != other or not a.same_run(b):
            continue
        for readout, metric in a.scores.keys() & b.scores.keys():
            if a.scores[readout, metric] != b.scores[readout, metric]:
                key = (f'{a.method} {a.arch}, {a.pretrain}', suite, readout, metric)
                for row in (a, b):
                    by_edition = found.setdefault(key, {})
                    by_edition.setdefault(row.edition, set()).add(row.scores[readout, metric])
    documented = {}
    section = DOCS.read_text(encoding='utf-8').split('| row | suite |')[1].split('\n\n')[0]
    for text in section.splitlines()[2:]:
        name, suite, readout, metric, *values = (
            cell.strip() for cell in text.strip('|').split('|')
        )
        numbers = [re.sub(r'\(.*?\)', '', cell) for cell in values]
        documented[name, suite, readout, {'All': 'miou'}.get(metric, metric.lower())] = {
            edition: {float(n) for n in cell.split(',')}
            for edition, cell in zip(EDITIONS, numbers, strict=True)
        }
    assert len(found) == 3
    assert found == documented


def test_two_models_with_the_same_four_scores():
    """Table 5 prints Cityscapes of the supervised ResNet-50 for the supervised ViT-S, too."""
    same = {
        frozenset((f'{a.method} {a.arch}', f'{b.method} {b.arch}'))
        for rows in PUBLISHED.values()
        for a, b in combinations(rows, 2)
        if a[:2] != b[:2]
        and sum(a.scores[c] == b.scores[c] for c in a.scores.keys() & b.scores.keys()) > 3
    }
    assert same == {frozenset(('Supervised R50', 'Supervised ViT-S'))}


def test_select_by_hand():
    """Repeated rows once, under their first source; rows that differ below each other."""
    columns = [('linear', 'miou')]

    def row(epochs, table, edition, **scores):
        scores = {('linear', metric): value for metric, value in scores.items()}
        return Row('A', 'R50', epochs, 'BDD', table, scores, edition)

    first = row('100', 1, 'seed', miou=10.0, acc=50.0)
    other = first._replace(method='B')
    again = row('-', 2, 'iclr', miou=10.0)
    differs = row('100', None, 'talk', miou=11.0)
    longer = row('300', 1, 'seed', miou=12.0)
    empty = row('100', 5, 'seed', acc=51.0)
    rows = [first, other, again, differs, longer, empty]
    assert select(rows, columns) == [first, differs, other, longer]
    assert select(rows, columns, 'iclr') == [again]
    assert select(rows, [('upernet', 'miou')]) == []
    assert first.source == 'Table 1, arXiv 2024' and differs.source == 'talk'
    with pytest.raises(ValueError, match="unknown edition 'neurips': take one of"):
        select(rows, columns, 'neurips')
