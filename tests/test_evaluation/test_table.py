"""Tables from results written by hand."""

from poodle_mm.evaluation.table import markdown_tables, spread


def result(name, seed, readout, **metrics):
    """One readout's result."""
    return dict(name=name, seed=seed, readout=readout, metrics=metrics)


def test_spread_by_hand():
    """Sample standard deviation: 1, 2, 3 have 1.0."""
    assert spread([1.0, 2.0, 3.0]) == '2.0 ± 1.0'
    assert spread([1.04, None]) == '1.0'
    assert spread([None]) == '–' and spread([]) == '–'


def test_ours_above_the_papers_rows():
    """Seeds are averaged, missing figures are dashes, the paper's rows name their table."""
    report = dict(
        suite='bdd100k',
        results=[
            result('PooDLe', 0, 'linear', miou=38.0, acc=89.0, small=17.0, rare=None),
            result('PooDLe', 1, 'linear', miou=40.0, acc=89.0, small=19.0, rare=None),
            result('PooDLe', 0, 'det-fpn', map=25.0, map50=44.0),
            result('mine', 0, 'linear', miou=10.0, acc=50.0, small=1.0),
        ],
    )
    text = markdown_tables(report)
    main, groups = text.split('## mIoU of class groups: Linear')
    lines = main.splitlines()
    assert lines[2].startswith('|  | Linear: mIoU | Linear: Acc | Det FPN: mAP | Det FPN: mAP50 |')
    assert '| PooDLe (2 seeds) | 39.0 ± 1.4 | 89.0 ± 0.0 | 25.0 | 44.0 |' in lines
    assert '| mine | 10.0 | 50.0 | – | – |' in lines
    assert '| PooDLe R50, BDD, 100 epochs (Table 1) | 39.2 | 89.2 | 25.2 | – |' in lines
    assert '| Scratch R50 (Table 1) | 9.7 | 55.0 | 7.7 | – |' in lines
    assert '| PooDLe (2 seeds) | 39.0 ± 1.4 | 18.0 ± 1.4 | – | – | – |' in groups
    assert '| FlowE R50, BDD (Table 3) | 35.7 | 12.2 | 49.3 | 10.7 | 47.2 |' in groups


def test_other_data_has_no_rows_of_the_paper():
    """The paper did not run CamVid."""
    report = dict(suite='camvid', results=[result('a', 0, 'upernet', miou=1.0, acc=2.0)])
    assert 'Table' not in markdown_tables(report)
