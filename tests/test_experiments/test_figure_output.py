"""Files of an analysis."""

import csv

import cv2
import pytest
from matplotlib.figure import Figure

from poodle_mm.experiments.figures.output import write_analysis


def figure() -> Figure:
    figure = Figure(figsize=(2, 1))
    figure.subplots().plot([0, 1], [1, 0])
    return figure


@pytest.mark.parametrize('name', ['toy', 'toy.png', 'v1.5'])
def test_four_files_of_one_name(tmp_path, name):
    rows = [dict(area=0.1, hit=20.0), dict(area=0.2, hit=30.5)]
    files = write_analysis(tmp_path / 'new' / name, figure(), rows, 'Twice the area.')
    stem = name.removesuffix('.png')
    assert [file.name for file in files] == [
        f'{stem}.{end}' for end in ('png', 'pdf', 'csv', 'txt')
    ]
    assert cv2.imread(str(files[0])).std() > 0 and files[1].read_bytes().startswith(b'%PDF')
    with open(files[2], newline='') as file:
        assert [{k: float(v) for k, v in row.items()} for row in csv.DictReader(file)] == rows
    assert files[3].read_text() == 'Twice the area.\n'
    assert len([*(tmp_path / 'new').iterdir()]) == 4


def test_rows_of_other_columns_leave_no_csv(tmp_path):
    with pytest.raises(ValueError, match='row 1'):
        write_analysis(tmp_path / 'toy', figure(), [dict(a=1), dict(b=2)], '')
    assert not (tmp_path / 'toy.csv').exists()


def test_nothing_measured(tmp_path):
    with pytest.raises(ValueError, match='nothing was measured'):
        write_analysis(tmp_path / 'toy', figure(), [], '')
