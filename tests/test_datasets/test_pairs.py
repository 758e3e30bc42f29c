"""Pair drawing against a naive double loop."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from poodle_mm.datasets.pairs import draw_pair, partner_ranges


@given(
    numbers=st.lists(st.integers(0, 80), min_size=1, max_size=25, unique=True).map(sorted),
    low=st.integers(0, 20),
    extra=st.integers(0, 20),
    seed=st.integers(0, 99),
)
def test_ranges_and_draws_agree_with_a_double_loop(numbers, low, extra, seed):
    axis, delta = np.array(numbers), (low, low + extra)
    expected = {
        (i, j)
        for i in range(len(axis))
        for j in range(i, len(axis))
        if delta[0] <= axis[j] - axis[i] <= delta[1]
    }
    first, stop = partner_ranges(axis, delta)
    assert {(i, j) for i in range(len(axis)) for j in range(first[i], stop[i])} == expected
    pair = draw_pair(np.random.default_rng(seed), axis, delta)
    assert (pair in expected) if expected else pair is None
    start = seed % len(axis)
    pair = draw_pair(np.random.default_rng(seed), axis, delta, starts=[start])
    own = {(i, j) for i, j in expected if i == start}
    assert (pair in own) if own else pair is None


@given(
    steps=st.lists(st.integers(1, 400), min_size=1, max_size=25),
    low=st.sampled_from([0, 1, 5, 40, 200]),
    extra=st.integers(0, 100),
    tolerance=st.integers(0, 500),
    seed=st.integers(0, 99),
)
def test_no_frame_is_its_own_partner_however_large_the_tolerance(
    steps, low, extra, tolerance, seed
):
    """Times in ms at irregular steps; the tolerance may exceed delta, as half a frame does."""
    times, delta = np.cumsum([0, *steps]), (low, low + extra)
    expected = {
        (i, j)
        for i in range(len(times))
        for j in range(i + 1 if low else i, len(times))
        if low - tolerance <= times[j] - times[i] <= low + extra + tolerance
    }
    first, stop = partner_ranges(times, delta, tolerance)
    assert {(i, j) for i in range(len(times)) for j in range(first[i], stop[i])} == expected
    pair = draw_pair(np.random.default_rng(seed), times, delta, tolerance)
    assert (pair in expected) if expected else pair is None


def test_starts_and_distances_are_uniform():
    rng = np.random.default_rng(0)
    pairs = np.array([draw_pair(rng, np.arange(100), (15, 30)) for _ in range(20_000)])
    starts = np.bincount(pairs[:, 0], minlength=85)
    assert len(starts) == 85
    assert abs(starts - 20_000 / 85).max() < 5 * np.sqrt(20_000 / 85)
    # where no end of the video interferes, all 16 distances are equally likely
    distances = np.bincount(np.diff(pairs)[pairs[:, 0] < 70].ravel(), minlength=31)[15:]
    assert len(distances) == 16
    assert abs(distances - distances.mean()).max() < 5 * np.sqrt(distances.mean())


@pytest.mark.parametrize('rate', [24000 / 1001, 25, 30000 / 1001, 30, 59.94])
def test_half_a_second_exists_at_every_rate(rate):
    times = np.arange(100) / rate
    pair = draw_pair(np.random.default_rng(0), times, (0.5, 0.5), tolerance=0.5 / rate)
    assert abs(times[pair[1]] - times[pair[0]] - 0.5) <= 0.5 / rate + 1e-6


def test_a_pause_in_the_recording_is_not_bridged():
    times = np.concatenate([np.arange(10), 100 + np.arange(10)]) / 10
    first, stop = partner_ranges(times, (0.5, 0.8), 0.05)
    assert [(i, j) for i in range(10) for j in range(first[i], stop[i]) if j >= 10] == []
