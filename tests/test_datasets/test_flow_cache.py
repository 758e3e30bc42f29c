"""Files of the flow cache: what comes back, what each format may be off by, damaged files."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from poodle_mm.datasets import LoadCachedFlow
from poodle_mm.datasets.flow_cache import (
    FlowStorage,
    files_of,
    find_flow,
    flow_cache_path,
    is_cached,
    read_flow,
    write_flow,
)
from poodle_mm.datasets.flow_files import read_flow_file, write_flow_file
from poodle_mm.datasets.flow_note import claim_cache

FORMATS = ('float16', 'png16')
in_one_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def flows(largest: float) -> st.SearchStrategy:
    shape = st.tuples(st.just(2), st.just(2), st.integers(1, 9), st.integers(1, 9))
    values = st.floats(-largest, largest, width=32)
    return shape.flatmap(lambda s: arrays(np.float32, s, elements=values))


@in_one_folder
@given(flow=flows(65504))
def test_float16_is_off_by_a_2048th(tmp_path, flow):
    path = flow_cache_path(tmp_path, 'a.mp4', (3, 20))
    write_flow(path, flow)
    found = read_flow(path)
    assert found.dtype == np.float32 and found.shape == flow.shape
    # below 2^-14 float16 has steps of 2^-24
    limit = np.maximum(np.abs(flow.astype(float)) * 2.0**-11, 2.0**-25)
    assert (np.abs(found.astype(float) - flow) <= limit).all()


@in_one_folder
@given(flow=flows(511.984375))
def test_png16_is_off_by_half_a_64th(tmp_path, flow):
    path = flow_cache_path(tmp_path, 'a.mp4', (3, 20), 'png16')
    write_flow(path, flow)
    found = read_flow(path)
    assert found.dtype == np.float32 and found.shape == flow.shape
    assert (np.abs(found.astype(float) - flow) <= 1 / 128).all()


def test_png16_is_kittis_one_a_direction(tmp_path):
    flow = np.random.default_rng(0).integers(-900, 900, (2, 2, 6, 9)) / np.float32(64)
    write_flow(flow_cache_path(tmp_path, 'a.mp4', (3, 20), 'png16'), flow)
    for name, direction in (('3_20.png', flow[0]), ('3_20_back.png', flow[1])):
        found, known = read_flow_file(tmp_path / 'a.mp4' / name)
        assert known.all() and np.array_equal(found, direction)
    assert len([*tmp_path.rglob('*.*')]) == 3


@pytest.mark.parametrize('value', [512, -512, 511.99, 1e6, np.nan, np.inf])
def test_what_png16_cannot_hold_is_an_error_and_not_clipped(tmp_path, value):
    flow = np.zeros((2, 2, 4, 5), np.float32)
    flow[1, 0, 2, 3] = value
    with pytest.raises(ValueError, match=r'3_20\.png: png16 holds less than 512 .*float16.*size'):
        write_flow(flow_cache_path(tmp_path, 'a.mp4', (3, 20), 'png16'), flow)
    assert not [*tmp_path.iterdir()]


def written(root: Path, format: str) -> tuple[Path, np.ndarray]:
    flow = np.random.default_rng(1).normal(0, 9, (2, 2, 6, 10)).cumsum(-1).astype(np.float32)
    path = flow_cache_path(root, 'a.mp4', (3, 20), format)
    write_flow(path, flow)
    return path, read_flow(path)


@pytest.mark.parametrize('format', FORMATS)
def test_a_flipped_bit_is_an_error_or_changes_nothing(tmp_path, format):
    """A bit of each byte. Some carry nothing: a zip's times, the checksum of a PNG's empty end."""
    path, flow = written(tmp_path, format)
    for file in files_of(path):
        content = file.read_bytes()
        found = []
        for place in range(len(content)):
            damaged = bytearray(content)
            damaged[place] ^= 1 << place % 8
            file.write_bytes(damaged)
            try:
                found.append(np.array_equal(read_flow(path), flow))
            except ValueError as error:
                assert f'{file}: damaged flow cache' in str(error)
                assert 'delete it and run tools/cache_flow.py again' in str(error)
        assert all(found)
        assert len(found) < (100 if format == 'float16' else 5)
        file.write_bytes(content)


def test_a_flipped_bit_in_the_shape_is_an_error(tmp_path):
    """numpy alone would read fewer rows, and not compare the checksum."""
    path = flow_cache_path(tmp_path, 'a.mp4', (3, 20))
    write_flow(path, np.zeros((2, 2, 60, 90)))
    content = path.read_bytes()
    assert ord('6') ^ ord('4') == 2 and content.count(b'(2, 2, 60, 90)') == 1
    path.write_bytes(content.replace(b'(2, 2, 60, 90)', b'(2, 2, 40, 90)'))
    assert np.load(path)['flow'].shape == (2, 2, 40, 90)
    with pytest.raises(ValueError, match=r'3_20\.npz: damaged flow cache .*CRC'):
        read_flow(path)


@pytest.mark.parametrize('format', FORMATS)
def test_a_cut_file_is_an_error(tmp_path, format):
    path, _ = written(tmp_path, format)
    for file in files_of(path):
        content = file.read_bytes()
        for length in range(0, len(content), 7):
            file.write_bytes(content[:length])
            with pytest.raises(ValueError, match=rf'{file.name}: damaged flow cache'):
                read_flow(path)
        file.write_bytes(content)


def test_a_pair_without_its_way_back_is_not_cached(tmp_path):
    path, _ = written(tmp_path, 'png16')
    assert is_cached(path)
    for file in files_of(path):
        content = file.read_bytes()
        file.unlink()
        assert not is_cached(path)
        with pytest.raises(FileNotFoundError, match=rf'{file.name}: no cached flow'):
            read_flow(path)
        file.write_bytes(content)


def test_marked_as_unknown_is_damaged(tmp_path):
    path, flow = written(tmp_path, 'png16')
    write_flow_file(path, flow[0], flow[0, 0] > 0)
    with pytest.raises(ValueError, match=r'3_20\.png: damaged .*unknown'):
        read_flow(path)


@pytest.mark.parametrize('format', FORMATS)
def test_the_format_is_seen(tmp_path, format):
    path, flow = written(tmp_path, format)
    assert find_flow(tmp_path, 'a.mp4', (3, 20)) == path
    results = dict(source_id='a.mp4', frame_ids=(3, 20), ori_shape=(6, 10))
    assert np.array_equal(LoadCachedFlow(str(tmp_path))(results)['flow'], flow)


@pytest.mark.parametrize('format', FORMATS)
def test_smaller_flow_is_scaled_back(tmp_path, format):
    """An affine motion is the same at each size, away from the border."""
    v, u = np.mgrid[:12, :24].astype(np.float32) + 0.5
    full = np.stack([0.5 * u - 0.25 * v, 0.125 * u + 0.5 * v])
    v, u = 2 * (np.mgrid[:6, :8] + 0.5) * np.array([1, 1.5]).reshape(2, 1, 1)
    small = np.stack([(0.5 * u - 0.25 * v) / 3, (0.125 * u + 0.5 * v) / 2])
    claim_cache(tmp_path, dict(type='X', size=(3, 4)), FlowStorage(format, (6, 8)))
    write_flow(flow_cache_path(tmp_path, 'a', (0, 1), format), np.stack([small, -small]))
    results = dict(source_id='a', frame_ids=(0, 1), ori_shape=(12, 24))
    found = LoadCachedFlow(str(tmp_path))(results)['flow']
    assert found.dtype == np.float32 and found.shape == (2, 2, 12, 24)
    inner = np.s_[..., 1:-1, 2:-2]
    np.testing.assert_allclose(found[inner], np.stack([full, -full])[inner], atol=3 / 128)

    write_flow(flow_cache_path(tmp_path, 'a', (0, 1), format), np.zeros((2, 2, 12, 24)))
    with pytest.raises(ValueError, match=r'\(12, 24\).*not belong.*cache of size \(6, 8\)'):
        LoadCachedFlow(str(tmp_path))(results)


def test_storage_is_checked():
    with pytest.raises(ValueError, match="one of float16, png16, got 'png'"):
        FlowStorage('png')
    for size in ((0, 4), (4,)):
        with pytest.raises(ValueError, match='size is'):
            FlowStorage(size=size)
