"""Tables and plots of the demo, by hand."""

import pytest

from poodle_mm.experiments.demo.summary import draw_classes, results_table


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


def test_classes_are_sorted_by_what_was_learnt(metrics):
    """Best after pretraining first; what has no score is left out."""
    (axis,) = draw_classes(metrics).axes
    assert [tick.get_text() for tick in axis.get_xticklabels()] == ['sky', 'road']
    assert [[bar.get_height() for bar in bars] for bars in axis.containers] == [[5, 15], [15, 2]]
