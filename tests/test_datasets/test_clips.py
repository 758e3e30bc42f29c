"""Drawing of pairs and clips against naive loops."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from poodle_mm.datasets.clips import ClipRule, clip_starts, draw_clip, partner_ranges


def pair_by_two_draws(rng, axis, delta, tolerance=0.0, starts=None) -> tuple[int, int] | None:
    """The law of pairs written for pairs: cached flow and golden losses belong to its draws."""
    first, stop = partner_ranges(axis, delta, tolerance, starts)
    candidates = np.flatnonzero(stop > first)
    if not len(candidates):
        return None
    choice = rng.choice(candidates)
    start = int(choice if starts is None else starts[choice])
    return start, int(rng.integers(first[choice], stop[choice]))


def all_clips(axis, spacing, num_frames, tolerance=0.0) -> list[tuple[int, ...]]:
    """Every clip, by trying every frame after every frame."""
    clips = [(i,) for i in range(len(axis))]
    for _ in range(num_frames - 1):
        clips = [
            (*clip, j)
            for clip in clips
            for j in range(clip[-1] + (spacing[0] > 0), len(axis))
            if spacing[0] - tolerance <= axis[j] - axis[clip[-1]] <= spacing[1] + tolerance
        ]
    return clips


@given(
    numbers=st.lists(st.integers(0, 60), min_size=1, max_size=40, unique=True).map(sorted),
    low=st.integers(0, 20),
    extra=st.integers(0, 20),
    tolerance=st.integers(0, 2),
    seed=st.integers(0, 99),
)
def test_two_frames_are_drawn_bit_by_bit_as_pairs(numbers, low, extra, tolerance, seed):
    axis, delta = np.array(numbers), (low, low + extra)
    for starts in (None, [seed % len(axis)], np.arange(0, len(axis), 3)):
        ours, theirs = np.random.default_rng(seed), np.random.default_rng(seed)
        for _ in range(3):
            pair = draw_clip(ours, axis, delta, 2, tolerance, starts)
            assert pair == pair_by_two_draws(theirs, axis, delta, tolerance, starts)
        assert ours.bit_generator.state == theirs.bit_generator.state


@given(
    steps=st.lists(st.integers(1, 6), min_size=0, max_size=17),
    num_frames=st.integers(1, 5),
    low=st.integers(0, 6),
    extra=st.integers(0, 3),
    tolerance=st.integers(0, 2),
    seed=st.integers(0, 99),
)
def test_clips_agree_with_all_chains(steps, num_frames, low, extra, tolerance, seed):
    axis, spacing = np.cumsum([0, *steps]), (low, low + extra)
    expected = all_clips(axis, spacing, num_frames, tolerance)
    starts = clip_starts(axis, spacing, num_frames, tolerance)
    assert starts.tolist() == sorted({clip[0] for clip in expected})
    rng = np.random.default_rng(seed)
    for some in (None, [seed % len(axis)]):
        own = [clip for clip in expected if some is None or clip[0] in some]
        clip = draw_clip(rng, axis, spacing, num_frames, tolerance, some)
        assert (clip in own) if own else clip is None


def test_the_law_of_three_frames():
    """Each frame in turn uniform among those from which the rest can follow: exact shares."""
    axis, spacing = np.array([0, 2, 3, 4, 7, 9]), (2, 4)
    clips, shares = all_clips(axis, spacing, 3), {}
    for clip in clips:
        share = 1.0
        for k in range(3):
            choices = {c[k] for c in clips if c[:k] == clip[:k]}
            share /= len(choices)
        shares[clip] = share
    assert len(clips) > 5 and len(set(shares.values())) > 1
    rng, count = np.random.default_rng(0), 20_000
    drawn = Counter(draw_clip(rng, axis, spacing, 3) for _ in range(count))
    assert drawn.keys() == shares.keys()
    for clip, share in shares.items():
        assert abs(drawn[clip] - count * share) < 5 * np.sqrt(count * share)


@pytest.mark.parametrize('rate', [24000 / 1001, 25, 30000 / 1001, 59.94])
def test_eight_frames_a_second_apart_do_not_drift(rate):
    times = np.arange(round(9 * rate)) / rate
    clip = draw_clip(np.random.default_rng(0), times, (1.0, 1.0), 8, 0.5 / rate)
    assert abs(np.diff(times[[*clip]]) - 1).max() <= 0.5 / rate + 1e-6
    assert abs(times[clip[-1]] - times[clip[0]] - 7) <= 3.5 / rate


def test_the_shortest_video_by_hand():
    frames, seconds = np.array([421, 420]), np.array([14.0, 13.99])
    rule = ClipRule((60, 60), num_frames=8)
    assert (frames < rule.shortest(frames, seconds)).tolist() == [False, True]
    assert rule.length == '7 x spacing = 60 frames'
    pair = ClipRule((0.5, 1), 'seconds', argument='delta')
    assert (pair.shortest(frames, seconds) == 0.5).all()
    # at 25 frames/s half a second is 12 or 13 frames: eight frames may lie within 3.36 s
    rule = ClipRule((0.5, 0.5), 'seconds', num_frames=8)
    assert 3.36 < rule.shortest(np.array([86]), np.array([3.44]))[0] <= 3.4


@pytest.mark.parametrize('num_frames', [0, -1, 1.5])
def test_wrong_number_of_frames(num_frames):
    with pytest.raises(ValueError, match='num_frames'):
        ClipRule((1, 2), num_frames=num_frames)


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
    pair = draw_clip(np.random.default_rng(seed), axis, delta)
    assert (pair in expected) if expected else pair is None
    start = seed % len(axis)
    pair = draw_clip(np.random.default_rng(seed), axis, delta, starts=[start])
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
    pair = draw_clip(np.random.default_rng(seed), times, delta, 2, tolerance)
    assert (pair in expected) if expected else pair is None


def test_starts_and_distances_are_uniform():
    rng = np.random.default_rng(0)
    pairs = np.array([draw_clip(rng, np.arange(100), (15, 30)) for _ in range(20_000)])
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
    pair = draw_clip(np.random.default_rng(0), times, (0.5, 0.5), tolerance=0.5 / rate)
    assert abs(times[pair[1]] - times[pair[0]] - 0.5) <= 0.5 / rate + 1e-6


def test_a_pause_in_the_recording_is_not_bridged():
    times = np.concatenate([np.arange(10), 100 + np.arange(10)]) / 10
    first, stop = partner_ranges(times, (0.5, 0.8), 0.05)
    assert [(i, j) for i in range(10) for j in range(first[i], stop[i]) if j >= 10] == []
