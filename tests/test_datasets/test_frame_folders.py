"""Numbered frames: names, gaps and bad files."""

import os
import re
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from poodle_mm.datasets import FramePairDataset
from poodle_mm.datasets.frame_folders import parse_frame_name


@pytest.mark.parametrize(
    ('path', 'expected'),
    [
        ('0006R0_f00930.jpg', ('0006R0_f', 930)),
        ('train/Seq05VD_f00000.jpg', ('train/Seq05VD_f', 0)),
        ('test/0001TP_009570.jpg', ('test/0001TP_', 9570)),
        ('a/b/000012.png', ('a/b', 12)),
        ('aachen_000003_000019_leftImg8bit.png', ('aachen_000003__leftImg8bit', 19)),
        ('0000f77c-6257be58-0000007.jpg', ('0000f77c-6257be58-', 7)),
        ('frame_7.old.png', ('frame_.old', 7)),
        ('12.png', ('.', 12)),
        ('notes.png', None),
        ('mp4a.png', None),
        ('0001_cam0.jpg', ('_cam0', 1)),
        ('a/000012_Camera3.png', ('a/_Camera3', 12)),
        ('cam1_000012.png', ('cam1_', 12)),
        ('webcam.png', None),
    ],
)
def test_names(path, expected):
    assert parse_frame_name(path) == expected


