"""Clips of N frames: right frames of every source, reproducible, filters, bad files."""

import pickle
from itertools import pairwise

import cv2
import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from poodle_mm.datasets import (
    FrameClipDataset,
    FrameClipSample,
    FramePairDataset,
    MixedPairDataset,
    PairSampler,
    frame_clip_collate,
)
from poodle_mm.datasets.filters import clip_has_scene_cut, has_scene_cut, mean_motion
from poodle_mm.datasets.video.decoding import OpenVideo
from poodle_mm.datasets.video.reader import FrameReadError, VideoReader
from poodle_mm.registry import DATASETS
from tests.test_datasets.video_factory import numbered_image, read_number, write_video

CROP = [dict(type='PairRandomCrop', area=(0.2, 0.6), size=(16, 32)), dict(type='PackFrameClip')]


def raw(results: dict) -> dict:
    return results


def make(root, **kwargs) -> FrameClipDataset:
    cfg = dict(type='FrameClipDataset', data_root=str(root), num_frames=4, spacing=(5, 9))
    return DATASETS.build({**cfg, 'pipeline': [raw], **kwargs})


def check_numbers(clip: dict, spacing: tuple[int, int], num_frames: int) -> None:
    ids = clip['frame_ids']
    assert tuple(read_number(frame) for frame in clip['frames']) == ids and len(ids) == num_frames
    assert all(spacing[0] <= b - a <= spacing[1] for a, b in pairwise(ids))


@pytest.mark.parametrize('num_frames', [1, 3, 4])
def test_frames_are_those_of_a_naive_decoding(tree, num_frames):
    dataset = make(tree, num_frames=num_frames)
    for i in range(len(dataset)):
        clip = dataset[3, i]
        check_numbers(clip, (5, 9), num_frames)
        np.testing.assert_allclose(clip['timestamps'], np.array(clip['frame_ids']) / 30)
        with VideoReader(clip['source']) as video:
            for number, frame in zip(clip['frame_ids'], clip['frames'], strict=True):
                np.testing.assert_array_equal(video.read([number])[0], frame)


def test_two_frames_are_the_pairs_of_the_pair_data_set(tree):
    pairs = FramePairDataset(str(tree), delta=(5, 9), repeats=2, pipeline=[raw], seed=3)
    clips = make(tree, num_frames=2, repeats=2, seed=3)
    for key in [(e, i) for e in range(5) for i in range(4)]:
        for a, b in zip(pairs[key], clips[key], strict=True):
            assert a['frame_ids'] == b['frame_ids'] and a['seed'] == b['seed']
            np.testing.assert_array_equal(a['frames'], b['frames'])


