"""Frames of videos with labels: which frames, their ids, the split, and going on."""

import json

import cv2
import numpy as np
import pytest

from poodle_mm.datasets import VideoReader
from poodle_mm.datasets.preparation.check import check_data
from poodle_mm.datasets.preparation.frames import find_videos
from poodle_mm.datasets.preparation.labelled_frames import (
    LabelledFrames,
    label_videos,
    split_videos,
)
from tests.test_datasets.video_factory import SHAPE, read_number, write_video

CLASSES = ('dark', 'bright', 'brightest')
MODEL = dict(config='a.py', checkpoint='a.pth')


def label(image: np.ndarray) -> np.ndarray:
    """Three classes by brightness."""
    return image.mean(-1).astype(int) // 86


@pytest.fixture
def videos(tmp_path):
    """Two videos of a tree and a file of its own."""
    write_video(tmp_path / 'in' / 'day' / 'rome.mp4', 70)
    write_video(tmp_path / 'in' / 'torun.mkv', 40)
    return find_videos([tmp_path / 'in', write_video(tmp_path / 'alone.mp4', 50)])


def run(videos, out, labeller=label, every=0.5, val=('rome',), **kwargs):
    """Label with small defaults."""
    splits = split_videos(list(videos), val)
    frames = LabelledFrames(every, **kwargs)
    return label_videos(videos, out, frames, splits, labeller, CLASSES, MODEL)


@pytest.mark.parametrize('suffix', ['.jpg', '.png'])
def test_layout_and_labels(videos, tmp_path, suffix):
    """Every half second at 30 fps: frames 0, 15, 30, ...; labels are the decoded frames', + 1."""
    out = tmp_path / 'out'
    done = run(videos, out, image_suffix=suffix)
    assert (dict(done.written), done.present, done.failed) == (dict(train=7, val=5), 0, {})
    places = dict(alone=('train', 4), torun=('train', 3)) | {'day/rome': ('val', 5)}
    want = {'pseudo_labels.json'}
    for name, (split, count) in places.items():
        with VideoReader(videos[name]) as video:
            decoded = video.read([15 * k for k in range(count)])
        for k, frame in enumerate(decoded):
            stem = f'{split}/{name}/{k:06d}'
            want |= {f'images/{stem}{suffix}', f'annotations/{stem}.png'}
            ids = cv2.imread(str(out / 'annotations' / f'{stem}.png'), cv2.IMREAD_UNCHANGED)
            assert ids.dtype == np.uint8
            np.testing.assert_array_equal(ids, label(frame) + 1)
            image = cv2.imread(str(out / 'images' / f'{stem}{suffix}'))[..., ::-1]
            assert read_number(image) == 15 * k
            if suffix == '.png':
                np.testing.assert_array_equal(image, frame)
    assert {p.relative_to(out).as_posix() for p in out.rglob('*') if p.is_file()} == want
    facts = json.loads((out / 'pseudo_labels.json').read_text())
    assert (facts['every'], facts['classes'], facts['model']) == (0.5, list(CLASSES), MODEL)
    assert facts['videos'] == {'alone': 'train', 'day/rome': 'val', 'torun': 'train'}
    report = check_data('wt-sem', out)
    assert report.ok, report.text()
    assert any('img_suffix' in note for note in report.notes) == (suffix == '.png')


def test_goes_on_after_an_interruption(videos, tmp_path):
    """The run that was stopped and the next one label each frame once."""
    out, calls = tmp_path / 'out', []

    def count(image, stop_at):
        if len(calls) == stop_at:
            raise KeyboardInterrupt
        calls.append(read_number(image))
        return label(image)

    with pytest.raises(KeyboardInterrupt):
        run(videos, out, lambda image: count(image, 5))
    assert len(list(out.rglob('*.png'))) == 5
    assert not list(out.rglob('.*')), 'temporary files'
    done = run(videos, out, lambda image: count(image, -1))
    assert done.present == 5 and sum(done.written.values()) == 7
    assert sorted(calls) == sorted([15 * k for n in (4, 3, 5) for k in range(n)])
    run(videos, tmp_path / 'whole')
    for path in (tmp_path / 'whole').rglob('*.*g'):
        assert path.read_bytes() == (out / path.relative_to(tmp_path / 'whole')).read_bytes()


