"""Videos behind URLs: the frames and draws of those on disk, by few ranges of bytes."""

from pathlib import Path

import fsspec
import numpy as np
import pytest
from torch.utils.data import DataLoader

from poodle_mm.datasets.frame_pair_dataset import FramePairDataset
from poodle_mm.datasets.remote.options import RemoteOptions
from poodle_mm.datasets.remote.remote_file import RemoteFile
from poodle_mm.datasets.video.reader import VideoReader
from tests.test_datasets.test_remote.server import serving
from tests.test_datasets.video_factory import write_video

KINDS = {
    'plain.mp4': dict(),
    'b_frames.mp4': dict(b_frames=3),
    'b_frames.mkv': dict(b_frames=3),
    'b_frames.ts': dict(b_frames=3),
    'turned.mov': dict(rotation=90),
    'counted.avi': dict(b_frames=2),
}


def itself(pair: dict) -> dict:
    """A pipeline that changes nothing."""
    return pair


def pairs_of(root: str, **options) -> FramePairDataset:
    return FramePairDataset(str(root), delta=(3, 9), pipeline=[itself], **options)


def assert_same_pair(a: dict, b: dict) -> None:
    for key in ('source_id', 'frame_ids', 'timestamps', 'ori_shape', 'seed'):
        assert a[key] == b[key], key
    for frames in zip(a['frames'], b['frames'], strict=True):
        np.testing.assert_array_equal(*frames)


def noisy_video(path: Path, seconds: int = 20, front: bool = False) -> Path:
    """A video whose noise no encoder takes away: about 120 kB a second, a keyframe each."""
    import av

    rng = np.random.default_rng(0)
    path.parent.mkdir(parents=True, exist_ok=True)
    options = dict(movflags='faststart') if front else {}
    with av.open(str(path), 'w', options=options) as container:
        stream = container.add_stream('libx264', rate=10, options=dict(preset='ultrafast', qp='24'))
        stream.height, stream.width, stream.pix_fmt, stream.gop_size = 96, 160, 'yuv420p', 10
        for _ in range(10 * seconds):
            image = rng.integers(0, 256, (96, 160, 3), np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format='rgb24')))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize('name', KINDS)
@pytest.mark.parametrize('protocol', ['file', 'memory', 'http'])
def test_the_same_frames_bit_for_bit(name, protocol, tmp_path):
    path = write_video(tmp_path / 'a b' / name, **KINDS[name])
    if protocol == 'http':
        pytest.importorskip('aiohttp')
    fsspec.filesystem('memory').pipe(f'/a b/{name}', path.read_bytes())
    with serving(tmp_path) as server:
        urls = dict(
            file=f'file://{path}', memory=f'memory://a b/{name}', http=f'{server.url}/a%20b/{name}'
        )
        with VideoReader(path) as near, VideoReader(urls[protocol]) as far:
            np.testing.assert_array_equal(near.timestamps, far.timestamps)
            np.testing.assert_array_equal(near.keyframes, far.keyframes)
            assert near.header_facts() == far.header_facts() and far.has_end()
            for a, b in zip(near.read([39, 3, 17]), far.read([39, 3, 17]), strict=True):
                np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize('cache', ['blockcache', 'readahead', 'bytes', 'background', 'none'])
def test_every_cache_and_block_size_gives_the_same(cache, tmp_path):
    path = noisy_video(tmp_path / 'a.mp4', 5)
    for block_size in (1000, 65536, 2**24):
        file = RemoteFile(f'file://{path}', RemoteOptions(block_size=block_size, cache=cache))
        with VideoReader(path) as near, VideoReader(file) as far:
            for a, b in zip(near.read([44, 3]), far.read([44, 3]), strict=True):
                np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize('front', [False, True])
def test_a_pair_takes_the_header_and_its_own_stretch(front, tmp_path):
    pytest.importorskip('aiohttp')
    path = noisy_video(tmp_path / 'a.mp4', front=front)
    with serving(tmp_path) as server:
        file = RemoteFile(f'{server.url}/a.mp4', RemoteOptions(block_size=2**16))
        with VideoReader(file) as video:
            video.read([108, 112])
        assert server.sent['/a.mp4'] == file.fetched < path.stat().st_size / 4
        assert server.gets('a.mp4') == file.requests <= 12
        # never the same bytes twice, and one question for the size
        ranges = [(first, last) for method, _, first, last in server.log if method == 'GET']
        assert len(set(ranges)) == len(ranges)
        assert sum(method == 'HEAD' for method, *_ in server.log) == 1
        assert None not in sum(ranges, ())


def test_the_same_draws_as_from_disk(tree, server):
    near, far = pairs_of(tree), pairs_of(server.url)
    assert len(near) == len(far) == 4
    for key in [(0, 0), (0, 1), (1, 2), (5, 3)]:
        assert_same_pair(near[key], far[key])
    assert far[0]['source'] == f'{server.url}/day0/0.mp4'


def test_the_same_clips_as_from_disk(tree, server):
    options = dict(source='clips', clip_seconds=0.7, pairs_per_clip=2, repeats=2)
    near, far = pairs_of(tree, **options), pairs_of(server.url, **options)
    assert len(near) == len(far) > 8
    for key in (0, 5, len(near) - 1):
        for a, b in zip(near[key], far[key], strict=True):
            assert_same_pair(a, b)


def test_a_part_of_the_root(tree, server):
    part = pairs_of(server.url + '/', data_prefix=dict(path='day1'))
    assert [part[i]['source_id'] for i in range(2)] == ['1.mp4', '3.mp4']


@pytest.mark.parametrize('method', ['fork', pytest.param('spawn', marks=pytest.mark.slow)])
def test_workers(method, tree, server):
    """fsspec's thread does not survive a fork: each worker needs one of its own."""
    near, far = pairs_of(tree), pairs_of(server.url)
    far[0]  # so that the parent has used its own
    loader = DataLoader(
        far,
        batch_size=None,
        collate_fn=itself,
        sampler=[(3, i) for i in range(4)],
        num_workers=2,
        multiprocessing_context=method,
        timeout=60,
    )
    before = len(server.log)
    for i, pair in enumerate(loader):
        assert_same_pair(near[3, i], pair)
    assert len(server.log) >= before + 4
    assert far[1]['frame_ids'] == near[1]['frame_ids']  # and the parent goes on


def test_files_that_need_it_are_fetched_whole_once(tmp_path, warnings):
    pytest.importorskip('aiohttp')
    path = noisy_video(tmp_path / 'videos' / 'a.mkv')
    noisy = noisy_video(tmp_path / 'videos' / 'b.mp4')
    with serving(tmp_path / 'videos') as server:
        remote = dict(block_size=2**16)
        pairs_of(server.url, remote=remote)
        assert server.sent['/a.mkv'] >= path.stat().st_size
        assert '1 files, such as a.mkv, were fetched to their end' in ''.join(warnings)
        server.sent.clear()
        warnings.clear()
        data = pairs_of(server.url, remote=remote)
        assert not server.sent and 'fetched' not in ''.join(warnings)
        data[0]
        data[1]
        for file in (path, noisy):
            assert 0 < server.sent[f'/{file.name}'] < file.stat().st_size / 2


def test_options_without_meaning():
    for wrong in (dict(block_size=0), dict(timeout=-1), dict(retries=-1), dict(cache='wish')):
        with pytest.raises(ValueError, match=f'remote.{next(iter(wrong))}'):
            RemoteOptions(**wrong)
    with pytest.raises(ValueError, match="no key 'blocksize'; it takes block_size"):
        pairs_of('memory://nothing', remote=dict(blocksize=1))
