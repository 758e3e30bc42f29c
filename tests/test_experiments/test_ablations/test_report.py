"""Tables and plots of studies."""

import numpy as np
import pytest

from poodle_mm.experiments.ablations.report import (
    draw_sweep,
    table,
    values,
    write_report,
)
from poodle_mm.experiments.ablations.settings import DATA, scaled, setting_text
from poodle_mm.experiments.ablations.studies import (
    FIGURE_5A,
    FIGURE_5A_ICLR,
    FIGURE_5B,
    FIGURE_5B_ICLR,
    TABLE_4,
)


def seeds(*mious: float, **others: float) -> dict:
    return {
        str(i): dict(
            metrics=dict(linear=dict(miou=miou, **others)),
            stats=dict(pairs_per_second=10.0 + i, memory_mib=1000.0),
        )
        for i, miou in enumerate(mious)
    }


def row(key: str, study, found: dict) -> dict:
    (variant,) = (v for v in study.variants if v.key == key)
    return dict(
        key=key,
        label=variant.label,
        settings=dict(variant.settings),
        paper=dict(variant.paper),
        seeds=found,
    )


def test_table_by_hand():
    """20, 22, 24: mean 22, deviation (n - 1) 2; the paper's figures at the end of the line."""
    report = dict(
        rows=[
            row('7', TABLE_4, seeds(20.0, 22.0, 24.0, acc=60.0, small=None)),
            row('1', TABLE_4, {}),
            row('scratch', TABLE_4, seeds(17.0)),
        ],
    )
    lines = table(report, 'linear').splitlines()
    cells = [[cell.strip() for cell in line.strip('|').split('|')] for line in lines]
    head, _, seven, one, scratch = cells
    found = dict(zip(head, seven))
    assert found['All'] == '22.0 ± 2.0' and found['Acc'] == '60.0 ± 0.0' and found['seeds'] == '3'
    assert found['pairs/s'] == '11.0' and found['MiB'] == '1000'
    assert seven[-4:] == ['34.2', '15.0', '45.5', '9.0']
    assert seven[3] == '–'  # no small class
    assert one[1] == '–' and one[-4] == '28.8'
    assert scratch[1] == '17.0' and scratch[-1] == '–'
    assert 'AP' not in head


def test_average_precision_where_it_was_measured():
    """3 and 5 of two seeds: 4 ± √2; a row without it has a dash; All and Small have columns."""
    found = seeds(20.0, 22.0)
    for precision, seed in zip((3.0, 5.0), found.values()):
        seed['metrics']['linear']['pixel_precision'] = dict(all=30.0, small=precision)
    report = dict(rows=[row('7', TABLE_4, found), row('scratch', TABLE_4, seeds(17.0))])
    lines = table(report, 'linear').splitlines()
    cells = [[cell.strip() for cell in line.strip('|').split('|')] for line in lines]
    seven, scratch = (dict(zip(cells[0], line)) for line in cells[2:])
    assert seven['AP'] == '30.0 ± 0.0' and seven['AP Small'] == '4.0 ± 1.4'
    assert scratch['AP'] == scratch['AP Small'] == '–'


def test_published_ablation_agrees_with_itself():
    """19 classes, 7 of them small: All is the weighted mean of Small and Large, rounding aside."""
    for variant in TABLE_4.variants:
        if variant.paper:
            small, large = variant.paper['small'], variant.paper['large']
            assert variant.paper['miou'] == pytest.approx((7 * small + 12 * large) / 19, abs=0.1)


