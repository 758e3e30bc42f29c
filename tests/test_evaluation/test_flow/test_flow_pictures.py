"""Pictures of estimators, from the command on."""

import os
import subprocess
import sys

import cv2
import numpy as np
import pytest
import torch

from poodle_mm.datasets.flow_pairs import open_flow_pairs, open_pair
from poodle_mm.datasets.video.reader import VideoReader
from poodle_mm.evaluation.flow.measures import self_measures, summarise, true_measures
from poodle_mm.evaluation.flow.methods import build_methods
from poodle_mm.evaluation.flow.pictures import draw_flow_pair, write_flow_pictures
from poodle_scenes import write_scenes


@pytest.fixture(scope='module')
def scenes(tmp_path_factory):
    root = tmp_path_factory.mktemp('scenes')
    return write_scenes(root, dict(test=2), (64, 128), 10, labelled_frames=0) / 'videos/test'


@pytest.fixture(scope='module')
def pairs(scenes):
    return open_flow_pairs('scenes', scenes, delta=(1, 1), delta_unit='frames')


def titles(figure) -> list[str]:
    return [axis.get_title(loc='left') for axis in figure.axes if axis.images]


def test_figures_are_those_of_the_table(pairs):
    """Each number in a title against the function that fills the table's column."""
    pair, methods = pairs[0], build_methods(['zero', 'constant', 'dis-medium'])
    found = titles(draw_flow_pair(pair, methods))
    assert found[3] == 'truth' and found[6] == 'EPE 0.00 px, Fl 0.0%'
    assert found[7] == f'{pair.visible[pair.known].sum() / pair.visible.size:.1%} valid'
    a, b = (torch.from_numpy(f).permute(2, 0, 1)[None].float() / 255 for f in pair.frames)
    truth = (torch.from_numpy(x)[None] for x in (pair.flow, pair.known, pair.visible))
    truth = tuple(truth)
    for row, (name, method) in enumerate(methods.items()):
        flow, back = method(a, b, pair)
        figures = self_measures(a, b, flow, back) | summarise(true_measures(flow, back, *truth))
        assert found[8 + 5 * row : 13 + 5 * row] == [
            name,
            't+Δ warped to t',
            f'warp error {figures["warp"]:.1f} grey levels',
            f'EPE {figures["epe"]:.2f} px, Fl {figures["fl"]:.1%}',
            f'{figures["valid"]:.1%} valid',
        ]


def test_without_visibility_the_truth_hides_what_leaves_the_frame(test_data):
    pair = open_flow_pairs('pairs', test_data / 'flow/flyingchairs')[0]
    assert pair.visible is None
    found = titles(draw_flow_pair(pair, build_methods(['dis-medium'])))
    height, width = pair.known.shape
    v, u = np.mgrid[:height, :width]
    u, v = u + pair.flow[0], v + pair.flow[1]
    inside = (u >= 0) & (v >= 0) & (u <= width - 1) & (v <= height - 1)
    assert found[7] == f'{inside.mean():.1%} valid'


def test_several_pairs_and_labels(pairs, tmp_path):
    out = tmp_path / 'new' / 'flow.png'
    options = dict(chosen=[0, 1], size=(32, 64), dpi=50)
    written = write_flow_pictures(pairs, ['zero', 'truth'], out, labels=['none'], **options)
    assert [path.name for path in written] == ['flow_000.png', 'flow_001.png']
    assert {path.name for path in out.parent.iterdir()} == {'flow_000.png', 'flow_001.png'}
    assert all(cv2.imread(str(path)).shape[1] == 700 for path in written)
    assert [*written.values()] == [pairs[0].name, pairs[1].name]


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(methods=['best']), "'best' is not one of"),
        (dict(chosen=[2]), 'no pair 2: they are 0 to 1'),
        (dict(labels=['a', 'b']), '2 labels for 1 methods'),
    ],
)
def test_wrong_arguments(pairs, tmp_path, options, message):
    options = dict(methods=['zero']) | options
    with pytest.raises(ValueError, match=message):
        write_flow_pictures(pairs, out=tmp_path / 'a.png', **options)
    assert not [*tmp_path.iterdir()]


def test_pairs_of_files(scenes, tmp_path):
    video = scenes / 'scene_00000.mp4'
    with VideoReader(video) as reader:
        frames, times = reader.read([2, 5]), reader.timestamps
    for options in (dict(frames=[2, 5]), dict(seconds=[times[2] + 0.001, times[5]])):
        (pair,) = open_pair([video], **options)
        assert all(np.array_equal(a, b) for a, b in zip(pair.frames, frames))
        assert pair.flow is None and pair.name == 'scene_00000.mp4 2-5'
    for number, frame in enumerate(frames):
        cv2.imwrite(str(tmp_path / f'{number}.png'), frame[..., ::-1])
    (pair,) = open_pair([tmp_path / '0.png', tmp_path / '1.png'])
    assert all(np.array_equal(a, b) for a, b in zip(pair.frames, frames))

    cv2.imwrite(str(tmp_path / 'small.png'), frames[0][:32])
    with pytest.raises(ValueError, match='differ in size'):
        open_pair([tmp_path / '0.png', tmp_path / 'small.png'])
    with pytest.raises(FileNotFoundError, match='no file'):
        open_pair([tmp_path / '0.png', tmp_path / 'none.png'])
    with pytest.raises(ValueError, match=r'is a folder.*clips'):
        open_pair([tmp_path])
    for wrong in (dict(frames=[0, 10]), dict(frames=[-1, 2]), dict(seconds=[0, 99])):
        with pytest.raises(ValueError, match='has 10 frames, 0 to'):
            open_pair([video], **wrong)
    for files, options in (([video], {}), ([video] * 3, {})):
        with pytest.raises(ValueError, match='two images, or one video and two frame'):
            open_pair(files, **options)
    with pytest.raises(ValueError, match=r'needs true flow; scene_00000\.mp4 2-5 has none'):
        write_flow_pictures(open_pair([video], [2, 5]), ['zero', 'constant'], tmp_path / 'a.png')


def run(repo, *arguments) -> subprocess.CompletedProcess:
    command = [sys.executable, 'tools/analysis/flow.py', *map(str, arguments)]
    environment = dict(os.environ, PYTHONPATH=str(repo))
    return subprocess.run(command, cwd=repo, capture_output=True, text=True, env=environment)


def test_command(repo, test_data, tmp_path):
    out = tmp_path / 'chairs.png'
    chairs = test_data / 'flow/flyingchairs'
    done = run(repo, 'pairs', chairs, '--methods', 'dis-medium', '--dpi', 60, '--out', out)
    assert done.returncode == 0, done.stderr
    assert f'written to {out}: 0_img1.ppm' in done.stdout
    assert cv2.imread(str(out)).shape[1] == 840

    images = sorted(chairs.glob('0_img*.ppm'))
    out = tmp_path / 'chairs.pdf'
    done = run(repo, *images, '--methods', 'zero', '--work-size', 64, 96, '--out', out)
    assert done.returncode == 0, done.stderr
    assert out.read_bytes().startswith(b'%PDF')


def test_command_says_what_is_wrong(repo, tmp_path):
    done = run(repo, 'nothing.mp4', '--frames', 0, 1, '--out', tmp_path / 'a.png')
    assert done.returncode != 0 and 'there is no file nothing.mp4' in done.stderr
    done = run(repo, 'scenes', '--out', tmp_path / 'a.png')
    assert done.returncode == 2 and 'needs the folder of the data' in done.stderr
