"""Extracted frames: the same pairs as from the videos, resumable, broken videos named."""

import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from poodle_mm.datasets import FramePairDataset, VideoReader
from poodle_mm.datasets.preparation import frames as module
from poodle_mm.datasets.preparation.frames import FrameChoice, extract_frames
from tests.test_datasets.test_video.test_index import _move_header_to_front
from tests.test_datasets.video_factory import read_number, write_video


def raw(results: dict) -> dict:
    return results


def files(root: Path) -> set[str]:
    return {p.relative_to(root).as_posix() for p in root.rglob('*') if p.is_file()}


def test_every_keeps_the_numbers_and_the_pairs(tree, tmp_path):
    out = tmp_path / 'frames'
    done = extract_frames(tree, out, FrameChoice(every=5))
    assert (done.written, done.present, done.failed) == (4, 0, {})
    assert done.rates == {30.0: 4}
    want = {f'day{i % 2}/{i}/{n:06d}.jpg' for i in range(4) for n in range(0, 40 + 10 * i, 5)}
    assert files(out) == want | {'frames.json'}
    dataset = FramePairDataset(str(out), 'frames', delta=(15, 30), fps=30, pipeline=[raw])
    for key in range(0, len(dataset), 3):
        pair = dataset[key]
        a, b = pair['frame_ids']
        assert 15 <= b - a <= 30 and a % 5 == b % 5 == 0
        assert [read_number(image) for image in pair['frames']] == [a, b]
        np.testing.assert_allclose(np.diff(pair['timestamps'])[0], (b - a) / 30)
        with VideoReader(tree / f'{pair["source_id"]}.mp4') as video:
            for image, original in zip(pair['frames'], video.read([a, b])):
                assert np.abs(image.astype(int) - original).mean() < 3


def test_fps_keeps_the_times_at_a_variable_rate(tmp_path):
    gaps = np.random.default_rng(0).integers(10, 90, 80)
    times = np.concatenate([[0], np.cumsum(gaps)]).tolist()
    write_video(tmp_path / 'in' / 'walk.mkv', len(times), times=times)
    extract_frames(tmp_path / 'in', tmp_path / 'out', FrameChoice(fps=8))
    written = sorted((tmp_path / 'out' / 'walk').iterdir())
    assert len(written) == int(times[-1] / 1000 * 8) + 1
    for k, path in enumerate(written):
        assert path.name == f'{k:06d}.jpg'
        shown = read_number(cv2.imread(str(path))[..., ::-1])
        # two milliseconds are granted to the rounding of times
        assert times[shown] <= k * 125 + 2
        assert shown + 1 == len(times) or times[shown + 1] > k * 125
    dataset = FramePairDataset(
        str(tmp_path / 'out'), 'frames', delta=(0.5, 1), delta_unit='seconds', fps=8,
        pipeline=[raw],
    )  # fmt: skip
    pair = dataset[3]
    a, b = (times[read_number(image)] / 1000 for image in pair['frames'])
    np.testing.assert_allclose([a, b], pair['timestamps'], atol=0.09)


