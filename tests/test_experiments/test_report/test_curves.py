"""Curves of the report: thinning, smoothing, axes, the drawing without a script."""

import re

import numpy as np
import pytest

from poodle_mm.experiments.report.curves import (
    BOTTOM,
    HEIGHT,
    LEFT,
    RIGHT,
    TOP,
    WIDTH,
    Chart,
    charts_of,
    smoothed,
    static_svg,
    thin,
    ticks,
)  # fmt: skip
from poodle_mm.experiments.report.runs import LoggedRun


def test_thinning_keeps_peaks_ends_and_broken_values():
    steps, values = np.arange(100_000), np.ones(100_000)
    values[12_345], values[54_321], values[77_777] = 9, -9, np.nan
    x, y = thin(steps, values, most=300)
    assert len(x) <= 300 and {0, 12_345, 54_321, 77_777, 99_999} <= set(x.tolist())
    np.testing.assert_array_equal(y, values[x])
    assert thin(steps[:300], values[:300], most=300)[0] is not None
    assert len(thin(steps[:300], values[:300], most=300)[0]) == 300


def test_smoothing_is_a_weighted_mean_of_the_past():
    values = np.array([3.0, 1.0, np.nan, 5.0])
    weights = np.array([0.5**2, 0.5, 1.0])  # of the three numbers for the last one
    expected = (weights * [3, 1, 5]).sum() / weights.sum()
    out = smoothed(values, 0.5)
    assert out[0] == 3 and out[1] == pytest.approx(5 / 3) and np.isnan(out[2])
    assert out[3] == pytest.approx(expected)


@pytest.mark.parametrize(
    ('low', 'high', 'expected'),
    [
        (0, 1, [0, 0.5, 1]),
        (0, 0.87, [0, 0.5]),
        (0, 400, [0, 100, 200, 300, 400]),
        (-3, 7, [0, 5]),
        (2, 2, [2]),
    ],
)
def test_ticks(low, high, expected):
    assert ticks(low, high) == pytest.approx(expected)


def test_static_drawing():
    """A line from corner to corner of the plot, broken where a value is no number."""
    steps, values = np.array([0, 50, 100, 150, 200]), np.array([0.0, 1.0, np.nan, 3.0, 4.0])
    chart = Chart('loss', 'Losses', [None, (steps, values)], False, True)
    drawn = static_svg(chart, 0)
    (path,) = re.findall('<path class="line c1" d="([^"]*)"', drawn)
    parts = [
        [tuple(map(float, p.split())) for p in part.split('L')] for part in path.split('M')[1:]
    ]
    assert [len(part) for part in parts] == [2, 2] and drawn.count('>×<') == 1
    assert parts[0][0] == (LEFT, HEIGHT - BOTTOM) and parts[1][1][0] == WIDTH - RIGHT
    top = TOP + (HEIGHT - TOP - BOTTOM) * 0.05 / 1.05  # a twentieth of the range is room
    assert parts[1][1][1] == pytest.approx(top, abs=0.06)


def test_charts_are_grouped_and_rates_logarithmic():
    curve = np.arange(3), np.array([0.1, 0.2, 0.3])
    runs = [
        LoggedRun('a', None, dict(lr=curve, loss=curve, momentum=curve)),
        LoggedRun('b', None, dict(std_pool=curve, odd=curve)),
    ]
    charts = charts_of(runs)
    assert [c.name for c in charts] == ['loss', 'std_pool', 'lr', '1 - momentum', 'odd']
    assert [c.logarithmic for c in charts] == [False, False, True, True, False]
    np.testing.assert_allclose(charts[3].series[0][1], [0.9, 0.8, 0.7])
    assert charts[1].series[0] is None and charts[1].group.startswith('Spread')


def test_absurd_values_are_no_numbers():
    values = np.array([1.0, -1e308, 1e308, np.inf, 2.0])
    (chart,) = charts_of([LoggedRun('a', None, dict(loss=(np.arange(5), values)))])
    assert np.isfinite(chart.series[0][1]).tolist() == [True, False, False, False, True]
    assert static_svg(chart, 0).count('>×<') == 3
