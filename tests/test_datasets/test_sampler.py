"""Order, ranks, epochs and resuming."""

from itertools import chain, islice
from unittest import mock

import pytest
from mmengine.dataset import DefaultSampler

from poodle_mm.datasets import PairSampler
from poodle_mm.registry import DATA_SAMPLERS


def of_rank(rank: int, world_size: int, size: int = 10, **kwargs) -> PairSampler:
    with as_rank(rank, world_size):
        return PairSampler(range(size), seed=3, **kwargs)


def as_rank(rank: int, world_size: int):
    target = 'mmengine.dataset.sampler.get_dist_info'
    return mock.patch(target, return_value=(rank, world_size))


def test_an_epoch_visits_everything_once_and_names_the_epoch():
    sampler = DATA_SAMPLERS.build(dict(type='PairSampler', dataset=range(10), seed=3))
    first = list(sampler)
    assert sorted(first) == [(0, i) for i in range(10)]
    sampler.set_epoch(1)
    second = list(sampler)
    assert sorted(second) == [(1, i) for i in range(10)]
    assert [i for _, i in first] != [i for _, i in second]
    assert len(sampler) == 10


@pytest.mark.parametrize('world_size', [2, 4])
def test_ranks_share_the_order_of_a_single_process(world_size):
    alone = list(islice(of_rank(0, 1, size=8, infinite=True), 24))
    ranks = [
        list(islice(of_rank(r, world_size, size=8, infinite=True), 24 // world_size))
        for r in range(world_size)
    ]
    assert [ranks[i % world_size][i // world_size] for i in range(24)] == alone


def test_more_ranks_than_samples():
    ranks = [list(of_rank(r, 8, size=5, round_up=False)) for r in range(8)]
    assert sorted(i for rank in ranks for _, i in rank) == [*range(5)]
    assert [len(rank) for rank in ranks] == [1] * 5 + [0] * 3


def test_round_up():
    assert [len(list(of_rank(r, 4))) for r in range(4)] == [3, 3, 3, 3]
    samplers = [of_rank(r, 4, round_up=False) for r in range(4)]
    assert [len(list(s)) for s in samplers] == [len(s) for s in samplers] == [3, 3, 2, 2]


@pytest.mark.parametrize('num_samples', [0, 1, 9, 10, 11, 37])
@pytest.mark.parametrize('world_size', [1, 4])
def test_skip_is_an_uninterrupted_run(num_samples, world_size):
    whole = list(islice(of_rank(world_size - 1, world_size, infinite=True), 60))
    resumed = of_rank(world_size - 1, world_size, infinite=True)
    resumed.set_epoch(0)
    resumed.skip(num_samples)
    assert list(islice(resumed, 60 - num_samples)) == whole[num_samples:]


def test_skip_within_an_epoch_that_ends():
    sampler = of_rank(0, 1)
    whole = list(sampler)
    sampler.skip(4)
    assert list(sampler) == whole[4:]
    sampler.set_epoch(1)
    assert len(list(sampler)) == 10


@pytest.mark.parametrize('world_size', [1, 3])
@pytest.mark.parametrize('shuffle', [True, False])
@pytest.mark.parametrize('round_up', [True, False])
def test_one_part_is_mmengines_sampler(world_size, shuffle, round_up):
    for rank in range(world_size):
        options = dict(shuffle=shuffle, round_up=round_up)
        sampler = of_rank(rank, world_size, **options)
        with as_rank(rank, world_size):
            expected = DefaultSampler(range(10), seed=3, **options)
        assert len(sampler) == len(expected)
        for epoch in (0, 1, 5):
            sampler.set_epoch(epoch)
            expected.set_epoch(epoch)
            assert list(sampler) == [(epoch, index) for index in expected]


@pytest.mark.parametrize('size, parts', [(10, 2), (10, 3), (7, 7), (23, 10)])
@pytest.mark.parametrize('shuffle', [True, False])
def test_the_epochs_of_a_pass_share_the_data_out(size, parts, shuffle):
    """Disjoint, equally long, together a pass but for its remainder; then another order."""
    sampler = of_rank(0, 1, size=size, parts=parts, shuffle=shuffle)
    passes = []
    for number in range(2):
        epochs = []
        for epoch in range(number * parts, (number + 1) * parts):
            sampler.set_epoch(epoch)
            visits = list(sampler)
            assert {e for e, _ in visits} == {epoch}
            epochs.append([index for _, index in visits])
        assert {len(epoch) for epoch in epochs} == {size // parts} == {len(sampler)}
        visited = [*chain(*epochs)]
        assert len(set(visited)) == len(visited) == size - size % parts
        # The order of a pass is that of MMEngine's epoch of the same number.
        whole = of_rank(0, 1, size=size, shuffle=shuffle)
        whole.set_epoch(number)
        assert visited == [index for _, index in whole][: len(visited)]
        passes.append(visited)
    assert (passes[0] == passes[1]) is not shuffle


def test_what_a_pass_leaves_out_changes():
    sampler = of_rank(0, 1, size=10, parts=3, infinite=True)
    visited = [index for _, index in islice(sampler, 30 * 9)]
    left = {(set(range(10)) - set(visited[i : i + 9])).pop() for i in range(0, 270, 9)}
    assert len(left) > 5


@pytest.mark.parametrize('world_size', [2, 3, 4])
@pytest.mark.parametrize('size, parts', [(24, 2), (23, 3), (9, 9)])
def test_ranks_share_an_epoch_out(world_size, size, parts):
    ranks = [of_rank(r, world_size, size=size, parts=parts) for r in range(world_size)]
    alone = of_rank(0, 1, size=size, parts=parts)
    for epoch in (0, 1, parts, 2 * parts + 1):
        for sampler in (*ranks, alone):
            sampler.set_epoch(epoch)
        expected, shares = list(alone), [list(sampler) for sampler in ranks]
        assert {len(share) for share in shares} == {len(ranks[0])}
        together = [shares[i % world_size][i // world_size] for i in range(len(expected))]
        assert together == expected
        assert set(chain(*shares)) == set(expected)  # what is too much repeats


def test_ranks_without_rounding_partition_an_epoch():
    ranks = [of_rank(r, 4, size=23, parts=3, round_up=False) for r in range(4)]
    shares = [list(sampler) for sampler in ranks]
    assert [len(share) for share in shares] == [len(s) for s in ranks] == [2, 2, 2, 1]
    assert sorted(chain(*shares)) == sorted(of_rank(0, 1, size=23, parts=3))


@pytest.mark.parametrize('num_samples', [0, 1, 6, 7, 8, 22, 50])
@pytest.mark.parametrize('world_size', [1, 2])
def test_skip_with_parts_is_an_uninterrupted_run(num_samples, world_size):
    options = dict(size=23, parts=3, infinite=True)
    whole = list(islice(of_rank(0, world_size, **options), 80))
    resumed = of_rank(0, world_size, **options)
    resumed.skip(num_samples)
    assert list(islice(resumed, 80 - num_samples)) == whole[num_samples:]
    epochs = [epoch for epoch, _ in whole]
    length = len(of_rank(0, world_size, **options))
    assert epochs == [i // length for i in range(80)]


@pytest.mark.parametrize('parts', [0, -1, 11])
def test_parts_that_the_data_cannot_give(parts):
    with pytest.raises(ValueError, match=rf'10 samples.*parts = {parts}.*sampler\.parts'):
        of_rank(0, 1, parts=parts)


def test_bad_arguments():
    with pytest.raises(ValueError, match='empty'):
        PairSampler([], seed=0)
    with pytest.raises(ValueError, match='-1'):
        PairSampler([1], seed=0).skip(-1)
    with pytest.raises(ValueError, match='rank 3 of 4'):
        of_rank(3, 4, size=2, infinite=True, round_up=False)
    with pytest.raises(ValueError, match='rank 3 of 4'):
        of_rank(3, 4, size=9, parts=3, infinite=True, round_up=False)
