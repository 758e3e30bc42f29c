"""The table of estimators, from the command on."""

import json
import math
import os
import subprocess
import sys

import cv2
import numpy as np
import pytest
import torch

from poodle_mm.datasets.flow_files import write_flow_file
from poodle_mm.datasets.flow_pairs import FlowPair, open_flow_pairs
from poodle_mm.evaluation.flow.evaluate import COLUMNS, evaluate_flow, flow_table, resize_pair
from poodle_mm.evaluation.flow.measures import warp_error
from poodle_mm.evaluation.flow.methods import Method
from poodle_mm.flow.uflow.estimator import build_network
from poodle_scenes import write_scenes


@pytest.fixture(scope='module')
def scenes(tmp_path_factory):
    root = tmp_path_factory.mktemp('scenes')
    return write_scenes(root, dict(test=2), (128, 192), 10, labelled_frames=0) / 'videos/test'


def test_order_on_scenes(scenes, tmp_path, capsys):
    methods = ['zero', 'constant', 'translation', 'dis-medium', 'truth']
    found = evaluate_flow(
        'scenes', scenes, methods, delta=(1, 1), delta_unit='frames', out=tmp_path / 'flow.json'
    )
    assert list(found) == methods
    truth = found['truth']
    assert truth['epe'] == truth['fl'] == 0 and truth['occlusion_f1'] > 0.9
    assert truth['fb'] < 0.3
    assert found['dis-medium']['epe_visible'] < found['zero']['epe_visible']
    assert found['constant']['epe'] < found['zero']['epe']
    assert truth['warp'] < found['dis-medium']['warp_inside'] < found['zero']['warp']
    assert found['zero']['fb'] == 0 and found['zero']['valid'] == 1
    table = capsys.readouterr().out
    assert '`dis-medium`' in table and COLUMNS['occlusion_f1'] in table
    written = json.loads((tmp_path / 'flow.json').read_text())
    assert written['pairs'] == 2
    assert written['methods']['zero']['epe'] == pytest.approx(found['zero']['epe'])


def test_case_of_real_ground_truth(test_data):
    """A warp by the truth is good, none is worse, the reversed one is worst."""
    for pair in open_flow_pairs('pairs', test_data / 'flow/flyingchairs'):
        a, b = (torch.from_numpy(f).permute(2, 0, 1)[None] / 255 for f in pair.frames)
        flow, mask = torch.from_numpy(pair.flow)[None], torch.from_numpy(pair.known)[None]
        right, none, wrong = (warp_error(a, b, f, mask) for f in (flow, 0 * flow, -flow))
        assert right < 0.6 * none < 0.6 * wrong


@pytest.mark.parametrize(('sign', 'expected'), [(1, 16.4), (0, 41.1), (-1, 55.9)])
def test_case_of_kitti(test_data, sign, expected):
    root = test_data / 'flow/kitti2015'
    if not root.is_dir():
        pytest.skip('no pair of KITTI 2015 in flow/kitti2015')
    pair = open_flow_pairs('kitti2015', root)[0]
    a, b = (torch.from_numpy(f).permute(2, 0, 1)[None] / 255 for f in pair.frames)
    flow, mask = torch.from_numpy(pair.flow)[None], torch.from_numpy(pair.known)[None]
    assert warp_error(a, b, sign * flow, mask) == pytest.approx(expected, abs=0.1)


def test_resized_pairs_keep_their_motion():
    flow = np.stack([np.full((8, 12), 6.0), np.full((8, 12), -4.0)]).astype(np.float32)
    known = np.arange(12) % 3 == 1
    pair = FlowPair(
        'a', (np.zeros((8, 12, 3), np.uint8),) * 2, flow, np.tile(known, (8, 1)), flow, None
    )
    small = resize_pair(pair, (2, 4))
    assert small.frames[0].shape == (2, 4, 3) and small.visible is None
    assert (small.flow[0] == 2).all() and (small.flow[1] == -1).all()
    assert small.known.all()  # the middle of three columns
    assert np.array_equal(small.back, small.flow)


