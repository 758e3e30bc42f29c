"""What a server lists, what the index keeps of it, and what a user is told."""

import os

import fsspec
import numpy as np
import pytest

from poodle_mm.datasets.files import VIDEO_EXTENSIONS
from poodle_mm.datasets.preparation.check import check_data
from poodle_mm.datasets.remote.listing import list_remote
from poodle_mm.datasets.remote.options import RemoteOptions, remote_options
from poodle_mm.datasets.remote.urls import file_name, is_url, join_url, shown, url_or_folder
from poodle_mm.datasets.video.index import default_cache_path
from tests.test_datasets.test_remote.server import entries, serving, slow
from tests.test_datasets.test_remote.test_reading import pairs_of
from tests.test_datasets.video_factory import write_video

NAMES = ['day0/0.mp4', 'day0/2.mp4', 'day1/1.mp4', 'day1/3.mp4']


def names_in(url: str) -> list[str]:
    return [name for name, _ in list_remote(url, VIDEO_EXTENSIONS, RemoteOptions())]


def test_urls():
    assert is_url('s3://bucket/a') and is_url('http://host') and is_url('memory://a')
    assert not any(map(is_url, ('/data', 'data', 'C:\\videos', 'C:/videos', '../a:b', 's3:/a')))
    assert url_or_folder('s3://bucket/a/') == 's3://bucket/a'
    assert url_or_folder('data//videos/') == os.path.join('data', 'videos')
    assert join_url('http://host/list.txt', 'a/b c#1.mp4') == 'http://host/a/b%20c%231.mp4'
    assert join_url('http://host/list.txt?v=a/b', 'c.mp4') == 'http://host/c.mp4'
    assert join_url('s3://bucket/p/', 'a/b c#1.mp4') == 's3://bucket/p/a/b c#1.mp4'
    assert file_name('https://host/a%20b.mp4?key=1/2') == 'a b.mp4'
    assert file_name('s3://bucket/a?b.mp4') == 'a?b.mp4'


def test_names_are_those_of_the_folder(tree, server):
    write_video(tree / 'day 2' / 'ä #1%.MP4', 5)
    (tree / 'notes.txt').write_text('none')
    (tree / '.hidden.mp4').write_bytes(b'x')
    local = [info.path for info in entries(tree)]
    assert 'day 2/ä #1%.MP4' in local
    assert names_in(server.url) == local == names_in(f'file://{tree}')
    for name in local:
        content = (tree / name).read_bytes()
        fsspec.filesystem('memory').pipe(f'/names/{name}', content)
    assert names_in('memory://names') == local
    assert [info.error for info in entries(server.url)] == [''] * 5


def test_a_list_of_names(tree, server):
    server.listings = False
    (tree / 'list.txt').write_text('# mine\nday1/1.mp4\n\n./day0/0.mp4\nday0/none.mp4\nread.me\n')
    infos = entries(f'{server.url}/list.txt')
    assert [info.path for info in infos] == ['day0/0.mp4', 'day0/none.mp4', 'day1/1.mp4']
    assert [info.error for info in infos] == ['', 'no such file on the server', '']
    pair = pairs_of(f'{server.url}/list.txt', max_bad_share=0.5)[0]
    assert pair['source_id'] == 'day0/0.mp4' and pair['source'] == f'{server.url}/day0/0.mp4'
    for wrong in ('../a.mp4', 'https://elsewhere/a.mp4'):
        (tree / 'list.txt').write_text(f'day1/1.mp4\n{wrong}\n')
        with pytest.raises(ValueError, match='relative to its folder'):
            names_in(f'{server.url}/list.txt')


def test_a_server_without_listings(server):
    server.listings = False
    with pytest.raises(ValueError, match=r'denies access.*write the names into a text file'):
        names_in(server.url)


def test_a_server_that_does_not_answer(server):
    server.faults['/'] = slow(1)
    with pytest.raises(ValueError, match=r'no answer within 0.2 s'):
        list_remote(server.url, VIDEO_EXTENSIONS, RemoteOptions(timeout=0.2, retries=1))


def test_nothing_there(server, tree):
    with pytest.raises(FileNotFoundError, match=r'/nowhere: cannot be listed: no such file'):
        names_in(f'{server.url}/nowhere')
    with pytest.raises(FileNotFoundError, match=r'no such file'):
        names_in(f'{server.url}/list.txt')
    (tree / 'empty').mkdir()
    with pytest.raises(FileNotFoundError, match=r'nothing is listed there'):
        names_in(f'{server.url}/empty')
    with pytest.raises(FileNotFoundError, match=r'memory://void: no file with an extension of'):
        names_in('memory://void')
    with pytest.raises(FileNotFoundError, match='2 others'):
        fsspec.filesystem('memory').pipe({'/void/a.jpg': b'', '/void/b.txt': b''})
        names_in('memory://void')


