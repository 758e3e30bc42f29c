"""IoU of each class from results of readouts, against means by hand and the paper's tables."""

import csv
import statistics

import pytest

from poodle_mm.evaluation.class_scores import read_class_scores, score
from poodle_mm.evaluation.published import PUBLISHED_CLASSES, PUBLISHED_GROUPS
from poodle_mm.experiments.figures.class_iou import write_class_iou
from poodle_mm.utils.files import write_json
from tests.test_datasets.test_preparation.tools import run_main

GROUPS = dict(small=['pole'], large=['road', 'car'], rare=['pole'], common=['road', 'car'])


def save(folder, values, readout='linear', seed=0, groups=GROUPS, **reported):
    """A readout's folder: result and config."""
    folder = folder / f'{readout}_s{seed}'
    folder.mkdir(parents=True)
    per_class = dict(zip(('road', 'car', 'pole'), values))
    metrics = dict(miou=50.0, per_class=per_class, **reported)
    write_json(folder / 'result.json', dict(key='k', metrics=metrics))
    text = f"test_evaluator = dict(type='ClassGroupIoU', groups={groups!r})\nx = print()\n"
    (folder / 'linear_r50-d8_scenes.py').write_text(text)
    return folder


@pytest.fixture
def runs(tmp_path):
    """Two seeds of A, of which the second has nothing to score for pole; one of B."""
    save(tmp_path / 'a0' / 'readout' / 'x', (80, 40, 10), large=60.0)
    save(tmp_path / 'a1' / 'readout' / 'x', (70, 20, None), seed=1)
    save(tmp_path / 'b', (90, 60, 5))
    save(tmp_path / 'b', (1, 1, 1), readout='upernet')
    return tmp_path


def test_seeds_by_hand(runs):
    scores = read_class_scores([f'A={runs}/a0', f'A={runs}/a1', f'{runs}/b'])
    assert {name: len(own) for name, own in scores.runs.items()} == {'A': 2, 'b': 1}
    road, pole = scores.of_class('A', 'road'), scores.of_class('A', 'pole')
    assert (road.mean, road.std) == (75, pytest.approx(statistics.stdev([80, 70])))
    assert (pole.mean, pole.std, pole.values) == (10, None, (10,))
    # the mean of each seed over the classes that it scores, then over the seeds
    assert scores.of_group('A', 'all').mean == pytest.approx(((80 + 40 + 10) / 3 + 45) / 2)
    assert scores.of_group('A', 'large').values == (60, 45)
    assert scores.of_group('b', 'small').mean == 5 and score([None]).mean is None


def test_a_table_says_the_same(runs):
    """``<suite>.json`` of an evaluation, with the groups of the folders beside it."""
    folder = save(runs / 'scenes' / 'A', (80, 40, 10))
    metrics = dict(miou=43.33, per_class=dict(road=80, car=40, pole=10))
    entry = dict(name='A', seed=0, readout='linear', metrics=metrics)
    write_json(runs / 'scenes.json', dict(suite='scenes', results=[entry]))
    table = read_class_scores([f'{runs}/scenes.json'])
    assert table.of_class('A', 'car') == read_class_scores([f'A={folder}']).of_class('A', 'car')
    assert table.groups == GROUPS


def test_what_does_not_fit_is_refused(runs):
    with pytest.raises(FileNotFoundError, match="no result of the readout 'det-fpn'"):
        read_class_scores([f'{runs}/b'], 'det-fpn')
    with pytest.raises(ValueError, match='named twice'):
        read_class_scores([f'A={runs}/b', f'B={runs}/b'])
    save(runs / 'c', (80, 40, 10), large=70.0)
    with pytest.raises(ValueError, match='over the large classes is 60'):
        read_class_scores([f'{runs}/c'])
    save(runs / 'd', (80, 40, 10), groups=None)
    with pytest.raises(ValueError, match='groups of the classes are unknown'):
        read_class_scores([f'{runs}/d'])
    groups = dict(classes=['road', 'car', 'pole'], groups=dict(small=[2], large=[0, 1]))
    write_json(runs / 'groups.json', groups)
    scores = read_class_scores([f'{runs}/d'], groups=runs / 'groups.json')
    assert scores.of_group('d', 'large').mean == 60 and scores.groups['rare'] == []


def test_means_of_the_papers_rows_are_those_of_its_table_3(tmp_path):
    """Table 6 averaged over the groups of Table 7, within the rounding of both."""
    classes = [name for _, name in PUBLISHED_CLASSES['bdd100k'][0].scores]
    folder = save(tmp_path / 'a', (1, 1, 1)).parent
    content = dict(metrics=dict(miou=50.0, per_class=dict.fromkeys(classes, 50.0)))
    write_json(folder / 'linear_s0' / 'result.json', content)
    (folder / 'linear_s0' / 'linear_r50-d8_scenes.py').write_text(
        "test_evaluator = dict(groups='bdd100k')"
    )
    write_class_iou(tmp_path / 'out', [str(folder)], paper=['all'])
    with open(tmp_path / 'out.csv', newline='') as file:
        rows = [*csv.DictReader(file)]
    found = {(row['run'], row['name']): row['mean'] for row in rows}
    checked = 0
    for row in PUBLISHED_GROUPS['bdd100k']:
        if row.source != 'Table 3, arXiv 2024':
            continue
        for (_, group), value in row.scores.items():
            name = f'paper: {row.method} {row.arch}, {row.pretrain}'
            own = found[name, 'all' if group == 'miou' else group]
            assert float(own) == pytest.approx(value, abs=0.1)
            checked += 1
    assert checked == 35
    assert found['a', 'small'] == '50.0'


def test_paper_has_other_classes(runs):
    with pytest.raises(ValueError, match='19 classes of BDD100K'):
        write_class_iou(runs / 'out', [f'{runs}/b'], paper=['PooDLe'])


def test_script(runs, tmp_path, monkeypatch, capsys, repo):
    tool = repo / 'tools' / 'analysis' / 'class_iou.py'
    arguments = [f'A={runs}/a0', f'A={runs}/a1', f'B={runs}/b', '--out', tmp_path / 'bars']
    code, out, _ = run_main(tool, *arguments, monkeypatch=monkeypatch, capsys=capsys)
    assert code == 0 and 'B: all 51.7, small 5.0, large 75.0' in out
    with open(tmp_path / 'bars.csv', newline='') as file:
        rows = {(row['run'], row['name']): row for row in csv.DictReader(file)}
    assert float(rows['A', 'road']['mean']) == 75 and rows['A', 'pole']['groups'] == 'small rare'
    assert len(rows) == 2 * (3 + 5)
