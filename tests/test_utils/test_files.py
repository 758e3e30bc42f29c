"""Files are whole or absent, do not meet under one name, and a damaged note stops nothing."""

import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from poodle_mm.engine.hooks.checkpoint_hook import AtomicLocalBackend
from poodle_mm.utils import errors, files
from poodle_mm.utils.files import read_json, read_object, replacing, replacing_folder, write_json


def test_two_writers_with_the_same_process_number(tmp_path):
    """As in two containers: each has a file of its own, the last to end wins."""
    path = tmp_path / 'sub' / 'a.json'
    with replacing(path) as first, replacing(path) as second:
        assert first != second
        assert {p.parent for p in (first, second)} == {path.parent}
        assert {p.suffix for p in (first, second)} == {'.json'}
        first.write_text('first')
        second.write_text('second')
    assert path.read_text() == 'first'  # the outer block ends last
    assert list(path.parent.iterdir()) == [path]


def test_nothing_half_written_stays(tmp_path):
    path = tmp_path / 'sub' / 'a.txt'
    with replacing(path) as temporary:
        temporary.write_text('old')
    with pytest.raises(RuntimeError), replacing(path) as temporary:
        temporary.write_text('new, but')
        raise RuntimeError
    assert path.read_text() == 'old' and list(path.parent.iterdir()) == [path]


def test_a_folder_is_whole_or_absent(tmp_path):
    path = tmp_path / 'sub' / 'a'
    with pytest.raises(RuntimeError), replacing_folder(path) as temporary:
        (temporary / 'half').touch()
        raise RuntimeError
    assert list(path.parent.iterdir()) == []
    with replacing_folder(path) as temporary:
        (temporary / 'half').touch()
        os.rename(temporary, killed := tmp_path / 'killed')
        temporary.mkdir()
        (temporary / '1').touch()
        assert temporary.name.startswith('.') and not path.exists()
    assert [p.name for p in path.iterdir()] == ['1'] and list(path.parent.iterdir()) == [path]
    # what a killed process leaves behind
    os.rename(killed, path.with_name('.b.part'))
    with replacing_folder(path.with_name('b')) as temporary:
        (temporary / '2').touch()
    assert os.listdir(path.with_name('b')) == ['2']


@pytest.mark.parametrize(
    'write',
    [lambda path: write_json(path, 1), lambda path: AtomicLocalBackend().put(b'1', path)],
    ids=['json', 'checkpoint'],
)
def test_order_of_a_write_that_survives_a_power_cut(tmp_path, monkeypatch, write):
    """Content to the disk, then the new name, then the folder with the name."""
    path, done = tmp_path / 'a', []
    fsync, replace = os.fsync, os.replace

    def spy_fsync(handle: int) -> None:
        done.append(Path(os.readlink(f'/proc/self/fd/{handle}')))
        fsync(handle)

    monkeypatch.setattr(os, 'fsync', spy_fsync)
    monkeypatch.setattr(os, 'replace', lambda a, b: (done.append('rename'), replace(a, b)))
    write(path)
    content, rename, folder = done
    assert content.parent == tmp_path and content != path
    assert (rename, folder) == ('rename', tmp_path)


@pytest.mark.parametrize('content', [b'', b'{"iter": 3', b'\xff\xfe', b'[1, 2'])
def test_damaged_json_is_named_and_ignored(tmp_path, monkeypatch, content):
    said = []
    monkeypatch.setattr(errors, 'warn', lambda text: said.append(text))
    path = tmp_path / 'run_stats.json'
    assert read_json(path) is None and not said
    path.write_bytes(content)
    assert read_json(path) is None
    assert f'{path} is damaged and is ignored' in said[0]


def test_image_reads_back(tmp_path):
    image = np.random.default_rng(0).integers(0, 255, (5, 7, 3), np.uint8)
    files.write_image(tmp_path / 'new' / 'a.png', image, [cv2.IMWRITE_PNG_COMPRESSION, 9])
    np.testing.assert_array_equal(cv2.imread(str(tmp_path / 'new' / 'a.png')), image)
    assert [path.name for path in (tmp_path / 'new').iterdir()] == ['a.png']


def test_an_object_is_one_or_is_refused(tmp_path):
    path = tmp_path / 'a.json'
    assert read_object(path) == {}
    path.write_text('{"a": 1}')
    assert read_object(path) == dict(a=1)
    path.write_text('"a"')
    with pytest.raises(ValueError, match=r'a\.json holds a str'):
        read_object(path)
