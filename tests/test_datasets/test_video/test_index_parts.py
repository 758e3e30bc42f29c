"""An index made by several processes, and read by several."""

import pickle

import numpy as np
import pytest

from poodle_mm.datasets import FramePairDataset
from poodle_mm.datasets.video import index as video_index
from poodle_mm.datasets.video import index_file
from poodle_mm.datasets.video.frame_table import FrameTable
from poodle_mm.datasets.video.index import build_index, default_cache_path, index_path
from poodle_mm.datasets.video.index_file import join_parts, part_path, parts_of, read_index
from poodle_mm.datasets.video.video_table import VideoInfo, VideoTable
from poodle_mm.utils.shards import Shard
from tests.test_datasets.test_video.test_index import NAMES, scanned  # noqa: F401


@pytest.mark.parametrize('with_table', [False, True])
def test_parts_together_are_the_index(tree, scanned, with_table):  # noqa: F811
    (tree / 'day0' / 'bad.mp4').write_text('no video')
    build_index(tree, tree / 'whole.npz', with_table)
    scanned.clear()
    indexes = [build_index(tree, None, with_table, Shard(i, 3)) for i in (2, 0, 1)]
    assert sorted(scanned) == sorted([*NAMES, 'day0/bad.mp4'])
    assert sorted(info.path for index in indexes for info in index.videos) == NAMES
    assert [path for index in indexes for path in index.bad] == ['day0/bad.mp4']
    cache = index_path(tree, None, with_table)
    assert cache.read_bytes() == (tree / 'whole.npz').read_bytes()
    assert parts_of(cache) == []
    scanned.clear()
    assert [info.path for info in build_index(tree, None, with_table).videos] == NAMES
    assert scanned == ['day0/bad.mp4']


def test_parts_that_nobody_joined_are_used(tree, scanned):  # noqa: F811
    """Training takes what is there, and opens the rest."""
    cache = default_cache_path(tree, 'video_index')
    build_index(tree, shard=Shard(1, 3))
    assert not cache.exists() and len(parts_of(cache)) == 1
    before = list(scanned)
    scanned.clear()
    build_index(tree, shard=Shard(1, 3))
    assert scanned == []  # a part that is there is not made again
    assert [info.path for info in build_index(tree).videos] == NAMES
    assert sorted(before + scanned) == NAMES
    assert parts_of(cache) == [] and len(read_index(cache)) == 4


def test_two_that_join_at_once(tree, monkeypatch):
    """The other one is done first: its index stays, and no error comes of it."""
    cache = default_cache_path(tree, 'video_index')
    for i in range(2):
        build_index(tree, shard=Shard(i, 2))
    content = cache.read_bytes()
    parts = [read_index(cache).take(np.arange(i, 4, 2)) for i in range(2)]
    for i, part in enumerate(parts):
        index_file.write_index(part_path(cache, Shard(i, 2)), part)
    write, calls = index_file.write_index, []

    def overtaken(path, videos):
        calls.append(path)
        if len(calls) == 1:
            assert join_parts(cache, 2)
        return write(path, videos)

    monkeypatch.setattr(index_file, 'write_index', overtaken)
    assert join_parts(cache, 2)
    assert len(calls) == 2 and cache.read_bytes() == content and not parts_of(cache)
    assert not join_parts(cache, 2)


def test_a_damaged_part_is_named_and_not_joined(tree, monkeypatch):
    cache, messages = default_cache_path(tree, 'video_index'), []
    monkeypatch.setattr(index_file, 'warn', messages.append)
    build_index(tree, shard=Shard(0, 2))
    part = part_path(cache, Shard(0, 2))
    part.write_bytes(part.read_bytes()[:-9])
    build_index(tree, shard=Shard(1, 2))
    assert not cache.exists() and 'part0of2' in messages[-1] and 'again' in messages[-1]
    build_index(tree, shard=Shard(0, 2))
    assert len(read_index(cache)) == 4


def test_a_killed_scan_keeps_what_it_had_found(tree, scanned, monkeypatch):  # noqa: F811
    monkeypatch.setattr(video_index, '_SAVE_AFTER', -1)
    scan = video_index.scan_video

    def killed(info, **kwargs):
        if info.path == NAMES[2]:
            raise KeyboardInterrupt
        return scan(info, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(video_index, 'scan_video', killed)
        with pytest.raises(KeyboardInterrupt):
            build_index(tree)
    assert [info.path for info in read_index(default_cache_path(tree, 'video_index'))] == NAMES[:2]
    scanned.clear()
    build_index(tree)
    assert sorted(scanned) == NAMES[2:]


def test_the_previous_index_outlives_its_successor(tree):
    """A page of a file that another machine has removed from NFS must not be asked for."""
    first = build_index(tree).videos
    (tree / NAMES[0]).unlink()
    second = build_index(tree).videos
    assert [info.path for info in first] == NAMES
    assert [info.path for info in second] == NAMES[1:]
    previous = default_cache_path(tree, 'video_index').with_name(
        '.poodle_mm_video_index.npz.previous'
    )
    assert [info.path for info in read_index(previous)] == NAMES


@pytest.mark.parametrize('source', ['videos', 'clips'])
def test_a_pickled_data_set_is_small_and_the_same(tree, source):
    kwargs = {} if source == 'videos' else dict(clip_seconds=0.7, pairs_per_clip=2, delta=5)
    dataset = FramePairDataset(tree, source, **kwargs)
    sent = pickle.dumps(dataset)
    again = pickle.loads(sent)
    assert len(sent) < 5000 and len(again) == len(dataset)
    for index in range(-len(dataset), len(dataset)):
        assert again.get_data_info(index) == dataset.get_data_info(index)
    chosen = dataset.get_subset([2, -1, 0])
    assert [chosen.get_data_info(i)['source_id'] for i in range(3)] == [
        dataset.get_data_info(i)['source_id'] for i in (2, len(dataset) - 1, 0)
    ]
    with pytest.raises(IndexError, match=f'among {len(dataset)}'):
        dataset.get_subset([len(dataset)])


def test_tables_even_and_uneven():
    """Whatever the steps between the frames, what comes out is what went in."""
    rng = np.random.default_rng(0)
    infos = []
    for number in range(60):
        count = int(rng.integers(1, 30))
        steps = np.full(count, 512) if number % 2 else rng.integers(1, 3, count)
        pts = np.cumsum(steps) - rng.integers(1000)
        keys = pts[:: rng.integers(1, 9)]
        dts = keys - (rng.integers(5, size=len(keys)) if number % 3 else 7)
        packets = rng.permutation(count) if number % 5 == 0 else None
        table = FrameTable(pts, keys, dts, 1 / int(rng.integers(1, 99)), packets)
        infos.append(VideoInfo(f'{number:02d}.mp4', 1, 2, count, 1.0, table=table))
    videos = VideoTable.from_infos(infos)
    for info, found in zip(infos, videos, strict=True):
        for a, b in zip(info.table, found.table, strict=True):
            np.testing.assert_array_equal(a, b)
        assert (info.table.packets is None) == (found.table.packets is None)
        assert info.table.pts.dtype == found.table.pts.dtype
    assert {videos.clock(1), videos.clock(0)} >= {None}
