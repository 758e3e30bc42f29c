"""Scenes: labels, reproducibility, descriptions."""

import hashlib
import json
import subprocess
import sys
from dataclasses import asdict

import numpy as np
import pytest

from poodle_scenes import (
    RENDERER_VERSION,
    SCENE_CLASSES,
    SCENE_PALETTE,
    SceneSpec,
    build_scene,
    load_scene,
    render_frame,
    render_labels,
)

SMALL_GROUP = (
    'pole',
    'bicycle',
    'person',
    'motorcycle',
    'traffic sign',
    'rider',
    'traffic light',
)  # PooDLe §4, Table 7


def test_classes_are_bdd100ks():
    """Names and colours as MMSegmentation has them."""
    info = pytest.importorskip('mmseg.datasets').BDD100KDataset.METAINFO
    assert tuple(info['classes']) == SCENE_CLASSES
    assert [list(rgb) for rgb in SCENE_PALETTE] == info['palette']


@pytest.fixture(scope='module')
def shares() -> np.ndarray:
    """(frames, 19) share of pixels of each class, 18 scenes, two moments each."""
    rows = []
    for seed in range(18):
        scene = build_scene(seed, (96, 160), 40)
        for t in (0.8, 3.2):
            labels = render_labels(scene, t)
            assert labels.max() < 19
            rows.append(np.bincount(labels.ravel(), minlength=19) / labels.size)
    return np.array(rows)


def test_every_class_turns_up(shares):
    """No class is missing from a small set, though some are rare."""
    present = dict(zip(SCENE_CLASSES, (shares > 0).mean(axis=0)))
    assert all(share > 0 for share in present.values()), present
    for name in ('road', 'sky', 'vegetation', 'car'):
        assert present[name] > 0.9, (name, present[name])
    for name in ('train', 'rider', 'motorcycle', 'bicycle'):
        assert present[name] < 0.45, (name, present[name])


def test_areas_are_long_tailed(shares):
    """The paper's Small group covers about a hundredth each, the rest does not."""
    mean = dict(zip(SCENE_CLASSES, shares.mean(axis=0)))
    assert all(mean[name] < 0.02 for name in SMALL_GROUP), mean
    assert sum(mean[name] for name in SMALL_GROUP) < 0.05
    assert 0.15 < mean['road'] < 0.45
    for name in ('sky', 'building', 'vegetation', 'car'):
        assert 0.03 < mean[name] < 0.4, (name, mean[name])


def test_colour_alone_does_not_tell_the_class():
    """A mean-colour classifier, fitted on the very pixels it is tested on, stays poor."""
    colours, labels = [], []
    for seed in range(8):
        rgb, ids = render_frame(build_scene(seed, (72, 128), 20), 1.0)
        colours.append(rgb.reshape(-1, 3).astype(float))
        labels.append(ids.ravel())
    colours, labels = np.concatenate(colours), np.concatenate(labels)
    present = np.unique(labels)
    means = np.stack([colours[labels == k].mean(axis=0) for k in present])
    guess = present[np.linalg.norm(colours[:, None] - means, axis=2).argmin(axis=1)]
    recall = [(guess[labels == k] == k).mean() for k in present]
    assert np.mean(recall) < 0.35


def test_frames_change_with_time_and_seed():
    """The camera moves and no two scenes are alike."""
    one, two = build_scene(0, (48, 80), 40), build_scene(1, (48, 80), 40)
    frames = [render_frame(scene, t)[0] for scene, t in ((one, 0.0), (one, 2.0), (two, 0.0))]
    for a, b in ((0, 1), (0, 2)):
        assert np.abs(frames[a].astype(int) - frames[b]).mean() > 4


def test_description_rebuilds_the_same_scene(tmp_path):
    """Through JSON: same pixels, same labels."""
    scene = build_scene(5, (48, 80), 12, 5.0)
    path = tmp_path / 'scene.json'
    path.write_text(json.dumps(asdict(scene.spec)))
    again = load_scene(path)
    assert again.spec == scene.spec
    for expected, found in zip(render_frame(scene, 0.7), render_frame(again, 0.7)):
        np.testing.assert_array_equal(expected, found)


def test_same_scene_in_another_process():
    """Nothing depends on the process: hash seed, order of drawing, earlier scenes."""
    code = (
        'import hashlib, sys; from poodle_scenes import build_scene, render_frame;'
        'assert "torch" not in sys.modules, "whose import takes seconds";'
        'rgb, labels = render_frame(build_scene(9, (48, 80), 12), 0.5);'
        'print(hashlib.sha256(rgb.tobytes() + labels.tobytes()).hexdigest())'
    )
    found = subprocess.run(
        [sys.executable, '-c', code], capture_output=True, text=True, check=True
    ).stdout.split()[-1]
    scene = build_scene(9, (48, 80), 12)
    render_labels(scene, 0.0)
    rgb, labels = render_frame(scene, 0.5)
    assert found == hashlib.sha256(rgb.tobytes() + labels.tobytes()).hexdigest()


def test_labels_agree_with_colours():
    """Two renderers, one scene: where labels change, colours do, far more than elsewhere."""
    scene = build_scene(1, (144, 256), 12)
    rgb, labels = render_frame(scene, 0.5)
    step = np.abs(np.diff(rgb.astype(int), axis=1)).mean(axis=2)
    edge = labels[:, 1:] != labels[:, :-1]
    assert edge.mean() < 0.1
    assert step[edge].mean() > 2.5 * step[~edge].mean()


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'version': RENDERER_VERSION + 1}, 'make the scenes again'),
        ({'colour': 'red'}, 'not a scene description'),
        ({'num_frames': 0}, 'at least 1 frame'),
        ({'size': 5}, 'not a scene description'),
    ],
)
def test_bad_descriptions(tmp_path, change, message):
    """Errors name the file and what is wrong with it."""
    path = tmp_path / 'scene.json'
    path.write_text(json.dumps({**asdict(SceneSpec(2, (48, 80), 3)), **change}))
    with pytest.raises(ValueError, match=message):
        load_scene(path)


def test_truncated_description(tmp_path):
    """Half a file is not a description."""
    (tmp_path / 'scene.json').write_text('{"seed": 4, ')
    with pytest.raises(ValueError, match=r'scene\.json is not a scene description'):
        load_scene(tmp_path / 'scene.json')
