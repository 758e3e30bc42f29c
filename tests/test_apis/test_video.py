"""Features of videos: frame by frame the same, and never half a file."""

import importlib.util
import shutil
import sys

import cv2
import numpy as np
import pytest
import torch

from poodle_mm.apis import (
    dense_features,
    extract_features,
    save_image_features,
    save_video_features,
    video_features,
)
from poodle_mm.apis import store as store_module
from poodle_mm.datasets.video.decoding import OpenVideo
from poodle_mm.datasets.video.reader import FrameReadError, VideoReader
from tests.test_apis.conftest import assert_same_map, noise
from tests.test_datasets.video_factory import write_video


@pytest.fixture(scope='module')
def video(tmp_path_factory):
    times = [0, 33, 67, 140, 160, 200, 270, 300, 333, 400, 410, 500]
    return write_video(
        tmp_path_factory.mktemp('video') / 'v.mp4', num_frames=12, b_frames=2, times=times
    )


def test_iterator_equals_frames_one_by_one(encoder, video, monkeypatch):
    monkeypatch.setattr('poodle_mm.apis.features._CHUNK', 3)
    found = list(video_features(encoder, video, batch_size=2, step=2))
    assert [item.frame for item in found] == [0, 2, 4, 6, 8, 10]
    assert [item.seconds for item in found] == pytest.approx(
        [0, 0.067, 0.160, 0.270, 0.333, 0.410], abs=1e-3
    )
    with VideoReader(video) as reader:
        for item in found:
            (single,) = dense_features(encoder, reader.read([item.frame]))
            assert_same_map(item.features, single)
    assert not torch.allclose(found[0].features, found[1].features)


@pytest.mark.parametrize('half', [False, True])
def test_both_stores_hold_what_the_iterator_gives(encoder, video, tmp_path, half):
    expected = list(video_features(encoder, video, size=(32, 64), step=3))
    arguments = dict(size=(32, 64), step=3, half=half)
    assert save_video_features(encoder, video, tmp_path / 'v.npy', **arguments) == 4
    assert save_video_features(encoder, video, tmp_path / 'v', **arguments) == 4
    array = np.load(tmp_path / 'v.npy', mmap_mode='r')
    frames = np.load(tmp_path / 'v_frames.npz')
    dtype = np.float16 if half else np.float32
    assert array.dtype == dtype
    assert frames['frame'].tolist() == [0, 3, 6, 9]
    assert frames['cell'].tolist() == [8 * 160 / 64, 8 * 96 / 32]
    for row, item in enumerate(expected):
        one = np.load(tmp_path / 'v' / f'{item.frame:06d}.npz')
        assert (array[row] == item.features.numpy().astype(dtype)).all()
        assert (array[row] == one['features']).all()
        assert one['frame'] == item.frame
        assert one['seconds'] == frames['seconds'][row] == item.seconds
    names = sorted(p.name for p in tmp_path.iterdir())
    assert names == ['v', 'v.npy', 'v_frames.npz']


def test_an_interruption_leaves_no_file_that_looks_whole(encoder, video, tmp_path, monkeypatch):
    def stops(*args):
        for number, item in enumerate(video_features(*args)):
            if number == 5:
                raise KeyboardInterrupt
            yield item

    monkeypatch.setattr(store_module, 'video_features', stops)
    with pytest.raises(KeyboardInterrupt):
        save_video_features(encoder, video, tmp_path / 'v.npy')
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(KeyboardInterrupt):
        save_video_features(encoder, video, tmp_path / 'v')
    assert sorted(p.name for p in (tmp_path / 'v').iterdir()) == [f'{n:06d}.npz' for n in range(5)]

    def savez(file, **arrays):
        file.write(b'half')
        raise OSError('disk full')

    monkeypatch.setattr(np, 'savez', savez)
    with pytest.raises(OSError, match='disk full'):
        store_module.write_npz(tmp_path / 'v' / '000000.npz', a=1)
    assert np.load(tmp_path / 'v' / '000000.npz')['frame'] == 0  # the old one is still whole
    assert not list(tmp_path.rglob('.*'))


def test_an_array_that_does_not_fit_is_refused(encoder, video, tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, 'disk_usage', lambda path: type('', (), dict(free=1000))())
    with pytest.raises(OSError, match=r'v\.npy needs .* GB'):
        save_video_features(encoder, video, tmp_path / 'v.npy')
    assert list(tmp_path.iterdir()) == []