def test_sweep_is_drawn_at_its_values():
    """A line a crop size; points at the mean of the seeds, over the place of their setting."""
    report = dict(
        rows=[
            row('5a-256-0.05', FIGURE_5A, seeds(30.0, 32.0)),
            row('5a-256-0.25', FIGURE_5A, {}),
            row('5a-256-0.5', FIGURE_5A, {}),
            row('5a-256-0.75', FIGURE_5A, seeds(20.0)),
            row('5a-384-0.25', FIGURE_5A, seeds(34.0)),
        ]
    )
    (axis,) = draw_sweep(FIGURE_5A, report, 'linear').axes
    lines = {c.get_label(): c.lines[0].get_xydata() for c in axis.containers}
    np.testing.assert_allclose(lines['256×512'], [[0, 31], [3, 20]])
    np.testing.assert_allclose(lines['384×768'], [[1, 34]])
    assert [t.get_text() for t in axis.get_xticklabels()] == [
        '0.05–0.25',
        '0.25–0.5',
        '0.5–0.75',
        '0.75–1',
    ]


def test_groups_are_lines_of_their_own():
    report = dict(rows=[row('5b-0.18', FIGURE_5B, seeds(30.0, small=10.0, large=40.0))])
    (axis,) = draw_sweep(FIGURE_5B, report, 'linear').axes
    lines = {c.get_label(): c.lines[0].get_ydata() for c in axis.containers}
    assert {k: list(v) for k, v in lines.items()} == dict(All=[30], Large=[40], Small=[10])


def test_figures_of_the_later_paper():
    """Ticks of the crop study are its means, its lines the sizes; printed figures beside ours."""
    report = dict(
        rows=[row(v.key, FIGURE_5A_ICLR, seeds(30.0)) for v in FIGURE_5A_ICLR.variants],
    )
    (axis,) = draw_sweep(FIGURE_5A_ICLR, report, 'linear').axes
    ticks = [t.get_text() for t in axis.get_xticklabels()]
    assert ticks == ['0.05', '0.125', '0.2', '0.275', '0.425', '0.725']
    lines = {c.get_label(): list(c.lines[0].get_xdata()) for c in axis.containers}
    assert lines['512×1024'] == [1, 3, 4, 5] and len(lines) == 3
    printed = {v.key: v.paper for v in FIGURE_5B_ICLR.variants}
    assert printed['5b-0.36'] == dict(small=13.6, large=39.5, miou=32.4)
    assert printed['5b-0.54'] == dict(small=12.3, large=38.8, miou=31.5)
    best = {v.key: v.paper['miou'] for v in FIGURE_5A.variants if v.paper}
    assert best == {'5a-256-0.05': 34.0, '5a-384-0.25': 34.4}  # §4.4


def test_values_leave_out_what_is_missing():
    found = row('7', TABLE_4, seeds(20.0, 21.0))
    assert values(found, 'linear', 'miou') == [20.0, 21.0]
    assert values(found, 'upernet', 'miou') == [] == values(found, 'linear', 'rare')


def test_files_of_a_sweep(tmp_path):
    """Tables of two readouts and one plot, also where nothing is done yet."""
    files = write_report(
        FIGURE_5B, [], DATA['bdd100k'], ['linear', 'upernet'], tmp_path, 'Data: BDD.'
    )
    name = FIGURE_5B.name
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        [f'{name}.json', *(path.name for path in files)]
    )
    assert {path.suffix for path in files} == {'.md', '.html', '.png'} and len(files) == 5
    assert f'![{FIGURE_5B.title}]({name}.png)' in files[0].read_text(encoding='utf-8')
    assert 'png' not in (tmp_path / f'{name}_upernet.md').read_text(encoding='utf-8')


def test_ticks():
    assert [setting_text(v) for v in ((0.05, 0.25), (256, 512), 3)] == ['0.05–0.25', '256×512', '3']


def test_settings_at_the_scale_of_the_data():
    wanted = dict(size=(256, 512), delta=2, area=(0.1, 0.2))
    assert scaled(wanted, DATA['bdd100k']) == dict(size=(256, 512), delta=30, area=(0.1, 0.2))
    assert scaled(wanted, DATA['scenes']) == dict(size=(128, 256), delta=1.0, area=(0.1, 0.2))