def test_what_does_not_mix(videos, tmp_path):
    """Another interval or split in one folder; more videos are welcome."""
    out = tmp_path / 'out'
    some = {name: path for name, path in videos.items() if name != 'torun'}
    run(some, out)
    assert run(videos, out).present == 9
    with pytest.raises(ValueError, match=r'every 0\.5, not 1'):
        run(videos, out, every=1)
    with pytest.raises(ValueError, match='alone in train, now it would be in val'):
        run(videos, out, val=('alone',))
    with pytest.raises(ValueError, match='3 classes'):
        run(videos, tmp_path / 'b', lambda image: label(image) + 1)
    with pytest.raises(ValueError, match='labels'):
        run(videos, tmp_path / 'c', lambda image: label(image)[1:])


def test_a_broken_video_is_named_and_the_others_go_on(videos, tmp_path):
    path = tmp_path / 'broken.mp4'
    path.write_bytes(b'no video')
    done = run(videos | dict(broken=path), tmp_path / 'out')
    assert list(done.failed) == [str(path)] and sum(done.written.values()) == 12


def test_names(tmp_path, videos):
    assert list(videos) == ['day/rome', 'torun', 'alone']
    with pytest.raises(ValueError, match="share a folder: \\['alone'\\]"):
        find_videos([tmp_path / 'alone.mp4', tmp_path / 'alone.mp4'])
    with pytest.raises(FileNotFoundError):
        find_videos([tmp_path / 'nowhere'])


def test_splits():
    """By name, whole or without the folder, or a share of the videos."""
    names = [f'{i:02d}' for i in range(10)]
    chosen = [name for name, split in split_videos(names, share=0.2).items() if split == 'val']
    assert chosen == ['02', '07']
    assert set(split_videos(['a'], share=0.9).values()) == {'train'}
    assert sorted(split_videos(['a', 'b'], share=0.01).values()) == ['train', 'val']
    assert set(split_videos(names, share=0).values()) == {'train'}
    assert split_videos(['x/a', 'y/a', 'b'], ['a']) == {'x/a': 'val', 'y/a': 'val', 'b': 'train'}
    assert split_videos(['x/a', 'y/a'], ['x/a']) == {'x/a': 'val', 'y/a': 'train'}
    with pytest.raises(ValueError, match='--val c: no such video; there are a, b'):
        split_videos(['a', 'b'], ['c'])
    with pytest.raises(ValueError, match='share'):
        split_videos(names, share=1.0)


@pytest.mark.parametrize(
    'arguments', [dict(every=0), dict(image_suffix='.bmp'), dict(quality=0), dict(every=-2.0)]
)
def test_wrong_choices(arguments):
    with pytest.raises(ValueError, match='must be'):
        LabelledFrames(**arguments)


def published(root, low=0, high=150):
    """A small copy of the published set: two images a split, all ids from ``low`` to ``high``."""
    for split in ('train', 'val'):
        for i in range(2):
            for kind, end in (('images', 'jpg'), ('annotations', 'png')):
                (root / kind / split).mkdir(parents=True, exist_ok=True)
                content = np.arange(np.prod(SHAPE)).reshape(SHAPE) % (high - low + 1) + low
                cv2.imwrite(str(root / kind / split / f'{i}.{end}'), content.astype(np.uint8))
    return root


def test_check_of_the_published_set(tmp_path):
    """Counts are the paper's; ids from 0 to 150; ids that may begin with a class are told."""
    report = check_data('wt-sem', published(tmp_path / 'a'))
    assert [(p.name, p.found, p.expected) for p in report.parts] == [
        ('images/train', 2, 25_910), ('annotations/train', 2, 25_910),
        ('images/val', 2, 6170), ('annotations/val', 2, 6170),
    ]  # fmt: skip
    assert not report.problems and not report.notes
    report = check_data('wt-sem', published(tmp_path / 'b', high=149))
    assert 'reduce_zero_label=False' in report.notes[0]
    report = check_data('wt-sem', published(tmp_path / 'c', low=1, high=151))
    assert len(report.problems) == 2, report.text()  # 151 is no class