def test_the_index_lies_in_the_users_cache(server, cache, tree):
    first = entries(server.url)
    assert [p.parent for p in cache.iterdir()] == [cache]
    assert default_cache_path(server.url, 'video_index').exists()
    assert [info.path for info in first] == NAMES
    server.log.clear()
    assert entries(server.url) == first
    assert {method for method, path, *_ in server.log if path.endswith('mp4')} == {'HEAD'}
    # only what has changed is looked at again
    write_video(tree / NAMES[1], 25)
    server.log.clear()
    again = entries(server.url)
    assert [info.frames for info in again] == [first[0].frames, 25, *(i.frames for i in first[2:])]
    assert {path for method, path, *_ in server.log if method == 'GET' and 'mp4' in path} == {
        f'/{NAMES[1]}'
    }
    np.testing.assert_array_equal([i.duration for i in first[2:]], [i.duration for i in again[2:]])


def test_missing_packages_and_protocols(monkeypatch):
    with pytest.raises(ValueError, match='nosuch'):
        names_in('nosuch://a')

    def missing(*args, **kwargs):
        raise ImportError('Install s3fs to access S3')

    monkeypatch.setattr(fsspec.core, 'url_to_fs', missing)
    for protocol, line in dict(s3='fsspec[s3]', gs='fsspec[gcs]', hf='huggingface_hub').items():
        with pytest.raises(ImportError, match='pip install') as error:
            names_in(f'{protocol}://bucket/videos')
        assert line in str(error.value)


def test_secrets_are_not_shown(warnings):
    options = remote_options(dict(secret='xyzzy', anon=False), dict(timeout=3))
    assert 'xyzzy' not in repr(options)
    options.warn_of_secrets()
    assert 'storage_options.secret' in warnings[0] and 'xyzzy' not in warnings[0]


@pytest.mark.parametrize(
    'url',
    [
        'https://me:xyzzy@host/videos',
        'ftp://me:xyzzy@host/videos',
        'https://host/list.txt?X-Amz-Signature=xyzzy',
        'https://host/videos?sig=xyzzy',
    ],
)
def test_secrets_in_urls_are_refused_and_not_shown(url):
    assert 'xyzzy' not in shown(url)
    for read in (url_or_folder, entries, pairs_of, lambda url: check_data('videos', url)):
        with pytest.raises(ValueError, match='a password or a signature') as error:
            read(url)
        assert 'xyzzy' not in str(error.value)


def test_harmless_urls_are_as_they_were():
    for url in ('s3://bucket/a:b@c?d', 'sftp://me@host/a', 'https://host:80/a@b:c'):
        assert shown(url) == url == url_or_folder(url)
    assert url_or_folder('https://host/list.txt?version=2') == 'https://host/list.txt?version=2'


def test_one_index_with_and_without_a_slash_at_the_end(server, cache):
    entries(server.url)
    assert entries(f'{server.url}/') == entries(server.url)
    assert len([path for path in cache.iterdir() if path.suffix == '.npz']) == 1


def test_what_reads_images_wants_a_folder(server):
    with pytest.raises(ValueError, match='a local folder is needed'):
        pairs_of(server.url, source='frames', fps=30)
    with pytest.raises(ValueError, match='of URLs only videos are checked'):
        check_data('bdd100k', server.url)


def test_check_data(tree, server):
    (tree / 'day1' / 'bad.mp4').write_bytes(b'nothing')
    near, far = check_data('videos', tree), check_data('videos', server.url)
    expected = near.text().replace(f"'{tree}/day1/bad.mp4'", "'bad.mp4'")
    assert far.text() == expected.replace(str(tree), server.url)
    assert not far.ok and 'bad.mp4' in far.text()


def test_servers_without_sizes_are_refused(tmp_path):
    """Without a size nobody knows where a file's end is, and MP4 may keep its header there."""
    pytest.importorskip('aiohttp')
    write_video(tmp_path / 'a.mp4', 5)

    def sizeless(handler, number):
        handler.send_response(200)
        handler.send_header('Transfer-Encoding', 'chunked')
        handler.end_headers()
        if handler.command == 'GET':
            handler.wfile.write(b'0\r\n\r\n')
        return True

    with serving(tmp_path) as server:
        server.faults['a.mp4'] = sizeless
        assert [info.error for info in entries(server.url)] == ['the server does not tell its size']