def test_errors_name_video_and_frame(encoder, video, tmp_path, monkeypatch):
    (tmp_path / 'no.mp4').write_bytes(b'no video')
    with pytest.raises(FrameReadError, match=r'no\.mp4: cannot open as a video'):
        list(video_features(encoder, tmp_path / 'no.mp4'))
    with pytest.raises(ValueError, match='step must be at least 1, got 0'):
        list(video_features(encoder, video, step=0))
    whole = OpenVideo.decode

    def misses_frame_7(self, *args):
        images = whole(self, *args)
        images.pop(7, None)
        return images

    monkeypatch.setattr(OpenVideo, 'decode', misses_frame_7)
    with pytest.raises(FrameReadError, match=r'v\.mp4: frame 7 cannot be decoded'):
        list(video_features(encoder, video))


def test_images_to_files(encoder, tmp_path):
    sizes = [(64, 96), (40, 72)]
    for number, (height, width) in enumerate(sizes):
        cv2.imwrite(str(tmp_path / f'{number}.png'), noise(height, width, number))
    paths = [tmp_path / '0.png', tmp_path / '1.png']
    save_image_features(encoder, paths, [tmp_path / '0.npz', tmp_path / '1.npz'], size=(64, 64))
    for path, (height, width) in zip(paths, sizes):
        content = np.load(path.with_suffix('.npz'))
        (expected,) = dense_features(encoder, [path], size=(64, 64))
        assert_same_map(torch.tensor(content['features']), expected)
        assert content['cell'].tolist() == [width / 8, height / 8]


def test_tool(repo, checkpoint, video, tmp_path, monkeypatch, capsys):
    spec = importlib.util.spec_from_file_location('tool', repo / 'tools' / 'extract_features.py')
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)

    def run(*arguments) -> str:
        line = ['extract_features.py', checkpoint, *arguments, '--device', 'cpu']
        monkeypatch.setattr(sys, 'argv', list(map(str, line)))
        tool.main()
        return capsys.readouterr().out

    (tmp_path / 'in' / 'sub').mkdir(parents=True)
    for name in ('a.png', 'sub/a.png'):
        cv2.imwrite(str(tmp_path / 'in' / name), noise())
    out = tmp_path / 'out'
    assert 'features of 2 images' in run(tmp_path / 'in', '--out', out, '--no-sdm', '--pca')
    assert np.load(out / 'sub' / 'a.npz')['features'].shape == (64, 2, 3)
    assert cv2.imread(str(out / 'pca.png')).shape[1] == 1400
    arguments = '--step', '5', '--memory-map', '--size', '32', '64', '--weights', 'ema'
    run(video, '--out', out, *arguments)
    assert np.load(out / 'v.npy').shape == (3, 64, 4, 8)
    with pytest.raises(SystemExit):
        run(tmp_path / 'nothing', '--out', out)
    assert 'nothing does not exist' in capsys.readouterr().err


def test_float16_does_not_overflow_silently(encoder, video, tmp_path, monkeypatch):
    huge = [item._replace(features=item.features * 1e6) for item in video_features(encoder, video)]
    monkeypatch.setattr(store_module, 'video_features', lambda *args: iter(huge))
    for out in ('v', 'v.npy'):
        with pytest.raises(ValueError, match=r'v\.mp4: frame 0 has a feature .* for float16'):
            save_video_features(encoder, video, tmp_path / out, half=True)
    assert list(tmp_path.iterdir()) == []


def test_two_images_for_one_file(checkpoint, tmp_path):
    for name in ('a.png', 'a.jpg'):
        cv2.imwrite(str(tmp_path / name), noise())
    with pytest.raises(ValueError, match=r'two images would be written to .*a\.npz'):
        extract_features(checkpoint, tmp_path, tmp_path / 'out')


def test_a_video_behind_a_url(checkpoint, video, tmp_path):
    """The same maps; of URLs single videos are taken."""
    counts = [
        extract_features(checkpoint, source, tmp_path / name, size=(32, 64), step=5)
        for name, source in (('near', str(video)), ('far', f'file://{video}'))
    ]
    assert counts == [3, 3]
    for near in sorted((tmp_path / 'near' / 'v').glob('*.npz')):
        far = np.load(tmp_path / 'far' / 'v' / near.name)
        for name, array in np.load(near).items():
            np.testing.assert_array_equal(array, far[name])
    with pytest.raises(ValueError, match='of URLs single videos are read'):
        extract_features(checkpoint, f'file://{video.parent}', tmp_path / 'none')