@pytest.mark.parametrize('fps', [10, 15, 30])
def test_a_whole_share_of_the_rate_takes_every_nth_frame(fps):
    # as a container in units of 1 ms rounds them
    timestamps = np.round(np.arange(100) / 30, 3)
    positions, numbers = FrameChoice(fps=fps).frames(timestamps)
    np.testing.assert_array_equal(positions, np.arange(0, 100, 30 // fps))
    np.testing.assert_array_equal(numbers, np.arange(len(positions)))


def test_size_and_quality(tree, tmp_path):
    sizes = []
    for quality in (95, 30):
        out = tmp_path / str(quality)
        extract_frames(tree, out, FrameChoice(every=20, size=(48, 64), quality=quality))
        path = out / 'day0' / '0' / '000020.jpg'
        assert cv2.imread(str(path)).shape == (48, 64, 3)
        sizes.append(path.stat().st_size)
    assert sizes[0] > sizes[1]


def test_little_memory_gives_the_same(tree, tmp_path, monkeypatch):
    extract_frames(tree, tmp_path / 'a', FrameChoice(every=3))
    monkeypatch.setattr(module, '_CHUNK_BYTES', 1)
    extract_frames(tree, tmp_path / 'b', FrameChoice(every=3))
    names = files(tmp_path / 'a')
    assert names == files(tmp_path / 'b')
    assert all(
        (tmp_path / 'a' / n).read_bytes() == (tmp_path / 'b' / n).read_bytes() for n in names
    )


def test_an_interrupted_run_goes_on(tree, tmp_path, monkeypatch):
    out = tmp_path / 'out'
    write, videos = module.write_rgb, []

    def interrupted(path, *args):
        # a process that is killed here leaves nothing that looks finished
        assert path.parent.name.startswith('.')
        videos.extend({path.parent} - {*videos})
        if len(videos) == 3:
            raise KeyboardInterrupt
        write(path, *args)

    with monkeypatch.context() as patch:
        patch.setattr(module, 'write_rgb', interrupted)
        with pytest.raises(KeyboardInterrupt):
            extract_frames(tree, out, FrameChoice(every=10))
    folders = sorted(p.relative_to(out).as_posix() for p in out.glob('*/*'))
    assert folders == ['day0/0', 'day0/2']
    # what a killed process leaves behind
    left = out / 'day1' / '.1.part'
    left.mkdir(parents=True)
    (left / '000990.jpg').write_bytes(b'half')
    stamp = (out / 'day0' / '0' / '000000.jpg').stat().st_mtime_ns
    done = extract_frames(tree, out, FrameChoice(every=10))
    assert (done.written, done.present) == (2, 2)
    assert (out / 'day0' / '0' / '000000.jpg').stat().st_mtime_ns == stamp
    assert sorted(p.name for p in (out / 'day1').iterdir()) == ['1', '3']
    assert sorted(os.listdir(out / 'day1' / '1')) == [f'{n:06d}.jpg' for n in range(0, 50, 10)]


def test_broken_videos_are_named_and_leave_nothing(tree, tmp_path):
    (tree / 'day0' / 'broken.mp4').write_bytes(b'no video')
    path = tree / 'day1' / '1.mp4'
    path.write_bytes(path.read_bytes()[:-3000])
    # with its header in front it plays as far as it goes
    whole = write_video(tmp_path / 'whole.mp4', 60, options={'crf': '5'})
    _move_header_to_front(whole, tmp_path / 'front.mp4')
    content = (tmp_path / 'front.mp4').read_bytes()
    (tree / 'day1' / 'cut.mp4').write_bytes(content[: len(content) // 2])
    done = extract_frames(tree, tmp_path / 'out', FrameChoice(every=10))
    assert sorted(Path(name).name for name in done.failed) == ['1.mp4', 'broken.mp4', 'cut.mp4']
    assert done.written == 3
    assert not (tmp_path / 'out' / 'day1' / '1').exists()
    assert not any(name.startswith('.') for name in os.listdir(tmp_path / 'out' / 'day0'))


def test_two_choices_do_not_mix(tree, tmp_path):
    extract_frames(tree, tmp_path / 'out', FrameChoice(every=10))
    with pytest.raises(ValueError, match='out was made with every 10, not 5: give'):
        extract_frames(tree, tmp_path / 'out', FrameChoice(every=5))


def test_names_that_would_collide(tmp_path):
    for name in ('a.mp4', 'a.mkv', 'b.mp4'):
        (tmp_path / name).write_bytes(b'')
    with pytest.raises(ValueError, match=r"share a folder: \['a'\]"):
        extract_frames(tmp_path, tmp_path / 'out', FrameChoice(every=1))


@pytest.mark.parametrize(
    'arguments',
    [{}, dict(fps=1, every=1), dict(fps=0), dict(every=0), dict(fps=1, size=(0, 4)),
     dict(fps=1, quality=0)],
)  # fmt: skip
def test_wrong_choices(arguments):
    with pytest.raises(ValueError, match=r'give|positive|quality'):
        FrameChoice(**arguments)
