"""Markdown tables and numbers of several seeds."""

from poodle_mm.utils.tables import markdown_table, spread


def test_spread_by_hand():
    """Sample standard deviation: 1, 2, 3 have 1.0."""
    assert spread([1.0, 2.0, 3.0]) == '2.0 ± 1.0'
    assert spread([1.04, None]) == '1.0'
    assert spread([1.25, 1.75], digits=2) == '1.50 ± 0.35'
    assert spread([None]) == '–' and spread([]) == '–'


def test_table_by_hand():
    assert markdown_table(['', 'mIoU'], [['a', '1.0'], ['b', '–']]).splitlines() == [
        '|  | mIoU |',
        '| --- | ---: |',
        '| a | 1.0 |',
        '| b | – |',
    ]
