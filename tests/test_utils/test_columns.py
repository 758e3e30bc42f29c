"""Arrays in a file: the same for all, mapped, and found out when they are others."""

import copy
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from poodle_mm.utils.columns import Columns, map_columns, write_columns
from poodle_mm.utils.ragged import Ragged

ARRAYS = dict(
    odd=np.frombuffer(b'abc', np.uint8),
    numbers=np.arange(1000),
    nothing=np.empty(0, np.int16),
    table=np.random.default_rng(0).random((7, 3)),
    one=np.array(3),
)


def assert_same(found, expected=ARRAYS) -> None:
    assert {*found} == {*expected}
    for name, array in expected.items():
        assert found[name].dtype == array.dtype and found[name].shape == array.shape
        np.testing.assert_array_equal(found[name], array)


def test_mapped_as_written_and_readable_by_numpy(tmp_path):
    path = tmp_path / 'a.npz'
    digest = write_columns(path, ARRAYS, 'test 1')
    columns = map_columns(path, digest, verify=True)
    assert_same(columns)
    assert (
        (columns.kind, columns.digest) == ('test 1', digest) == ('test 1', Columns(ARRAYS).digest)
    )
    for array in columns.values():
        assert not array.flags.owndata and not array.flags.writeable and array.flags.aligned
    with np.load(path) as archive:
        assert_same({name: archive[name] for name in ARRAYS})


def test_copies_share_and_pickles_hold_the_path_alone(tmp_path):
    path = tmp_path / 'a.npz'
    write_columns(path, ARRAYS, 'test 1')
    columns = map_columns(path)
    assert copy.deepcopy(columns) is columns
    sent = pickle.dumps(columns)
    assert len(sent) < 500
    assert_same(pickle.loads(sent))
    assert_same(pickle.loads(pickle.dumps(Columns(ARRAYS))))
    write_columns(path, dict(ARRAYS, one=np.array(4)), 'test 1')
    assert_same(columns)  # what was mapped stays
    with pytest.raises(ValueError, match=r'a\.npz: is another one than the main process has'):
        pickle.loads(sent)
    assert_same(pickle.loads(pickle.dumps(columns)))  # for workers that start later
    path.unlink()
    assert_same(pickle.loads(pickle.dumps(columns)))


def test_other_archives(tmp_path):
    path = tmp_path / 'a.npz'
    np.savez(path, **ARRAYS)
    assert_same(map_columns(path))
    np.savez_compressed(path, **ARRAYS)
    with pytest.raises(ValueError, match='is compressed'):
        map_columns(path)
    np.savez(path, a=np.array([dict()], object))
    with pytest.raises(ValueError, match='is no plain array'):
        map_columns(path)
    path.write_bytes(b'')
    with pytest.raises(ValueError, match=r'a\.npz: is damaged'):
        map_columns(path)


@given(st.lists(st.lists(st.integers(0, 9), max_size=4), min_size=1, max_size=8), st.data())
def test_ragged_rows(rows, data):
    ragged = Ragged.of_rows([np.array(row, np.int64) for row in rows], np.int64)
    assert [ragged[n].tolist() for n in range(len(ragged))] == rows
    chosen = data.draw(st.lists(st.integers(0, len(rows) - 1), max_size=9))
    taken = ragged.take(np.array(chosen, np.int64))
    assert [taken[n].tolist() for n in range(len(taken))] == [rows[n] for n in chosen]
    both = Ragged.join([taken, ragged])
    assert [both[n].tolist() for n in range(len(both))] == [rows[n] for n in chosen] + rows


def test_ragged_strings():
    names = ['a/b.mp4', '', 'nöt/日本.mkv', 'not \udcff text.mp4']
    ragged = Ragged.of_strings(names)
    assert ragged.strings() == names == [ragged.string(n) for n in range(4)]
