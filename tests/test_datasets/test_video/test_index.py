"""The index of a tree: what it finds, when it looks again, what it survives."""

import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

from poodle_mm.datasets.files import VIDEO_EXTENSIONS, find_files
from poodle_mm.datasets.video import index as video_index
from poodle_mm.datasets.video import index_file
from poodle_mm.datasets.video.frame_table import FrameTable
from poodle_mm.datasets.video.index import build_index, default_cache_path, scan_video
from poodle_mm.datasets.video.index_file import read_index, write_index
from poodle_mm.datasets.video.reader import VideoReader
from poodle_mm.datasets.video.video_table import VideoInfo, VideoTable
from poodle_mm.utils import columns
from tests.test_datasets.test_video.test_reader import write_jpegs
from tests.test_datasets.video_factory import read_number, write_video


@pytest.fixture
def scanned(monkeypatch) -> list[str]:
    """Paths in the order in which they were opened."""
    calls = []

    def spy(info, **kwargs):
        calls.append(info.path)
        return scan_video(info, **kwargs)

    monkeypatch.setattr(video_index, 'scan_video', spy)
    return calls


NAMES = ['day0/0.mp4', 'day0/2.mp4', 'day1/1.mp4', 'day1/3.mp4']


def test_frames_and_seconds_come_from_the_header(tree):
    infos = build_index(tree).videos
    assert [info.path for info in infos] == NAMES
    assert [info.frames for info in infos] == [40, 60, 50, 70]
    np.testing.assert_allclose([info.duration for info in infos], np.array([40, 60, 50, 70]) / 30)
    assert all(info.table is None and not info.error for info in infos)


def test_containers_without_a_frame_count(tmp_path):
    for name in ('a.mkv', 'b.ts', 'c.avi'):
        codec = 'mpeg4' if name.endswith('avi') else 'libx264'
        write_video(tmp_path / name, 45, codec=codec)
    index = build_index(tmp_path)
    assert not index.bad and len(index) == 3
    assert all(abs(info.frames - 45) <= 1 for info in index.videos)


def test_second_run_opens_nothing_and_gives_the_same(tree, scanned):
    first = build_index(tree)
    assert sorted(scanned) == NAMES
    scanned.clear()
    assert same(build_index(tree).videos, first.videos)
    assert scanned == []


def test_only_new_and_changed_files_are_opened(tree, scanned):
    build_index(tree)
    scanned.clear()
    write_video(tree / 'day2' / 'new.mov', 20)
    write_video(tree / 'day0' / '0.mp4', 33)
    os.utime(tree / 'day1' / '1.mp4', ns=(1, 1))
    (tree / 'day1' / '3.mp4').unlink()
    infos = build_index(tree).videos
    assert sorted(scanned) == ['day0/0.mp4', 'day1/1.mp4', 'day2/new.mov']
    assert {info.path: info.frames for info in infos} == {
        'day0/0.mp4': 33,
        'day0/2.mp4': 60,
        'day1/1.mp4': 50,
        'day2/new.mov': 20,
    }
    scanned.clear()
    build_index(tree)
    assert scanned == []


def test_tables_survive_the_cache(tree, scanned):
    first = [scan_video(i, root=tree, with_table=True) for i in build_index(tree).videos]
    build_index(tree, with_table=True)
    scanned.clear()
    again = build_index(tree, with_table=True).videos
    assert scanned == []
    for a, b in zip(first, again, strict=True):
        for x, y in zip(a.table, b.table, strict=True):
            np.testing.assert_array_equal(x, y)
        assert a.frames == b.frames == len(a.table.pts)