def write_frames(folder: Path, numbers: list[int], prefix: str = 'seq_') -> None:
    """Images whose grey level is their number."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in numbers:
        image = np.full((24, 32, 3), number % 251, np.uint8)
        cv2.imwrite(str(folder / f'{prefix}{number:06d}.png'), image)


def raw(results: dict) -> dict:
    return results


def test_every_start_with_a_partner_and_no_other(tmp_path):
    write_frames(tmp_path / 'a', [0, 10, 20, 100, 115, 200])
    write_frames(tmp_path / 'a', [5, 15], prefix='other_')
    dataset = FramePairDataset(str(tmp_path), 'frames', delta=(10, 15), pipeline=[raw])
    drawn = {
        (pair['source_id'], *pair['frame_ids'])
        for pair in (dataset[(epoch, i)] for epoch in range(8) for i in range(len(dataset)))
    }
    assert drawn == {
        ('a/other_', 5, 15),
        ('a/seq_', 0, 10),
        ('a/seq_', 10, 20),
        ('a/seq_', 100, 115),
    }
    assert len(dataset) == 4
    pair = dataset[1]
    assert [int(frame[0, 0, 0]) for frame in pair['frames']] == list(pair['frame_ids'])


def test_seconds_are_numbers_over_fps(tmp_path):
    write_frames(tmp_path, [0, 10, 20])
    dataset = FramePairDataset(
        str(tmp_path), 'frames', delta=2.0, delta_unit='seconds', fps=10, pipeline=[raw]
    )
    assert len(dataset) == 1
    assert dataset[0]['frame_ids'] == (0, 20)
    assert dataset[0]['timestamps'] == (0.0, 2.0)


def test_a_frame_is_never_its_own_partner(tmp_path):
    write_frames(tmp_path, [0, 1, 2])
    kwargs = dict(delta_unit='seconds', fps=10, pipeline=[raw])
    with pytest.raises(ValueError, match=r'no two of the 3 frames .* 0.4 to 0.4 numbers apart'):
        FramePairDataset(str(tmp_path), 'frames', delta=0.04, **kwargs)
    dataset = FramePairDataset(str(tmp_path), 'frames', delta=(1e-8, 0.1), **kwargs)
    assert {dataset[i]['frame_ids'] for i in range(len(dataset))} == {(0, 1), (1, 2)}


def test_a_folder_without_any_pair_is_an_error(tmp_path):
    write_frames(tmp_path / 'good', list(range(20)))
    write_frames(tmp_path / 'sparse', [0, 100, 300])
    with pytest.raises(ValueError, match=r'sparse: no two of the 3 .*5 to 9 .*\[100, 200\]'):
        FramePairDataset(str(tmp_path), 'frames', delta=(5, 9))


def test_no_image_or_no_number(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'nowhere'):
        FramePairDataset(str(tmp_path / 'nowhere'), 'frames')
    with pytest.raises(FileNotFoundError, match=r'\.png'):
        FramePairDataset(str(tmp_path), 'frames')
    cv2.imwrite(str(tmp_path / 'photo.png'), np.zeros((4, 4, 3), np.uint8))
    with pytest.raises(FileNotFoundError, match='frame number'):
        FramePairDataset(str(tmp_path), 'frames')


def test_one_number_twice(tmp_path):
    write_frames(tmp_path, [1, 2, 3])
    cv2.imwrite(str(tmp_path / 'seq_2.jpg'), np.zeros((4, 4, 3), np.uint8))
    with pytest.raises(ValueError, match=r'both frame 2'):
        FramePairDataset(str(tmp_path), 'frames', delta=1)


def test_a_bad_image_among_many_is_skipped(tmp_path):
    write_frames(tmp_path, list(range(20)))
    (tmp_path / 'seq_000007.png').write_bytes(b'')
    dataset = FramePairDataset(str(tmp_path), 'frames', delta=1, pipeline=[raw])
    assert list(dataset.source.bad) == ['seq_000007.png']
    starts = {dataset[i]['frame_ids'][0] for i in range(len(dataset))}
    assert starts == set(range(19)) - {6, 7}


def test_too_many_bad_images(tmp_path):
    write_frames(tmp_path, list(range(20)))
    for number in (3, 4, 9):
        (tmp_path / f'seq_{number:06d}.png').write_bytes(b'broken')
    with pytest.raises(ValueError, match=r'(?s)3 of 20 files.*seq_000003\.png.*max_bad_share=0.1'):
        FramePairDataset(str(tmp_path), 'frames', delta=1)


def test_an_image_that_breaks_in_the_middle_is_replaced(tmp_path):
    write_frames(tmp_path, list(range(20)))
    path = tmp_path / 'seq_000007.png'
    path.write_bytes(path.read_bytes()[:40])
    dataset = FramePairDataset(str(tmp_path), 'frames', delta=1, pipeline=[raw])
    pairs = [dataset[i] for i in range(len(dataset))]
    assert len(pairs) == 19 and not any(7 in pair['frame_ids'] for pair in pairs)
    assert list(dataset.unreadable) == [str(path)]
    assert sum('rejected' in pair for pair in pairs) == 2


def test_frames_of_two_sizes_name_both(tmp_path):
    write_frames(tmp_path, [0, 1])
    cv2.imwrite(str(tmp_path / 'seq_000001.png'), np.zeros((8, 8, 3), np.uint8))
    dataset = FramePairDataset(str(tmp_path), 'frames', delta=1, max_bad_share=0.2, pipeline=[raw])
    with pytest.raises(ValueError, match=r'(?s)seq_000001\.png.*\(8, 8\).*seq_000000'):
        dataset[0]


def test_camvid(test_data):
    """Real names: distances by number, sequences and splits kept apart."""
    dataset = FramePairDataset(
        str(test_data / 'camvid' / 'images'),
        'frames',
        delta=(0.5, 1.5),
        delta_unit='seconds',
        pipeline=[raw],
    )
    assert len(dataset) > 600
    for i in range(0, len(dataset), 40):
        pair = dataset[i]
        a, b = pair['frame_ids']
        assert 15 <= b - a <= 45
        assert pair['ori_shape'] == (360, 480)
        split, name = pair['source_id'].split('/')
        assert split in ('train', 'val', 'test')
        assert name in ('0001TP_', '0006R0_f', '0016E5_', 'Seq05VD_f')


@pytest.mark.parametrize(
    ('name', 'reason'),
    [
        ('1305031102.175304.png', 'ends with a time .1305031102.175304.'),
        ('12345678901234567890.png', 'too large for a frame'),
        ('seq_000099.png', 'not a regular file'),
        ('seq_000098.png', 'link that leads nowhere'),
    ],
)
def test_odd_files_are_bad_and_stop_nothing(name, reason, tmp_path):
    write_frames(tmp_path, list(range(20)))
    path = tmp_path / name
    if name.endswith('99.png'):
        os.mkfifo(path)
    elif name.endswith('98.png'):
        path.symlink_to(tmp_path / 'gone.png')
    else:
        cv2.imwrite(str(path), np.zeros((24, 32, 3), np.uint8))
    dataset = FramePairDataset(str(tmp_path), 'frames', delta=1, pipeline=[raw])
    assert len(dataset) == 19 and list(dataset.source.bad) == [name]
    assert re.search(reason, dataset.source.bad[name])


@pytest.mark.parametrize('side', [9_000, 20_000, 40_000])
def test_a_huge_image_is_blamed_itself_and_never_decoded(side, tmp_path):
    """A PNG whose header announces side x side; one of 40,000 is too large for OpenCV too."""
    write_frames(tmp_path, list(range(20)))
    path = tmp_path / 'seq_000007.png'
    content = path.read_bytes()
    header = b'IHDR' + side.to_bytes(4, 'big') * 2 + content[24:29]
    path.write_bytes(content[:12] + header + zlib.crc32(header).to_bytes(4, 'big') + content[33:])
    dataset = FramePairDataset(str(tmp_path), 'frames', delta=1, pipeline=[raw])
    pairs = [dataset[i] for i in range(19)]
    assert not any(7 in pair['frame_ids'] for pair in pairs)
    assert list(dataset.unreadable) == [str(path)]
    assert 'large' in dataset.unreadable[str(path)]


def test_12_bits_in_16_are_warned_of_once(tmp_path, monkeypatch):
    """At 8 bits they are black but for the last four of them; dark 8-bit images are night."""
    values = np.linspace(0, 4095, 16 * 32).reshape(16, 32).astype(np.uint16)
    for number in range(4):
        for name, image in (('raw', values), ('full', 16 * values), ('night', values // 200)):
            image = image.astype(np.uint8) if name == 'night' else image
            path = tmp_path / name / f'{number}.png'
            path.parent.mkdir(exist_ok=True)
            cv2.imwrite(str(path), image)
    messages = []
    monkeypatch.setattr('poodle_mm.datasets.frame_folders.warn', lambda text: messages.append(text))
    for name in ('raw', 'full', 'night'):
        dataset = FramePairDataset(str(tmp_path / name), source='frames', delta=1, pipeline=[raw])
        for index in range(len(dataset)):
            dataset[index]
    assert len(messages) == 1 and str(tmp_path / 'raw') in messages[0]
    assert 'nearly black' in messages[0]
