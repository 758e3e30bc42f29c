"""Mixing by weight."""

import pytest

from poodle_mm.datasets import FramePairDataset, MixedPairDataset


def raw(results: dict) -> dict:
    return results


@pytest.fixture
def parts(tree) -> list[FramePairDataset]:
    return [
        FramePairDataset(str(tree), data_prefix=dict(path=f'day{i}'), pipeline=[raw])
        for i in (0, 1)
    ]


class Stub:
    """A data set that gives its name."""

    def __init__(self, name: str, size: int) -> None:
        self.name, self.size = name, size

    def __len__(self) -> int:
        return self.size

    def draw(self, index, rng):
        return self.name, index, int(rng.integers(2**40))


def test_weights_and_not_sizes_decide():
    mixed = MixedPairDataset([Stub('a', 3), Stub('b', 1000), Stub('c', 5)], [3, 1, 0], length=4000)
    drawn = [mixed[(0, i)] for i in range(4000)]
    names = [name for name, *_ in drawn]
    # binomial: 3000 +- 5 standard deviations of sqrt(4000 * 3/4 * 1/4)
    assert abs(names.count('a') - 3000) < 5 * 27.4
    assert names.count('c') == 0
    items = [item for name, item, _ in drawn if name == 'a']
    assert all(
        abs(items.count(i) - len(items) / 3) < 5 * (len(items) * 2 / 9) ** 0.5 for i in range(3)
    )


def test_lengths_decide_without_weights():
    mixed = MixedPairDataset([Stub('a', 300), Stub('b', 100)])
    assert len(mixed) == 400
    count = sum(mixed[(e, i)][0] == 'a' for e in range(5) for i in range(400))
    assert abs(count - 1500) < 5 * 19.4


def test_reproducible_and_new_in_each_epoch():
    mixed = MixedPairDataset([Stub('a', 300), Stub('b', 100)], [1, 1], length=50, seed=4)
    keys = [(e, i) for e in range(2) for i in range(50)]
    first = [mixed[key] for key in keys]
    assert [mixed[key] for key in reversed(keys)] == first[::-1]
    assert len({item[2] for item in first}) == 100
    assert mixed[3] == mixed[(0, 3)]


def test_real_parts(parts):
    mixed = MixedPairDataset(parts, weights=[0, 1], length=6)
    assert {mixed[i]['source_id'] for i in range(6)} == {'1.mp4', '3.mp4'}
    assert mixed.metainfo == parts[0].metainfo
    with pytest.raises(IndexError):
        mixed[6]


def test_pairs_a_visit_are_alike(tree):
    """A mixture says how many pairs its items hold; parts that differ are refused."""
    one, two, again = (
        FramePairDataset(str(tree), repeats=repeats, pipeline=[raw]) for repeats in (1, 2, 2)
    )
    mixed = MixedPairDataset([two, again])
    assert mixed.repeats == 2 == len(mixed[0])
    assert MixedPairDataset([Stub('a', 3), one]).repeats == 1
    with pytest.raises(ValueError, match=r'agree in repeats, got \[1, 2\]'):
        MixedPairDataset([one, two])


@pytest.mark.parametrize('weights', [[1], [1, -1], [0, 0], [1, float('nan')]])
def test_bad_weights(weights):
    with pytest.raises(ValueError, match='weight'):
        MixedPairDataset([Stub('a', 3), Stub('b', 3)], weights)