def test_parts_of_long_videos(tmp_path):
    write_video(tmp_path / 'long.mp4', 100, b_frames=2)
    kwargs = dict(source='clips', clip_seconds=1.2, pairs_per_clip=3)  # 36, 36 and 28 frames
    assert len(make(tmp_path, **kwargs)) == 9
    dataset = make(tmp_path, spacing=10, **kwargs)
    assert len(dataset) == 6
    for i in range(6):
        clip = dataset[i]
        check_numbers(clip, (10, 10), 4)
        assert {n // 36 for n in clip['frame_ids']} == {i // 3}
    with pytest.raises(ValueError, match=r'holds a clip of 4 frames of spacing = \(12, 12\)'):
        make(tmp_path, source='clips', clip_seconds=1.2, spacing=12)


def test_folders_of_frames(tmp_path):
    """Number 12 is missing: the clips step over it where they can and end where they cannot."""
    for number in [*range(0, 12), *range(13, 20)]:
        cv2.imwrite(str(tmp_path / f'seq_{number:03d}.png'), numbered_image(number)[..., ::-1])
    dataset = make(tmp_path, source='frames', num_frames=3, spacing=4)
    firsts = [n for n in range(12) if not {n, n + 4, n + 8} & {12, *range(20, 40)}]
    assert len(dataset) == len(firsts) == 10
    for i, first in enumerate(firsts):
        check_numbers(dataset[i], (4, 4), 3)
        assert dataset[i]['frame_ids'][0] == first
    with pytest.raises(ValueError, match=r'no 3 of the 19 frames .*spacing = \(10, 10\) frames'):
        make(tmp_path, source='frames', num_frames=3, spacing=10)


def test_seconds_at_a_variable_rate(tmp_path):
    """Frames 20, 40 and 60 ms apart: every step is a fifth of a second to half a usual frame."""
    steps = np.random.default_rng(0).choice([20, 40, 60], 79)
    write_video(tmp_path / 'a.mkv', 80, times=np.cumsum([0, *steps]).tolist())
    dataset = make(tmp_path, spacing=0.2, spacing_unit='seconds', num_frames=6)
    seen = set()
    for epoch in range(10):
        clip = dataset[epoch, 0]
        check_numbers(clip, (3, 11), 6)
        assert abs(np.diff(clip['timestamps']) - 0.2).max() <= 0.02 + 1e-3
        seen |= {b - a for a, b in pairwise(clip['frame_ids'])}
    assert len(seen) > 2


def test_a_clip_is_decoded_in_one_pass(tmp_path, monkeypatch):
    """One seek for each group of pictures that holds some of its frames."""
    write_video(tmp_path / 'a.mp4', 60, gop=60, options={'x264-params': 'scenecut=0'})
    dataset, calls = make(tmp_path, num_frames=5), []
    decode = OpenVideo.decode
    monkeypatch.setattr(
        OpenVideo, 'decode', lambda self, *args: calls.append(args) or decode(self, *args)
    )
    check_numbers(dataset[0], (5, 9), 5)
    assert len(calls) == 1


def digest(batches) -> dict:
    return {
        sample.seed: (sample.source_id, sample.frame_ids, sample.crop_box, int(image.sum()))
        for batch in batches
        for image, sample in zip(batch['inputs'], batch['data_samples'], strict=True)
    }


def test_same_clips_for_any_workers_and_ranks(tree, monkeypatch):
    dataset = make(tree, pipeline=CROP, repeats=2)

    def load(**kwargs) -> dict:
        sampler = PairSampler(dataset, seed=1)
        sampler.set_epoch(5)
        return digest(
            DataLoader(dataset, 2, sampler=sampler, collate_fn=frame_clip_collate, **kwargs)
        )

    alone = load()
    assert len(alone) == 8
    assert load(num_workers=2) == alone
    together = {}
    for rank in range(2):
        monkeypatch.setattr('mmengine.dataset.sampler.get_dist_info', lambda r=rank: (r, 2))
        together |= load()
    assert together == alone


def test_batches_of_clips_travel(tree):
    dataset = make(tree, pipeline=CROP)
    items = [pickle.loads(pickle.dumps(dataset))[0, i] for i in range(2)]
    batch = frame_clip_collate(items)
    assert batch['inputs'].shape == (2, 4, 3, 16, 32) and batch['inputs'].dtype == torch.uint8
    for i, item in enumerate(items):
        assert torch.equal(batch['inputs'][i], dataset[0, i]['inputs'])
        assert type(item['data_samples']) is FrameClipSample
        assert batch['data_samples'][i].frame_ids == dataset[0, i]['data_samples'].frame_ids
    items[1]['inputs'] = items[1]['inputs'][:3]
    with pytest.raises(ValueError, match=r'\(4, 3, 16, 32\).*\(3, 3, 16, 32\)'):
        frame_clip_collate(items)


def test_one_box_for_all_frames(tree):
    """The crop of a clip is the crop of each of its frames."""
    item, clip = make(tree, pipeline=CROP)[0, 1], make(tree)[0, 1]
    x0, y0, x1, y1 = item['data_samples'].crop_box
    for image, frame in zip(item['inputs'], clip['frames'], strict=True):
        expected = cv2.resize(frame[y0:y1, x0:x1], (32, 16), interpolation=cv2.INTER_AREA)
        np.testing.assert_array_equal(image.permute(1, 2, 0).numpy(), expected)


def test_mixtures_of_clips(tree):
    parts = [make(tree, data_prefix=dict(path=f'day{i}')) for i in range(2)]
    mixed = MixedPairDataset(parts, length=8)
    clips = [mixed[0, i] for i in range(8)]
    for clip in clips:
        check_numbers(clip, (5, 9), 4)
    assert len({clip['source'] for clip in clips}) > 1


def test_keyframes_first(tmp_path):
    write_video(tmp_path / 'a.mp4', 60, gop=12, options={'x264-params': 'scenecut=0'})
    dataset = make(tmp_path, starts='keyframes')
    firsts = {dataset[epoch, 0]['frame_ids'][0] for epoch in range(30)}
    assert firsts == {0, 12, 24, 36}  # 48 has 11 frames after it, and three steps of 5 are 15


def test_bad_files_are_replaced_and_named(tree, monkeypatch):
    messages = []
    monkeypatch.setattr(
        'poodle_mm.datasets.frame_clip_dataset.warn', lambda text: messages.append(text)
    )
    options = dict(max_bad_share=0.5, index_cache=str(tree.parent / 'index'))
    datasets = [make(tree, **options) for _ in range(2)]
    strict = make(tree, test_mode=True, **options)
    (tree / 'day0' / '2.mp4').write_bytes(b'gone')
    first, second = ([dataset[e, 1] for e in range(4)] for dataset in datasets)
    for a, b in zip(first, second, strict=True):
        check_numbers(a, (5, 9), 4)
        assert a['source_id'] == b['source_id'] != 'day0/2.mp4' and a['seed'] == b['seed']
        assert a['rejected']['unreadable'] >= 1
    assert len(messages) == 2 and 'day0/2.mp4' in messages[0]
    with pytest.raises(FrameReadError, match=r'day0/2\.mp4'):
        strict[1]


def test_videos_too_short_for_a_clip_are_named(tree):
    """Of 40, 50, 60 and 70 frames; four frames 15 apart take 46."""
    with pytest.raises(ValueError, match=r'(?s)1 of 4 .*0\.mp4: 40 .* than 3 x spacing = 15 fr'):
        make(tree, spacing=15)
    assert len(make(tree, spacing=15, max_bad_share=0.3)) == 3
    dataset = make(tree, spacing=(0.5, 0.6), spacing_unit='seconds', max_bad_share=0.3)
    assert len(dataset) == 3


def test_clips_across_a_cut_are_drawn_again(test_data, tmp_path):
    kwargs = dict(
        data_prefix=dict(path='videos/driving'),
        index_cache=str(tmp_path / 'index.npz'),
        spacing=(8, 12),
        indices=1,
    )
    plain, filtered = (make(test_data, filter_scene_cuts=cuts, **kwargs) for cuts in (False, True))
    spans = [
        [ids[0] <= 63 < ids[-1] for ids in (ds[e, 0]['frame_ids'] for e in range(6))]
        for ds in (plain, filtered)
    ]
    assert any(spans[0]) and not any(spans[1])
    assert filtered.rejected['scene_cut'] >= 1


@pytest.mark.parametrize('places', [(0, 60), (0, 20, 40, 60), (0, 5, 10, 60), (0, 58, 60)])
@pytest.mark.parametrize('cut', [None, 7, 30, 59])
def test_a_cut_anywhere_in_the_clip_by_hand(places, cut):
    images = [np.full((36, 64, 3), 2 * i + 60 * (cut is not None and i > cut), np.uint8)
              for i in range(61)]  # fmt: skip
    assert clip_has_scene_cut(images, places) == (cut is not None)
    if len(places) == 2:
        assert has_scene_cut(images) == (cut is not None)


def test_a_quiet_start_does_not_make_later_motion_a_cut():
    """Steps of 1 grey level, then of 12: unusual for the whole, usual where they are."""
    values = np.cumsum([0] + [1] * 40 + [12] * 17)
    images = [np.full((36, 64, 3), value, np.uint8) for value in values]
    assert has_scene_cut(images)
    assert not clip_has_scene_cut(images, (0, 40, 57))


def test_motion_is_the_mean_of_successive_frames():
    frames = [np.full((72, 128, 3), value, np.uint8) for value in (10, 10, 16)]
    assert mean_motion(frames) == 3
    assert mean_motion(frames[:1]) == float('inf')


@pytest.mark.parametrize(
    ('kwargs', 'message'),
    [
        (dict(num_frames=0), 'num_frames'),
        (dict(spacing=(3, 2)), 'spacing must be 0 <= min'),
        (dict(spacing_unit='hours'), "spacing_unit must be 'frames'"),
        (dict(delta=3), "FrameClipDataset has no argument 'delta'"),
    ],
)
def test_wrong_arguments(tree, kwargs, message):
    with pytest.raises(ValueError, match=message):
        make(tree, **kwargs)
