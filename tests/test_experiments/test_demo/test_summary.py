"""Table and bars of the demo, by hand."""

import re

import pytest

from poodle_mm.experiments.demo.summary import class_sections, results_table


@pytest.fixture
def metrics() -> dict:
    """An encoder without a decoder; nothing small to score."""

    def scores(miou: float, road: float, sky: float) -> dict:
        classes = dict(road=road, sky=sky, bus=None)
        return dict(miou=miou, acc=2 * miou, small=None, large=miou, per_class=classes)

    return dict(
        encoder=dict(random=scores(10.0, 15.0, 5.0), pretrained=scores(8.5, 2.0, 15.0)),
        class_groups=dict(small=['bus'], large=['road', 'sky']),
    )


def test_table(metrics):
    random, pretrained, change = results_table(metrics).splitlines()[2:]
    assert random == '| encoder, random | 10.0 | 20.0 | – | 10.0 |'
    assert pretrained == '| encoder, pretrained | 8.5 | 17.0 | – | 8.5 |'
    assert change == '| **change** | **-1.5** | **-3.0** | **–** | **-1.5** |'


def test_classes_are_sorted_by_their_best_score(metrics):
    """A bar for each weights, one after the other; what has no score is left out."""
    html = class_sections(metrics)
    names = re.findall('<div class="class"><span>([^<]*)</span>', html)
    widths = re.findall('class="c([0-9])" style="width:([0-9.]*)%"', html)
    assert names == ['road', 'sky']
    # grey: random, blue: pretrained
    assert widths == [('7', '15.00'), ('0', '2.00'), ('7', '5.00'), ('0', '15.00')]
