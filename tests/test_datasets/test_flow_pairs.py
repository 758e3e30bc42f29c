"""The data sets that flow is measured on, in small copies of their layouts."""

import shutil

import cv2
import numpy as np
import pytest

from poodle_mm.datasets.flow_files import read_flow_file, write_flow_file
from poodle_mm.datasets.flow_pairs import FLOW_DATA, open_flow_pairs
from poodle_scenes import write_scenes

SIZE = (24, 32)


def image(path, value: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.full((*SIZE, 3), (0, 0, value), np.uint8))


def motion(value: float) -> np.ndarray:
    return np.full((2, *SIZE), value, np.float32)


def layout(data: str, root):
    """Two pairs; red is 10 i + 1 in the first frame of pair i, the motion i + 0.5."""
    if data.startswith('kitti'):
        folder = root / 'training' / ('image_2' if data == 'kitti2015' else 'colored_0')
        for i in range(2):
            for frame in (10, 11):
                image(folder / f'{i:06d}_{frame}.png', 10 * i + frame - 9)
            visible = np.zeros(SIZE, bool)
            visible[:, :16] = True
            known = np.ones(SIZE, bool)
            known[0] = False
            for name, mask in (('flow_occ', known), ('flow_noc', known & visible)):
                write_flow_file(root / f'training/{name}/{i:06d}_10.png', motion(i + 0.5), mask)
        return root
    if data.startswith('sintel'):
        root = root / 'Sintel'
        for i in range(2):
            for frame in (1, 2):
                for kind in ('clean', 'final'):
                    name = f'training/{kind}/alley_{i}/frame_{frame:04d}.png'
                    image(root / name, 10 * i + frame)
            folder = root / 'training'
            write_flow_file(folder / f'flow/alley_{i}/frame_0001.flo', motion(i + 0.5))
            occluded = folder / f'occlusions/alley_{i}/frame_0001.png'
            occluded.parent.mkdir(parents=True)
            mask = np.zeros(SIZE, np.uint8)
            mask[:, 16:] = 255
            cv2.imwrite(str(occluded), mask)
        return root
    if data == 'flyingchairs':
        root = root / 'FlyingChairs'
        for i in range(2):
            for frame in (1, 2):
                image(root / f'data/{i:05d}_img{frame}.ppm', 10 * i + frame)
            write_flow_file(root / f'data/{i:05d}_flow.flo', motion(i + 0.5))
        (root / 'FlyingChairs_train_val.txt').write_text('2\n2\n')
        return root
    root = root / 'hd1k'
    for i in range(2):
        for frame in (1, 2):
            image(root / f'hd1k_input/image_2/{i:06d}_{frame:04d}.png', 10 * i + frame)
            path = root / f'hd1k_flow_gt/flow_occ/{i:06d}_{frame:04d}.png'
            write_flow_file(path, motion(i + 0.5))
    return root


@pytest.mark.parametrize('data', [d for d in FLOW_DATA if d not in ('scenes', 'clips', 'pairs')])
def test_layouts(data, tmp_path):
    pairs = open_flow_pairs(data, layout(data, tmp_path))
    assert len(pairs) == 2
    for pair in pairs:
        reds = [frame[0, 0].tolist() for frame in pair.frames]
        i = reds[0][0] // 10
        assert reds == [[10 * i + 1, 0, 0], [10 * i + 2, 0, 0]]
        assert (pair.flow[:, 1:] == i + 0.5).all() and pair.back is None
        assert pair.known[1:].all() and pair.known[0].any() == (not data.startswith('kitti'))
        if data.startswith(('kitti', 'sintel')):
            assert pair.visible[1:, :16].all() and not pair.visible[:, 16:].any()
        else:
            assert pair.visible is None
    assert sorted(pair.flow[0, 1, 0] for pair in pairs) == [0.5, 1.5]


def test_folder_of_pairs(test_data):
    pairs = open_flow_pairs('pairs', test_data / 'flow/flyingchairs')
    assert [pair.name for pair in pairs] == ['0_img1.ppm', '1_img1.ppm']
    assert pairs[1].frames[0].shape == (384, 512, 3)
    flow, _ = read_flow_file(test_data / 'flow/flyingchairs/1_flow.flo')
    assert np.array_equal(pairs[1].flow, flow)
    assert len(pairs.spread(1)) == 1 and len(pairs.spread(5)) == 2


