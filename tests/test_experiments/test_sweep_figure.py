"""Figures 5, 7 and 9 from hand-made reports in the format of tools/reproduce.py."""

import csv

import numpy as np
import pytest

from poodle_mm.experiments.ablations.report import write_report
from poodle_mm.experiments.ablations.settings import DATA
from poodle_mm.experiments.ablations.studies import EDITIONS, FIGURE_5C, FIGURE_7
from poodle_mm.experiments.figures.sweep import PAPER, all_rows, study_panels, sweep_figure
from poodle_mm.utils.files import read_json, write_json
from poodle_mm.visualization.sweep_curves import SweepPanel, draw_sweeps


def report(folder, study, scores: dict) -> dict:
    """A report as ``tools/reproduce.py`` writes it, with scores put in: key to a list by seed."""
    data = DATA['scenes']
    write_report(study, [], data, ['linear'], folder, '')
    content = read_json(folder / f'{study.name}.json')
    assert content['rows'] == []  # nothing has been run
    rows = all_rows(study, None, data)
    for row in rows:
        row['seeds'] = {
            str(seed): dict(
                metrics=dict(linear=dict(miou=m, small=m / 2, large=m + 10)), stats=dict()
            )
            for seed, m in enumerate(scores.get(row['key'], []))
        }
    content['rows'] = [row for row in rows if row['key'] in scores]
    write_json(folder / f'{study.name}.json', content)
    return content


def test_partial_results_are_drawn_and_the_rest_is_named(tmp_path):
    folder = tmp_path / 'scenes'
    report(folder, FIGURE_7, {'7-0': [20.0, 22.0], '7-3': [26.0, 26.2], '7-9': [25.0]})
    files, text = sweep_figure('7', folder, tmp_path / 'seven')
    assert [file.name for file in files] == [f'seven.{x}' for x in ('png', 'pdf', 'csv', 'txt')]
    assert 'PooDLe 21.0 at 0, 25.0 at 9, best 26.1 at 3' in text
    assert 'Missing: 7-6 (tools/reproduce.py --figure 7 --data scenes --rows 7-6)' in text
    assert PAPER['figure7'] in text and files[3].read_text(encoding='utf-8').strip() == text
    with open(files[2], newline='') as file:
        rows = {(row['key'], row['metric']): row for row in csv.DictReader(file)}
    assert len(rows) == 9 and float(rows['7-0', 'All']['mean']) == 21
    assert float(rows['7-0', 'All']['std']) == pytest.approx(2**0.5)
    assert float(rows['7-9', 'Small']['mean']) == 12.5 and rows['7-9', 'All']['std'] == ''


def test_lines_ticks_and_bars(tmp_path):
    """Figure 5c: a line a method over four sizes, missing ones keep their place on the axis."""
    scores = {'5c-poodle-192': [10.0, 14.0], '5c-poodle-384': [20.0], '5c-flowe-256': [9.0]}
    content = report(tmp_path, FIGURE_5C, scores)
    rows = all_rows(FIGURE_5C, content, DATA['scenes'])
    assert len(rows) == len(FIGURE_5C.variants)
    panels = study_panels(FIGURE_5C, rows, 'linear', DATA['scenes'])
    assert [panel.ticks for panel in panels] == [['96×192', '128×256', '160×320', '192×384']] * 3
    assert panels[0].lines == {
        'PooDLe': {'96×192': [10.0, 14.0], '192×384': [20.0]},
        'FlowE': {'128×256': [9.0]},
    }
    assert panels[1].lines['PooDLe']['96×192'] == [5.0, 7.0]
    axes = draw_sweeps([panels]).axes
    found = {c.get_label(): c.lines[0].get_xydata() for c in axes[0].containers}
    np.testing.assert_allclose(found['PooDLe'], [[-0.04, 12], [2.96, 20]])
    np.testing.assert_allclose(found['FlowE'], [[1.04, 9]])
    (bars,) = axes[0].containers[0].lines[2]
    np.testing.assert_allclose(np.ptp(bars.get_segments()[0][:, 1]), 2 * 8**0.5)
    assert [t.get_text() for t in axes[2].get_xticklabels()] == panels[2].ticks


@pytest.mark.parametrize(
    ('scores', 'limits'),
    [([22.0, 23.0], (20.5, 24.5)), ([0.1, 0.5], (0.0, 4.0)), ([10.0, 40.0], (8.5, 41.5))],
)
def test_small_differences_do_not_fill_the_axis(scores, limits):
    lines = {'PooDLe': {'0': scores[:1], '3': scores[1:]}}
    (axis,) = draw_sweeps([[SweepPanel('All', 'K', 'mIoU', ('0', '3'), lines)]]).axes
    np.testing.assert_allclose(axis.get_ylim(), limits, atol=0.03)


def test_a_difference_within_the_spread_is_called_so(tmp_path):
    folder = tmp_path / 'camvid'
    report(folder, FIGURE_7, {'7-0': [20.0, 24.0], '7-3': [23.0, 23.5]})
    _, text = sweep_figure('7', folder, tmp_path / 'a')
    assert "best 23.2 at 3 (within the seeds' spread)" in text
    report(folder, FIGURE_7, {'7-0': [20.0], '7-3': [23.0]})
    assert 'best 23.0 at 3 (one seed each)' in sweep_figure('7', folder, tmp_path / 'a')[1]


def test_nothing_to_draw(tmp_path):
    with pytest.raises(ValueError, match='name its data by --data'):
        sweep_figure('7', tmp_path, tmp_path / 'a')
    with pytest.raises(
        FileNotFoundError, match=r'none of figure5a\.json.*--figure 5 --data scenes'
    ):
        sweep_figure('5', tmp_path, tmp_path / 'a', data='scenes')
    report(tmp_path, FIGURE_7, {'7-0': [20.0]})
    with pytest.raises(ValueError, match='no run has a result of the readout upernet'):
        sweep_figure('7', tmp_path, tmp_path / 'a', 'upernet', data='scenes')
    (tmp_path / 'figure7.json').write_text('[1]')
    with pytest.raises(ValueError, match=r'figure7\.json holds a list'):
        sweep_figure('7', tmp_path, tmp_path / 'a', data='scenes')
    assert not [*tmp_path.glob('a.*')]


def test_every_sweep_of_the_paper_has_words():
    figures = [s for e in EDITIONS.values() for k, part in e.items() if 'figure' in k for s in part]
    assert {study.name.removesuffix('-iclr') for study in figures} == PAPER.keys()