def test_constant_is_the_median_of_what_is_known():
    flow = np.zeros((2, 2, 4), np.float32)
    flow[:, 0] = [[1, 2, 9, 100], [5, 5, 5, 100]]
    known = np.array([[True, True, True, False], [False] * 4])
    pair = FlowPair('a', (np.zeros((2, 4, 3), np.uint8),) * 2, flow, known)
    frames = torch.zeros(2, 1, 3, 2, 4)
    found, back = Method('constant')(*frames, pair)
    assert torch.equal(found, torch.tensor([2.0, 5.0])[None, :, None, None].expand(1, 2, 2, 4))
    assert torch.equal(back, -found)


def test_nothing_known_is_no_constant_motion():
    shape = (2, 2, 4)
    pair = FlowPair('a', (np.zeros((2, 4, 3), np.uint8),) * 2, np.zeros(shape, np.float32))
    pair.known = np.zeros(shape[1:], bool)
    assert not torch.stack(Method('constant')(*torch.zeros(2, 1, 3, 2, 4), pair)).any()


def test_truth_without_a_way_back_says_nothing_of_it(tmp_path):
    """KITTI and Sintel have flow one way; where it is unknown, nothing is warped."""
    noise = np.random.default_rng(0).integers(0, 256, (32, 64, 3), dtype=np.uint8)
    known = np.arange(64) % 2 == np.zeros((32, 1))
    second = np.where(np.roll(known, 4, 1)[..., None], np.roll(noise, 4, 1), 255 - noise)
    for name, image in (('a_img1', noise), ('a_img2', second)):
        cv2.imwrite(str(tmp_path / f'{name}.png'), image)
    flow = np.zeros((2, 32, 64), np.float32)
    flow[0] = 4
    write_flow_file(tmp_path / 'a_flow.flo', flow, known)
    found = evaluate_flow('pairs', tmp_path, ['truth', 'zero'])
    assert found['truth'] == pytest.approx(dict(epe=0, fl=0, warp_inside=0), abs=1e-3)
    assert found['zero'].keys() >= {'valid', 'fb', 'warp'}


def test_table_leaves_out_what_nobody_has():
    text = flow_table(dict(a=dict(epe=1.234, valid=0.5), b=dict(epe=math.nan)))
    assert text.splitlines()[0] == '| flow | EPE | valid % |'
    assert '| `a` | 1.23 | 50.0 |' in text and '| `b` | – | – |' in text


def test_command(scenes, tmp_path, repo):
    torch.save(build_network('small').state_dict(), tmp_path / 'small.pth')
    command = [
        *(sys.executable, 'tools/eval_flow.py', 'clips', scenes, '--size', '64', '96'),
        *('--delta', '1', '2', '--max-pairs', '1', '--out', tmp_path / 'flow.json'),
        *('--methods', 'farneback', f'uflow={tmp_path / "small.pth"}', '--threads', '1'),
    ]
    environment = dict(os.environ, PYTHONPATH=str(repo))
    run = subprocess.run(
        [str(c) for c in command], cwd=repo, capture_output=True, text=True, env=environment
    )
    assert run.returncode == 0, run.stderr
    rows = [line for line in run.stdout.splitlines() if line.startswith('| `')]
    assert len(rows) == 2 and 'EPE' not in run.stdout
    assert json.loads((tmp_path / 'flow.json').read_text())['size'] == [64, 96]


@pytest.mark.parametrize(
    ('methods', 'message'),
    [
        (['best'], "'best' is not one of zero, translation"),
        (['uflow'], 'uflow needs weights: uflow=small'),
        (['dis-from'], 'dis-from needs weights'),
        (['zero', 'zero'], 'given twice'),
        (['zero=small'], 'zero takes no weights'),
        (['truth'], 'needs true flow, which clips do not have'),
    ],
)
def test_wrong_methods(scenes, methods, message):
    with pytest.raises(ValueError, match=message):
        evaluate_flow('clips', scenes, methods)


@pytest.mark.parametrize(
    ('data', 'options', 'message'),
    [
        ('clips', dict(max_pairs=0), 'at least one pair, got 0'),
        ('clips', dict(size=(0, 64)), r'at least 1 pixel each, got \(0, 64\)'),
        ('pairs', dict(delta=(1, 2)), 'delta are for scenes and clips: the pairs of pairs'),
    ],
)
def test_wrong_options(scenes, data, options, message):
    with pytest.raises(ValueError, match=message):
        evaluate_flow(data, scenes, ['zero'], **options)