def test_scenes_and_clips(tmp_path):
    root = write_scenes(tmp_path, dict(test=2), (64, 96), 12, labelled_frames=0)
    root = root / 'videos' / 'test'
    pairs = open_flow_pairs('scenes', root)
    pair = pairs[1]
    assert len(pairs) == 2 and pair.frames[0].shape == (64, 96, 3)
    assert pair.flow.shape == pair.back.shape == (2, 64, 96)
    assert pair.visible.any() and not pair.visible.all()
    assert (np.hypot(*pair.flow)[pair.known] < np.hypot(64, 96)).all()
    assert pairs[1].name == pair.name  # the same pair again
    (root / 'clips').mkdir()
    shutil.copy(root / 'scene_00000.mp4', root / 'clips')
    clips = open_flow_pairs('clips', root / 'clips', delta=(2, 2), delta_unit='frames')
    assert len(clips) == 1 and clips[0].flow is None
    first, second = map(int, clips[0].name.split()[-1].split('-'))
    assert second - first == 2


def test_nothing_there(tmp_path):
    with pytest.raises(ValueError, match='is not one of scenes, clips, kitti2012'):
        open_flow_pairs('kitti', tmp_path)
    with pytest.raises(FileNotFoundError, match='there is no folder'):
        open_flow_pairs('kitti2015', tmp_path / 'none')
    with pytest.raises(FileNotFoundError, match='no pairs with flow'):
        open_flow_pairs('kitti2015', tmp_path)
    with pytest.raises(FileNotFoundError, match='name the folder Sintel'):
        open_flow_pairs('sintel-clean', tmp_path)


def test_flow_of_another_size(tmp_path):
    root = layout('kitti2015', tmp_path)
    write_flow_file(root / 'training/flow_occ/000000_10.png', motion(1)[:, :8])
    with pytest.raises(ValueError, match=r'flow of \(8, 32\)'):
        open_flow_pairs('kitti2015', root)[0]


@pytest.mark.parametrize('root', ['.', 'pairs'])
def test_folder_of_pairs_named_from_where_one_stands(root, tmp_path, monkeypatch):
    folder = tmp_path / root
    for frame in (1, 2):
        image(folder / f'a_img{frame}.png', frame)
    write_flow_file(folder / 'a_flow.flo', motion(1))
    monkeypatch.chdir(tmp_path)
    (pair,) = open_flow_pairs('pairs', root)
    assert pair.visible is None and (pair.flow == 1).all()


@pytest.mark.parametrize(
    ('data', 'part', 'what'),
    [
        ('kitti2015', 'image_2/000000_11.png', 'second frame'),
        ('sintel-clean', 'occlusions/alley_0/frame_0001.png', 'visibility'),
    ],
)
def test_parts_of_another_size(data, part, what, tmp_path):
    root = layout(data, tmp_path)
    cv2.imwrite(str(root / 'training' / part), np.zeros((8, 32), np.uint8))
    with pytest.raises(ValueError, match=rf'{what} of \(8, 32\).* first frame has \(24, 32\)'):
        open_flow_pairs(data, root)[0]


def test_a_damaged_visibility_is_not_taken_for_none(tmp_path):
    root = layout('sintel-clean', tmp_path)
    (root / 'training/occlusions/alley_0/frame_0001.png').write_text('no image')
    with pytest.raises(ValueError, match=r'frame_0001\.png cannot be read as an image'):
        open_flow_pairs('sintel-clean', root)[0]


def test_flow_of_other_frames(tmp_path):
    """A file that is missing must not give its neighbour's flow to a pair."""
    root = layout('sintel-clean', tmp_path)
    for frame in (2, 3, 4):
        image(root / f'training/clean/alley_0/frame_{frame:04d}.png', frame)
    for frame in (2, 3):
        write_flow_file(root / f'training/flow/alley_0/frame_{frame:04d}.flo', motion(frame))
    assert len(open_flow_pairs('sintel-clean', root)) == 4
    (root / 'training/flow/alley_0/frame_0002.flo').unlink()
    with pytest.raises(
        ValueError, match=r'not complete: .*frame_0003\.flo .* of .*frame_0002\.png'
    ):
        open_flow_pairs('sintel-clean', root)
