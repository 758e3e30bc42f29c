"""Writing sets of scenes: layout, videos, resuming, refusing."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import av
import cv2
import numpy as np
import pytest

from poodle_scenes import (
    count_boxes,
    exact_flow,
    load_scene,
    object_boxes,
    render_frame,
    write_scenes,
    writer,
)

SMALL = dict(size=(64, 96), num_frames=8, fps=5.0, labelled_frames=2)


@pytest.fixture(scope='module')
def written(tmp_path_factory):
    """Two training scenes and one for validation."""
    return write_scenes(tmp_path_factory.mktemp('scenes') / 'set', dict(train=2, val=1), **SMALL)


def stamps(root) -> dict:
    """Path → time of the last change of every file."""
    return {path: path.stat().st_mtime_ns for path in root.rglob('*') if path.is_file()}


def test_layout(written):
    """Exactly the files that the docstring promises, nothing temporary."""
    found = {str(path.relative_to(written)) for path in stamps(written)}
    expected = {'meta.json'}
    for split, count in (('train', 2), ('val', 1)):
        for index in range(count):
            name = f'{split}/scene_{index:05d}'
            expected |= {f'videos/{name}.mp4', f'videos/{name}.json'}
            for frame in (2, 6):
                expected |= {f'{kind}/{name}_{frame:06d}.png' for kind in ('images', 'labels')}
        expected.add(f'annotations/{split}.json')
    assert found == expected
    meta = json.loads((written / 'meta.json').read_text())
    assert meta['counts'] == {'train': 2, 'val': 1, 'test': 0} and meta['size'] == [64, 96]


def test_splits_show_different_scenes(written):
    """No seed twice."""
    seeds = [json.loads(path.read_text())['seed'] for path in written.rglob('videos/*/*.json')]
    assert len(seeds) == len(set(seeds)) == 3


def test_video_holds_the_rendered_frames(written):
    """Right number, time and content of frames."""
    path = written / 'videos/train/scene_00001.mp4'
    scene = load_scene(path.with_suffix('.json'))
    with av.open(str(path)) as container:
        frames = [(f.time, f.to_ndarray(format='rgb24')) for f in container.decode(video=0)]
    assert len(frames) == 8
    rendered = [render_frame(scene, k / 5)[0].astype(int) for k in range(8)]
    for k, (seconds, rgb) in enumerate(frames):
        assert seconds == pytest.approx(k / 5, abs=1e-3)
        errors = [np.abs(other - rgb).mean() for other in rendered]
        assert errors[k] < 6
        assert np.argmin(errors) == k


def test_labelled_images(written):
    """The PNGs are the rendered frame and its train ids."""
    scene = load_scene(written / 'videos/val/scene_00000.json')
    rgb, labels = render_frame(scene, 6 / 5)
    image = cv2.imread(str(written / 'images/val/scene_00000_000006.png'))[..., ::-1]
    ids = cv2.imread(str(written / 'labels/val/scene_00000_000006.png'), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(image, rgb)
    np.testing.assert_array_equal(ids, labels)
    assert ids.dtype == np.uint8 and ids.ndim == 2


def test_annotations(written):
    """COCO's API reads the boxes of each labelled frame, under BDD100K's class names."""
    coco = pytest.importorskip('pycocotools.coco').COCO(written / 'annotations/train.json')
    files = {image['file_name']: image for image in coco.loadImgs(coco.getImgIds())}
    assert set(files) == {path.name for path in (written / 'images/train').iterdir()}
    assert [category['name'] for category in coco.loadCats(sorted(coco.getCatIds()))] == [
        'pedestrian', 'rider', 'car', 'truck', 'bus', 'train', 'motorcycle', 'bicycle',
        'traffic light', 'traffic sign',
    ]  # fmt: skip
    total = 0
    for index, frame in ((0, 2), (0, 6), (1, 2), (1, 6)):
        scene = load_scene(written / f'videos/train/scene_{index:05d}.json')
        image = files[f'scene_{index:05d}_{frame:06d}.png']
        assert (image['height'], image['width']) == (64, 96)
        boxes, categories = object_boxes(scene, frame / 5)
        found = coco.loadAnns(coco.getAnnIds(image['id']))
        assert [a['category_id'] for a in found] == [c + 1 for c in categories]
        for annotation, (x0, y0, x1, y1) in zip(found, boxes):
            assert annotation['bbox'] == [x0, y0, x1 - x0, y1 - y0]
        total += len(found)
    assert total == sum(count_boxes(written / 'annotations/train.json').values()) > 4


def test_folder_without_annotations_gets_them(tmp_path, written):
    """A set of an earlier version gets its boxes; nothing else changes."""
    root = tmp_path / 'set'
    shutil.copytree(written, root)
    before = stamps(root)
    shutil.rmtree(root / 'annotations')
    write_scenes(root, dict(train=2, val=1), **SMALL)
    after = stamps(root)
    assert after.keys() == before.keys()
    for path in after:
        if path.parent.name == 'annotations':
            assert path.read_bytes() == (written / path.relative_to(root)).read_bytes()
        else:
            assert after[path] == before[path]


def test_flow_from_the_description(written):
    """The path of the JSON is enough."""
    path = written / 'videos/train/scene_00000.json'
    for a, b in zip(exact_flow(path, 1, 4), exact_flow(load_scene(path), 1, 4)):
        np.testing.assert_array_equal(a, b)


def test_interrupted_writing_is_resumed(tmp_path, written, monkeypatch):
    """Stopped in the middle of the second video: no meta.json; then only the rest is rendered."""
    calls = []
    real = writer.render_colour

    def failing(scene, t):
        calls.append(t)
        if len(calls) == 12:
            raise KeyboardInterrupt
        return real(scene, t)

    monkeypatch.setattr(writer, 'render_colour', failing)
    root = tmp_path / 'set'
    with pytest.raises(KeyboardInterrupt):
        write_scenes(root, dict(train=2, val=1), **SMALL)
    assert not (root / 'meta.json').exists()
    assert not (root / 'videos/train/scene_00001.mp4').exists()
    before = stamps(root)
    calls.clear()
    calls.extend([0.0] * 100)
    write_scenes(root, dict(train=2, val=1), **SMALL)
    assert len(calls) == 100 + 2 * 8
    after = stamps(root)
    finished = root / 'videos/train/scene_00000.mp4'
    assert before[finished] == after[finished]
    # What came out is what an uninterrupted run gives.
    for path in [*written.rglob('*.png'), *written.glob('annotations/*')]:
        assert path.read_bytes() == (root / path.relative_to(written)).read_bytes()
    assert {p.relative_to(root) for p in after} == {p.relative_to(written) for p in stamps(written)}


def test_complete_set_is_left_alone(written):
    """A second call changes nothing."""
    before = stamps(written)
    write_scenes(written, dict(train=2, val=1), **SMALL)
    assert stamps(written) == before


@pytest.mark.parametrize(
    'change', [dict(seed=1), dict(num_frames=9), dict(size=(64, 98)), dict(labelled_frames=1)]
)
def test_other_parameters_are_refused(written, change):
    """A folder holds one set; the error names it."""
    with pytest.raises(ValueError, match=f'{written} holds scenes made with other parameters'):
        write_scenes(written, dict(train=2, val=1), **{**SMALL, **change})


@pytest.mark.parametrize(
    ('counts', 'change', 'message'),
    [
        (dict(training=1), {}, 'give numbers >= 0'),
        (dict(train=-1), {}, 'give numbers >= 0'),
        (dict(train=1), dict(size=(65, 96)), 'even height and width'),
        (dict(train=1), dict(labelled_frames=9), r'must lie in 0\.\.8'),
    ],
)
def test_bad_parameters(tmp_path, counts, change, message):
    """Refused before anything is written."""
    with pytest.raises(ValueError, match=message):
        write_scenes(tmp_path / 'set', counts, **{**SMALL, **change})
    assert not (tmp_path / 'set').exists()


def test_tool(tmp_path, repo, written):
    """The command line with two processes gives the same files."""
    command = [sys.executable, repo / 'tools/make_scenes.py', tmp_path / 'set', '--train', 2]
    command += ['--val', 1, '--test', 0, '--size', 64, 96, '--fps', 5, '--seconds', 1.6]
    command += ['--labelled', 2, '--workers', 2]
    done = subprocess.run([str(p) for p in command], check=True, capture_output=True, text=True)
    cars = count_boxes(written / 'annotations/train.json')['car']
    assert f'car {cars}' in done.stdout.splitlines()[0] and cars > 0
    for path in [*written.rglob('*.png'), *written.glob('annotations/*')]:
        assert path.read_bytes() == (tmp_path / 'set' / path.relative_to(written)).read_bytes()


def processes_of(session: int) -> list[int]:
    """Processes of a session that still run."""
    found = []
    for entry in os.listdir('/proc'):
        try:
            if entry.isdigit() and os.getsid(int(entry)) == session:
                with open(f'/proc/{entry}/stat') as file:
                    if file.read().rpartition(')')[2].split()[0] != 'Z':
                        found.append(int(entry))
        except (ProcessLookupError, FileNotFoundError):
            pass
    return found


@pytest.mark.skipif(not os.path.isdir('/proc/self'), reason='needs /proc')
@pytest.mark.parametrize(
    'number', [pytest.param(signal.SIGHUP, marks=pytest.mark.slow), signal.SIGKILL]
)
def test_kill_ends_the_workers(tmp_path, repo, number):
    """Nothing writes on, and what is called complete is: every frame can be decoded."""
    root = tmp_path / 'set'
    command = [sys.executable, repo / 'tools/make_scenes.py', root, '--train', 500, '--val', 0]
    command += ['--test', 0, '--size', 64, 96, '--fps', 5, '--seconds', 1.6, '--labelled', 2]
    run = subprocess.Popen(
        [str(word) for word in [*command, '--workers', 2]],
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),  # nohup's children ignore
    )
    try:
        for _ in range(600):
            if len(list(root.glob('videos/train/scene_*.json'))) >= 3:
                break
            time.sleep(0.05)
        assert len(processes_of(run.pid)) >= 3
        run.send_signal(number)
        run.wait(10)
        for _ in range(100):
            if not processes_of(run.pid):
                break
            time.sleep(0.05)
        assert not processes_of(run.pid)
    finally:
        for pid in processes_of(run.pid):
            os.kill(pid, signal.SIGKILL)
    assert not (root / 'meta.json').exists()
    complete = list(root.glob('videos/train/scene_*.json'))
    assert 3 <= len(complete) < 500
    for path in complete:
        with av.open(str(path.with_suffix('.mp4'))) as container:
            assert len(list(container.decode(video=0))) == 8
        for kind in ('images', 'labels'):
            for frame in (2, 6):
                assert cv2.imread(f'{root}/{kind}/train/{path.stem}_{frame:06d}.png') is not None


def test_a_half_written_description_is_no_complete_scene(tmp_path, written):
    """Empty, truncated or no text: each scene is rendered again."""
    root = tmp_path / 'set'
    shutil.copytree(written, root)
    (root / 'meta.json').rename(root / 'meta.json.part')
    paths = sorted(root.glob('videos/*/*.json'))
    for path, content in zip(paths, [b'', b'{"seed": 1', b'\xff\xfe'], strict=True):
        path.write_bytes(content)
        path.with_suffix('.mp4').write_bytes(b'half')
    write_scenes(root, dict(train=2, val=1), **SMALL)
    for path in paths:
        assert path.read_bytes() == (written / path.relative_to(root)).read_bytes()
        with av.open(str(path.with_suffix('.mp4'))) as container:
            assert len(list(container.decode(video=0))) == 8


def test_preview(tmp_path):
    """One picture, small enough for a README."""
    from poodle_scenes import draw_preview

    draw_preview(tmp_path / 'scenes.png', seeds=(1,), size=(64, 96))
    picture = cv2.imread(str(tmp_path / 'scenes.png'))
    assert picture.shape[1] == 1400 and picture.std() > 20
    assert [path.name for path in tmp_path.iterdir()] == ['scenes.png']
