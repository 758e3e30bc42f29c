"""Settings side by side, a dot a seed, from the log of runs."""

import csv
import runpy
import sys

import numpy as np
import pytest

from poodle_mm.experiments.figures.seeds import seeds_figure
from poodle_mm.utils.files import write_json
from poodle_mm.visualization.seed_dots import draw_seeds


def run(name: str, seed: int, split: str = 'test', **metrics) -> dict:
    """A run of the log, with one readout; without metrics one that failed."""
    readouts = [dict(suite='scenes', split=split, readout='linear', metrics=metrics)]
    readouts = readouts if metrics else []
    return dict(name=f'{name}_s{seed}', seed=seed, state='done', stats={}, readouts=readouts)


@pytest.fixture
def log(tmp_path):
    precision = dict(pixel_precision=dict(all=30.0, small=3.0))
    runs = [
        run('out/scenes/a', 0, miou=10.0, small=1.0, **precision),
        run('out/scenes/a', 1, miou=14.0, small=2.0),
        run('out/scenes/a', 2),
        run('out/scenes/a', 3, 'val', miou=50.0),
        run('out/scenes/b', 0, miou=20.0, small=None),
    ]
    write_json(tmp_path / 'runs.json', runs)
    return tmp_path / 'runs.json'


def test_every_seed_of_the_split(log, tmp_path):
    rows = {'A': 'out/scenes/a', 'B': 'out/scenes/b'}
    panels = [('linear', 'miou'), ('linear', 'small'), ('linear', 'ap-small'), ('linear', 'ap')]
    files, text = seeds_figure(log, rows, panels, tmp_path / 'x')
    with open(files[2], newline='') as file:
        found = [(r['panel'], r['row'], r['seed'], float(r['score'])) for r in csv.DictReader(file)]
    assert found == [
        ('All, linear', 'A', '0', 10), ('All, linear', 'A', '1', 14), ('All, linear', 'B', '0', 20),
        ('Small, linear', 'A', '0', 1), ('Small, linear', 'A', '1', 2),
        ('AP Small, linear', 'A', '0', 3), ('AP, linear', 'A', '0', 30),
    ]  # fmt: skip
    assert 'All, linear: A 12.0 ± 2.8, B 20.0. Small, linear: A 1.5 ± 0.7, B –.' in text


def test_what_is_not_there_is_named(log, tmp_path):
    with pytest.raises(
        ValueError, match=r"'out/scenes/A'; it has these readouts of .*out/scenes/a"
    ):
        seeds_figure(log, {'A': 'out/scenes/A'}, [('linear', 'miou')], tmp_path / 'x')
    with pytest.raises(ValueError, match='none of linear:small'):  # B has no small classes
        seeds_figure(log, {'B': 'out/scenes/b'}, [('linear', 'small')], tmp_path / 'x')
    with pytest.raises(FileNotFoundError, match='writes it'):
        seeds_figure(tmp_path / 'none.json', {}, [('linear', 'miou')], tmp_path / 'x')
    for content in ('[1', '{}', '[{"name": "a"}]', '[1]'):
        log.write_text(content)
        with pytest.raises(ValueError, match=r'runs\.json is (damaged|no log)'):
            seeds_figure(log, {'A': 'out/scenes/a'}, [('linear', 'miou')], tmp_path / 'x')
    assert not [*tmp_path.glob('x.*')]


def test_dots_means_and_deviations():
    figure = draw_seeds({'All': {'A': [1.0, 3.0], 'none': [], 'B': [5.0]}, 'Small': {'B': [0.5]}})
    first, second = figure.axes
    dots = [line.get_xydata() for line in first.lines if line.get_marker() == 'o']
    np.testing.assert_array_equal(np.concatenate(dots), [[1, 0], [3, 0], [5, 2]])
    dashed, deviation, mean = (line.get_xdata() for line in first.lines[:3])
    assert [*dashed] == [2, 2] and [*mean] == [2, 2]
    np.testing.assert_allclose(deviation, [2 - 2**0.5, 2 + 2**0.5])
    assert [label.get_text() for label in first.get_yticklabels()] == ['A', 'none', 'B']
    assert first.get_ylim()[0] > first.get_ylim()[1]  # the first row is the upper one
    assert [*second.lines[0].get_xydata()[0]] == [0.5, 2]  # no dashed line: A was not measured


def test_command(log, tmp_path, repo, monkeypatch, capsys):
    args = ['seeds.py', str(log), 'A=out/scenes/a', '--out', str(tmp_path / 'y'), '--panels']
    monkeypatch.setattr(sys, 'argv', [*args, 'linear:miou'])
    runpy.run_path(str(repo / 'tools/analysis/seeds.py'), run_name='__main__')
    assert (tmp_path / 'y.png').is_file() and 'A 12.0 ± 2.8' in capsys.readouterr().out
    for panel in ('linear', 'linear:iou', 'linea:miou'):
        monkeypatch.setattr(sys, 'argv', [*args, panel])
        with pytest.raises(SystemExit, match='2'):
            runpy.run_path(str(repo / 'tools/analysis/seeds.py'), run_name='__main__')
        assert panel in capsys.readouterr().err
