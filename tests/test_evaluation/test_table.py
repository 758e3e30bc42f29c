"""Tables from results written by hand."""

from poodle_mm.evaluation.table import markdown_tables


def result(name, seed, readout, **metrics):
    """One readout's result."""
    return dict(name=name, seed=seed, readout=readout, metrics=metrics)


def test_ours_above_the_papers_rows():
    """Seeds are averaged, missing scores are dashes, the paper's rows name their table."""
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
    assert '| PooDLe R50, BDD, 100 epochs (Table 1, arXiv 2024) | 39.2 | 89.2 | 25.2 | – |' in lines
    assert '| Scratch R50 (Table 1, arXiv 2024) | 9.7 | 55.0 | 7.7 | – |' in lines
    assert '| PooDLe (2 seeds) | 39.0 ± 1.4 | 18.0 ± 1.4 | – | – | – |' in groups
    assert '| FlowE R50, BDD (Table 3, arXiv 2024) | 35.7 | 12.2 | 49.3 | 10.7 | 47.2 |' in groups


def sources(text: str, label: str) -> list[str]:
    """Sources of the lines that begin with a label."""
    return [line.split('(')[1].split(')')[0] for line in text.splitlines() if f'| {label}' in line]


def test_editions():
    """All: every run once, and twice where the editions disagree; or the rows of one edition."""
    report = dict(
        suite='bdd100k', results=[result('mine', 0, 'linear', miou=10.0, acc=50.0, small=1.0)]
    )
    main, groups = markdown_tables(report).split('## mIoU of class groups')
    assert sources(main, 'PooDLe R50, BDD,') == [
        'Table 1, arXiv 2024'
    ]  # Table 5 and talk repeat it
    assert sources(main, 'DenseCL R50, BDD, 800') == ['Table 1, arXiv 2024']
    assert sources(main, 'DenseCL R50, BDD, 100') == ['ICLR 2025']  # the talk repeats it
    assert sources(groups, 'DenseCL R50, BDD') == [
        'Table 3, arXiv 2024',
        'ICLR 2025',
        'Table 6, arXiv 2024',
    ]
    for edition, count in dict(seed=3, talk=2, iclr=0).items():
        text = markdown_tables(report, edition)
        assert len(sources(text, 'PooDLe R50, BDD')) == 2 * count
        assert '| mine | 10.0 | 50.0 |' in text
    report['suite'] = 'wt-sem'
    assert sources(markdown_tables(report), 'MAE ViT-S, WT-all') == ['Table 2, ICLR 2025']
    assert '(' not in markdown_tables(report, 'seed')


def test_classes_beside_the_papers():
    """Only where the paper prints them: linear on BDD100K."""
    metrics = dict(miou=30.0, acc=80.0, per_class={'road': 90.04, 'traffic light': None})
    report = dict(suite='bdd100k', results=[result('mine', 0, 'linear', **metrics)])
    lines = markdown_tables(report).split('## IoU per class: Linear')[1].splitlines()
    head, _, ours, *paper = [
        [cell.strip() for cell in line.strip('|').split('|')] for line in lines if '|' in line
    ]
    assert len(head) == 20 and head[1] == 'road' and head[-1] == 'traffic light'
    assert ours == ['mine', '90.0', *['–'] * 18]
    poodle = next(row for row in paper if row[0] == 'PooDLe R50, BDD (Table 6, arXiv 2024)')
    assert poodle[1] == '91.3' and poodle[head.index('bicycle')] == '18.0'
    for other in (
        dict(report, suite='cityscapes'),
        dict(report, results=[result('mine', 0, 'upernet', **metrics)]),
    ):
        assert 'per class' not in markdown_tables(other)


def test_other_data_has_no_rows_of_the_paper():
    """The paper did not run CamVid."""
    report = dict(suite='camvid', results=[result('a', 0, 'upernet', miou=1.0, acc=2.0)])
    assert 'Table' not in markdown_tables(report)