@pytest.mark.parametrize('damage', ['half', 'text', 'empty', 'format', 'keys'])
def test_a_corrupt_cache_is_built_anew(tree, scanned, damage, monkeypatch):
    first = list(build_index(tree).videos)
    cache = default_cache_path(tree, 'video_index')
    content = cache.read_bytes()
    if damage == 'format':
        monkeypatch.setattr(index_file, 'FORMAT', 'older')
        write_index(cache, VideoTable.from_infos(first))
        monkeypatch.undo()
        monkeypatch.setattr(video_index, 'scan_video', _spy(scanned))
    elif damage == 'keys':
        with cache.open('wb') as file:
            np.savez(file, format=1, path=np.array(['a']))
    else:
        cache.write_bytes(
            {'half': content[: len(content) // 2], 'text': b'x', 'empty': b''}[damage]
        )
    scanned.clear()
    messages = []
    monkeypatch.setattr(index_file, 'warn', lambda text: messages.append(text))
    assert same(build_index(tree).videos, first)
    assert sorted(scanned) == NAMES
    assert len(messages) == 1 and str(cache) in messages[0]
    assert len(read_index(cache)) == 4


def example_infos() -> list[VideoInfo]:
    """Ten files, of which every third has a table and every sixth counts packets."""
    infos = []
    for i in range(10):
        pts = np.arange(20 + i) * 512
        counted = np.arange(20 + i)[::-1].copy() if i % 6 == 0 else None
        table = FrameTable(pts, pts[::7], pts[::7] - 1024, 1 / 15360, counted)
        info = VideoInfo(f'day{i}/nöt_{i}.mp4', 1000 + i, 10**18 + i, 20 + i, i / 3, '', 1 + i % 2)
        info.table = table if i % 3 == 0 else None
        infos.append(info)
    return infos


def same(infos: Iterable[VideoInfo], others: Iterable[VideoInfo]) -> bool:
    def plain(info: VideoInfo) -> dict:
        table = info.table and [np.asarray(part).tolist() for part in info.table]
        return vars(info) | dict(table=table)

    return [plain(info) for info in infos] == [plain(info) for info in others]


def damaged(content: bytes, rng: np.random.Generator) -> bytes:
    """With 1 to 8 flipped bits, a piece cut out, zeros in the middle, or cut off."""
    data, kind = bytearray(content), rng.integers(5)
    begin, end = sorted(rng.integers(len(data), size=2).tolist())
    if kind <= 1:
        for place in rng.integers(len(data), size=rng.integers(1, 9)).tolist():
            data[place] ^= 1 << int(rng.integers(8))
    elif kind == 2:
        del data[begin:end]
    elif kind == 3:
        data[begin:end] = bytes(end - begin)
    else:
        del data[begin:]
    return bytes(data)


def test_random_damage_is_found_or_harms_nothing(tmp_path, monkeypatch):
    """300 damaged copies: what was written, or nothing and one message that names the file."""
    infos, rng = example_infos(), np.random.default_rng(0)
    cache, messages = tmp_path / 'index.npz', []
    monkeypatch.setattr(index_file, 'warn', lambda text: messages.append(text))
    write_index(cache, VideoTable.from_infos(infos))
    content = cache.read_bytes()
    assert same(read_index(cache), infos) and not messages
    found = 0
    for _ in range(300):
        cache.write_bytes(damaged(content, rng))
        messages.clear()
        read = read_index(cache)
        if messages:
            assert not read and len(messages) == 1
            assert messages[0].startswith(f'{cache}: unusable index') and '\n' not in messages[0]
        else:
            assert same(read, infos)
        found += len(messages)
    assert found > 200  # the rest hits what nothing depends on, such as dates


@pytest.mark.parametrize(
    ('change', 'reason'),
    [
        (dict(frames=-1), 'digest'),
        (dict(path=np.arange(10)), 'digest'),
        (dict(table=np.zeros(3, np.int64)), 'digest'),
        (dict(extra=np.zeros(3)), 'digest'),
        (dict(digest=None), 'digest'),
    ],
)
def test_an_archive_that_is_whole_but_another(tmp_path, monkeypatch, change, reason):
    """As two writers through a network file system may leave it: the checksum finds it."""
    cache, messages = tmp_path / 'index.npz', []
    monkeypatch.setattr(index_file, 'warn', lambda text: messages.append(text))
    write_index(cache, VideoTable.from_infos(example_infos()))
    with np.load(cache) as archive:
        arrays = dict(archive)
    for key, value in change.items():
        if value is None:
            del arrays[key]
            continue
        if np.isscalar(value):
            value = np.full_like(arrays[key], value)
        arrays[key] = value
    np.savez(cache, **arrays)
    assert not len(read_index(cache))
    assert len(messages) == 1 and reason in messages[0]


def _spy(calls):
    def spy(info, **kwargs):
        calls.append(info.path)
        return scan_video(info, **kwargs)

    return spy


def test_a_killed_write_leaves_the_old_cache(tree, monkeypatch):
    build_index(tree)
    cache = default_cache_path(tree, 'video_index')
    before = cache.read_bytes()

    def dies(file, array, **options):
        file.write(b'half')
        raise KeyboardInterrupt

    monkeypatch.setattr(columns.np.lib.format, 'write_array', dies)
    write_video(tree / 'new.mp4', 20)
    with pytest.raises(KeyboardInterrupt):
        build_index(tree)
    assert cache.read_bytes() == before
    assert {path.name for path in tree.glob('.*')} == {cache.name, f'{cache.name}.previous'}


def test_bad_files_are_named_and_tried_again(tree, scanned):
    content = (tree / NAMES[3]).read_bytes()
    (tree / 'empty.mp4').touch()
    (tree / 'text.mp4').write_text('no video')
    (tree / 'no_end.mp4').write_bytes(content[: len(content) // 2])
    (tree / 'notes.json').write_text('{}')
    (tree / '._hidden.mp4').write_text('')
    errors = build_index(tree).bad
    assert sorted(errors) == ['empty.mp4', 'no_end.mp4', 'text.mp4']
    assert errors['empty.mp4'] == 'empty file'
    scanned.clear()
    (tree / 'text.mp4').write_bytes(content)
    errors = build_index(tree).bad
    assert sorted(errors) == ['empty.mp4', 'no_end.mp4']
    assert sorted(scanned) == ['empty.mp4', 'no_end.mp4', 'text.mp4']


def test_truncated_with_its_header_in_front(tmp_path):
    """The header of a faststart file announces frames that are no longer there."""
    whole = write_video(tmp_path / 'whole.mp4', 60, options={'crf': '5'})
    front = tmp_path / 'front.mp4'
    _move_header_to_front(whole, front)
    content = front.read_bytes()
    (tmp_path / 'cut.mp4').write_bytes(content[: len(content) // 2])
    index = build_index(tmp_path)
    assert index.bad == {'cut.mp4': 'truncated'}
    assert [info.path for info in index.videos] == ['front.mp4', 'whole.mp4']


def _move_header_to_front(source: Path, target: Path) -> None:
    import av

    with (
        av.open(str(source)) as old,
        av.open(str(target), 'w', options={'movflags': 'faststart'}) as new,
    ):
        stream = new.add_stream_from_template(old.streams.video[0])
        for packet in old.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                new.mux(packet)


def test_unreadable_permissions(tree, monkeypatch):
    path = tree / NAMES[0]
    path.chmod(0)
    if os.access(path, os.R_OK):  # root may read everything
        opened = video_index.VideoReader

        def refuse(name, *args, **kwargs):
            if name == str(path):
                raise PermissionError(13, 'Permission denied', name)
            return opened(name, *args, **kwargs)

        monkeypatch.setattr(video_index, 'VideoReader', refuse)
    errors = build_index(tree).bad
    assert list(errors) == [NAMES[0]] and 'ermission denied' in errors[NAMES[0]]


def test_missing_empty_and_wrong_root(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'nowhere: no such folder.*\.mp4'):
        build_index(tmp_path / 'nowhere')
    (tmp_path / 'notes.txt').touch()
    with pytest.raises(NotADirectoryError, match=r'notes\.txt: a file; data_root is the folder'):
        build_index(tmp_path / 'notes.txt')
    with pytest.raises(FileNotFoundError, match=r'holds no file.*\.mov, \.mp4'):
        build_index(tmp_path)


def test_odd_files_are_named_and_stop_nothing(tree):
    (tree / 'gone.mp4').symlink_to(tree / 'nothing.mp4')
    (tree / 'loop.mp4').symlink_to(tree / 'loop.mp4')
    os.mkfifo(tree / 'pipe.mp4')
    (tree / 'long.mp4').symlink_to('x' * 300)
    for _ in range(2):
        index = build_index(tree)
        errors = index.bad
        assert len(index) == 8 and sorted(errors) == [
            *('gone.mp4', 'long.mp4', 'loop.mp4', 'pipe.mp4')
        ]
        assert errors['pipe.mp4'] == 'not a regular file'
        assert 'No such file' in errors['gone.mp4'] and 'Too many levels' in errors['loop.mp4']


@pytest.mark.parametrize('ending', ['mts', 'm2ts', 'flv', '3gp', 'vob', 'wmv', 'MPG'])
def test_other_endings(ending, tmp_path):
    mpeg = ending in ('vob', 'MPG')
    write_video(tmp_path / f'a.{ending}', 20, codec='mpeg2video' if mpeg else 'libx264', b_frames=2)
    (info,) = build_index(tmp_path).videos
    # files that have to be decoded to find their frames keep what was found
    assert (info.table is not None) == (ending in ('vob', 'MPG', 'wmv'))
    with VideoReader(tmp_path / info.path, info.table) as video:
        assert [read_number(video.read([i])[0]) for i in (19, 3)] == [19, 3]


def test_tables_of_some_files_survive_the_cache(tree, scanned):
    write_video(tree / 'old.avi', 30, b_frames=2)
    write_video(tree / 'older.mpg', 20, codec='mpeg2video', b_frames=2)
    first = plain_build_index(tree)
    build_index(tree)
    scanned.clear()
    again = build_index(tree).videos
    assert scanned == []
    assert [i.path for i in again if i.table is not None] == ['old.avi', 'older.mpg']
    for a, b in zip(first, again, strict=True):
        for x, y in zip(a.table or (), b.table or (), strict=True):
            np.testing.assert_array_equal(x, y)


def test_a_tree_of_unknown_endings_says_which(tmp_path):
    for name in ('a.r3d', 'b.r3d', 'c.txt'):
        (tmp_path / name).touch()
    with pytest.raises(FileNotFoundError, match=r'it holds 2 \.r3d, 1 \.txt'):
        build_index(tmp_path)


def test_several_streams_are_told(tmp_path, monkeypatch):
    messages = []
    monkeypatch.setattr(video_index, 'warn', lambda text: messages.append(text))
    write_jpegs(tmp_path / 'two.mkv', [(48, 64)] * 10, other_first=True)
    write_video(tmp_path / 'one.mkv', 10)
    build_index(tmp_path)
    assert len(messages) == 1
    assert '1 files hold several video streams, such as two.mkv (2)' in messages[0]


def test_links_and_loops(tree, tmp_path):
    linked = tmp_path / 'linked'
    linked.mkdir()
    (linked / 'data').symlink_to(tree)
    (tree / 'day0' / 'back').symlink_to(tree)
    assert find_files(linked, ['.mp4']) == [f'data/{name}' for name in NAMES]


def test_cache_in_the_users_folder_where_the_tree_is_read_only(tree, tmp_path, monkeypatch):
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'cache'))
    monkeypatch.setattr(video_index.os, 'access', lambda *args: False)
    build_index(tree)
    assert len(list((tmp_path / 'cache').rglob('video_index_*.npz'))) == 1
    assert not list(tree.glob('.poodle*'))


def test_a_cache_path_that_is_no_file_is_left_alone(tree, tmp_path):
    pipe = tmp_path / 'pipe'
    os.mkfifo(pipe)
    for path in (tmp_path, pipe):
        with pytest.raises(ValueError, match='index_cache must be the path of a file'):
            build_index(tree, cache=path)
    assert pipe.is_fifo()


def test_a_cache_that_cannot_be_written_is_no_error(tree):
    (tree / 'file').touch()
    assert len(build_index(tree, cache=tree / 'file' / 'index.npz')) == 4


def plain_find_files(root: Path, extensions: list[str]) -> list[str]:
    """As :func:`find_files`, by pathlib alone, for trees without links."""
    return sorted(
        path.relative_to(root).as_posix()
        for path in root.rglob('*')
        if path.is_file()
        and path.suffix.lower() in extensions
        and not any(part.startswith('.') for part in path.relative_to(root).parts)
    )


def plain_build_index(root: Path) -> list[VideoInfo]:
    """Every file opened, nothing remembered."""
    infos = []
    for path in plain_find_files(root, list(VIDEO_EXTENSIONS)):
        stat = (root / path).stat()
        infos.append(scan_video(VideoInfo(path, stat.st_size, stat.st_mtime_ns), root))
    return infos


def test_against_the_plain_way(tree):
    """Nested folders, odd names, files at the top, hidden files and folders."""
    content = (tree / NAMES[0]).read_bytes()
    for name in ('top.MP4', 'a b/c.d/e.mp4', 'ä/ö.mov', 'x/.hidden/a.mp4', 'x/.a.mp4', 'x/mp4'):
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_bytes(content)
    (tree / 'x' / 'folder.mp4').mkdir()
    (tree / 'empty.mp4').touch()
    expected = plain_build_index(tree)
    assert len(expected) == 8
    for root in (tree, f'{tree}/', os.path.relpath(tree)):
        assert find_files(root, VIDEO_EXTENSIONS) == [info.path for info in expected]
        for _ in range(2):  # the second time from the cache
            index = build_index(root)
            assert same(index.videos, [info for info in expected if not info.error])
            assert index.bad == {info.path: info.error for info in expected if info.error}
