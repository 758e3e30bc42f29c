"""Order, ranks, epochs and resuming."""

from itertools import islice

import pytest

from poodle_mm.datasets import PairSampler
from poodle_mm.registry import DATA_SAMPLERS


def of_rank(rank: int, world_size: int, size: int = 10, **kwargs) -> PairSampler:
    sampler = PairSampler(range(size), seed=3, **kwargs)
    if world_size > 1:
        from unittest import mock

        with mock.patch('mmengine.dataset.sampler.get_dist_info', return_value=(rank, world_size)):
            sampler = PairSampler(range(size), seed=3, **kwargs)
    return sampler


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


def test_bad_arguments():
    with pytest.raises(ValueError, match='empty'):
        PairSampler([], seed=0)
    with pytest.raises(ValueError, match='-1'):
        PairSampler([1], seed=0).skip(-1)
    with pytest.raises(ValueError, match='rank 3 of 4'):
        of_rank(3, 4, size=2, infinite=True, round_up=False)
