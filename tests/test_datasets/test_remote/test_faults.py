"""Servers and lines that fail: tried again, then the file counts as unreadable; nothing hangs."""

import os
import time

import pytest

from poodle_mm.datasets.files import FrameReadError
from poodle_mm.datasets.remote.options import RemoteOptions
from poodle_mm.datasets.remote.remote_file import RemoteFile
from poodle_mm.datasets.remote.requests import persist
from poodle_mm.datasets.video.reader import VideoReader
from tests.test_datasets.test_remote.server import cut, entries, slow, status
from tests.test_datasets.test_remote.test_reading import assert_same_pair, pairs_of
from tests.test_datasets.video_factory import read_number, write_video

NAME = 'day0/2.mp4'
SOON = dict(retries=2, timeout=0.5)


def read(server, **options) -> int:
    """Number on frame 30 of a video."""
    file = RemoteFile(f'{server.url}/{NAME}', RemoteOptions(**{**SOON, **options}))
    with VideoReader(file) as video:
        return read_number(video.read([30])[0])


@pytest.mark.parametrize(
    'fault', [cut(2), status(500, 2), status(503, 2), status(429, 2), slow(0.8, 2)]
)
def test_faults_that_pass(fault, server):
    server.faults[NAME] = fault
    assert read(server) == 30


@pytest.mark.parametrize(
    'fault, reason, tries',
    [
        (cut(), 'ClientPayloadError', 3),
        (slow(0.8), r'no answer within 0.5 s', 3),
        (status(500), 'status 500', 3),
        (status(404), 'no such file', 1),
        (status(403), 'denies access', 1),
        (status(401), 'denies access', 1),
        (status(418), 'status 418', 1),
    ],
)
def test_faults_that_stay(fault, reason, tries, server):
    server.faults[NAME] = lambda handler, number: handler.command == 'GET' and fault(handler, 1)
    start = time.monotonic()
    with pytest.raises(FrameReadError, match=reason) as error:
        read(server)
    assert error.value.path == f'{server.url}/{NAME}'
    assert server.gets(NAME) == tries
    assert time.monotonic() - start < 30  # it ends


def test_signatures_are_not_shown(server):
    """Of a single video a signed URL is read."""
    url = f'{server.url}/{NAME}?X-Amz-Signature=xyzzy'
    with VideoReader(url) as video:
        assert read_number(video.read([30])[0]) == 30
        assert video.path == f'{server.url}/{NAME}?...'
    for fault in (status(403), cut()):
        server.faults['xyzzy'] = fault
        with pytest.raises(FrameReadError) as error:
            VideoReader(RemoteFile(url, RemoteOptions(**SOON)))
        assert 'xyzzy' not in str(error.value)


def test_no_server(server):
    server.shutdown()
    server.server_close()
    with pytest.raises(FrameReadError, match='tried 3 times'):
        read(server)


def test_a_missing_package_is_not_waited_for():
    calls = []

    def request():
        calls.append(1)
        raise ImportError('pip install "fsspec[http]"')

    with pytest.raises(ImportError, match='pip install'):
        persist('http://host/a.mp4', RemoteOptions(), request)
    assert len(calls) == 1


def test_a_size_is_asked_for_by_get_where_head_is_forbidden(server):
    server.faults[NAME] = status(405, method='HEAD')
    assert read(server) == 30


def test_a_server_that_ignores_ranges_is_refused(server):
    server.ranges = False
    assert read(server) == 30  # all in the first block
    with pytest.raises(FrameReadError, match='does not answer range requests'):
        read(server, block_size=1024)


def test_a_file_that_has_changed_since_it_was_indexed(server, tree):
    data = pairs_of(server.url, max_bad_share=0.5, test_mode=True)
    index = [data.get_data_info(i)['source_id'] for i in range(4)].index(NAME)
    data[index]
    write_video(tree / NAME, 20)
    with pytest.raises(FrameReadError, match='has changed since it was indexed'):
        data[index]
    # the same size, another time
    other = data.get_data_info(0)['source_id']
    os.utime(tree / other, (1, 1))
    with pytest.raises(FrameReadError, match='has changed'):
        data[0]
    assert len(pairs_of(server.url)) == 4


def test_a_file_that_is_gone_is_replaced_and_counted(server, tree, warnings):
    data = pairs_of(server.url, max_bad_share=0.3, remote=SOON)
    near = pairs_of(tree)
    server.faults[NAME] = status(404)
    index = [data.get_data_info(i)['source_id'] for i in range(4)].index(NAME)
    pair = data[index]
    assert pair['source_id'] != NAME and pair['rejected'] == dict(unreadable=1)
    assert data.unreadable == {f'{server.url}/{NAME}': 'no such file on the server'}
    assert 'another sample is taken' in ''.join(warnings)
    for i in {*range(4)} - {index}:
        assert_same_pair(data[i], near[i])
    server.faults['mp4'] = status(500)
    with pytest.raises(ValueError, match=r'2 of 4 files cannot be used'):
        data[0]


def test_the_index_counts_what_fails(server):
    server.faults[NAME] = status(403)
    server.faults['day1/1.mp4'] = cut()
    remote = RemoteOptions(**SOON)
    errors = {info.path: info.error for info in entries(server.url, remote=remote)}
    assert 'denies access' in errors[NAME] and 'ClientPayloadError' in errors['day1/1.mp4']
    assert list(errors.values()).count('') == 2
    # it tries again
    server.faults.clear()
    assert not any(info.error for info in entries(server.url, remote=remote))
