"""A tree in a bucket of a real S3 server (moto's), through s3fs."""

from urllib.request import Request, urlopen

import pytest
from torch.utils.data import DataLoader

from poodle_mm.datasets.files import FrameReadError
from tests.test_datasets.test_remote.test_reading import (
    assert_same_pair,
    itself,
    noisy_video,
    pairs_of,
)

pytest.importorskip('s3fs')
moto_server = pytest.importorskip('moto.server')

LOGIN = dict(
    AWS_ACCESS_KEY_ID='name', AWS_SECRET_ACCESS_KEY='secret', AWS_DEFAULT_REGION='us-east-1'
)


@pytest.fixture
def s3(monkeypatch):
    """Arguments of fsspec's file system of an empty server; the login is in the environment."""
    for name, value in LOGIN.items():
        monkeypatch.setenv(name, value)
    server = moto_server.ThreadedMotoServer('127.0.0.1', port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f'http://{host}:{port}'
    urlopen(Request(f'{url}/moto-api/reset', method='POST'))  # its state is the process's
    yield dict(endpoint_url=url)
    server.stop()


@pytest.fixture
def bucket(s3, tree):
    """File system that holds ``tree`` as ``s3://bucket/all videos``."""
    import s3fs

    fs = s3fs.S3FileSystem(**s3, use_listings_cache=False)
    fs.mkdir('bucket')
    fs.put(f'{tree}/', 'bucket/all videos', recursive=True)
    return fs


def test_the_same_draws_as_from_disk(tree, bucket, s3):
    near = pairs_of(tree)
    far = pairs_of('s3://bucket/all videos/', storage_options=s3)
    assert [far.get_data_info(i)['source_id'] for i in range(4)] == [
        near.get_data_info(i)['source_id'] for i in range(4)
    ]
    for key in [(0, 0), (1, 1), (7, 2), (2, 3)]:
        assert_same_pair(near[key], far[key])
    assert far[0]['source'] == 's3://bucket/all videos/day0/0.mp4'


def test_clips_of_a_part_in_forked_workers(tree, bucket, s3):
    options = dict(source='clips', clip_seconds=0.7, data_prefix=dict(path='all videos/day1'))
    far = pairs_of('s3://bucket', storage_options=s3, **options)
    near = pairs_of(tree, **options | dict(data_prefix=dict(path='day1')))
    far[0]
    loader = DataLoader(
        far, batch_size=None, collate_fn=itself, num_workers=2, sampler=[0, 16, 31], timeout=60
    )
    for i, pair in zip((0, 16, 31), loader, strict=True):
        assert_same_pair(near[i], pair)


def test_ranges_alone_are_fetched(tmp_path, bucket, s3):
    path = noisy_video(tmp_path / 'long.mp4')
    bucket.put(str(path), 'bucket/long/a.mp4')
    data = pairs_of('s3://bucket/long', storage_options=s3, remote=dict(block_size=2**16))
    with data.source.open(data.get_data_info(0)) as video:
        video.read([100, 105])
        file = video._file
    assert 0 < file.fetched < path.stat().st_size / 4
    with pytest.raises(FrameReadError, match='changed'):
        bucket.pipe('bucket/long/a.mp4', path.read_bytes()[::-1])
        data.source.open(data.get_data_info(0))
    bucket.rm('bucket/long/a.mp4')
    with pytest.raises(FrameReadError, match='no such file'):
        data.source.open(data.get_data_info(0))


def test_nothing_there(bucket, s3):
    for url in ('s3://bucket/nowhere', 's3://nobody'):
        with pytest.raises(FileNotFoundError, match=url):
            pairs_of(url, storage_options=s3)
