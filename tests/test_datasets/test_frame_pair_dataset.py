"""Pairs from videos and clips: right frames, reproducible, bad files, filters."""

import os
import re
from collections import Counter

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from poodle_mm.datasets import FramePairDataset, PairSampler, frame_pair_collate
from poodle_mm.datasets.clips import STARTS, draw_clip
from poodle_mm.datasets.filters import has_scene_cut
from poodle_mm.datasets.video.reader import FrameReadError, VideoReader
from poodle_mm.registry import DATASETS
from tests.test_datasets.video_factory import read_number, write_video

CROP = [dict(type='PairRandomCrop', area=(0.2, 0.6), size=(32, 64)), dict(type='PackFramePair')]


def raw(results: dict) -> dict:
    return results


def make(root, **kwargs) -> FramePairDataset:
    cfg = dict(type='FramePairDataset', data_root=str(root), pipeline=[raw])
    return DATASETS.build({**cfg, **kwargs})


def test_ids_times_and_pictures_agree(tree):
    dataset = make(tree, delta=(5, 9))
    assert len(dataset) == 4
    distances = Counter()
    for epoch in range(10):
        for i in range(4):
            pair = dataset[(epoch, i)]
            ids = pair['frame_ids']
            assert tuple(read_number(frame) for frame in pair['frames']) == ids
            np.testing.assert_allclose(pair['timestamps'], np.array(ids) / 30)
            assert pair['source'] == os.path.join(tree, pair['source_id'])
            assert pair['ori_shape'] == (96, 160)
            distances[ids[1] - ids[0]] += 1
    assert set(distances) == {5, 6, 7, 8, 9}


def test_seconds(tree):
    dataset = make(tree, delta=(0.5, 0.7), delta_unit='seconds')
    distances = {np.diff(dataset[(e, i)]['timestamps'])[0] for e in range(6) for i in range(4)}
    assert min(distances) >= 0.5 - 1 / 60 and max(distances) <= 0.7 + 1 / 60
    assert len(distances) > 3


def test_delta_0_is_the_same_frame_in_two_crops(tree):
    item = make(tree, delta=0, pipeline=CROP)[0]
    sample = item['data_samples']
    assert sample.frame_ids[0] == sample.frame_ids[1]
    assert sample.crop_box != sample.crop_box2


def test_delta_below_half_a_frame_takes_another_frame_or_none(tmp_path):
    """At 30 frames/s the tolerance is 17 ms; frames 15 and 16 alone are less than 25 ms apart."""
    steps = [33] * 15 + [20] + [33] * 14
    write_video(tmp_path / 'a.mkv', 31, times=np.cumsum([0, *steps]).tolist())
    kwargs = dict(delta_unit='seconds', max_bad_share=1.0, max_refetch=0)
    dataset = make(tmp_path, delta=0.008, **kwargs)
    assert {dataset[(epoch, 0)]['frame_ids'] for epoch in range(20)} == {(15, 16)}
    with pytest.raises(FrameReadError, match=r'no two of its 31 frames are \(0\.001, 0\.001\) sec'):
        make(tmp_path, delta=0.001, test_mode=True, **kwargs)[0]
    with pytest.raises(ValueError, match=r'no clip .* of delta = \(0\.001, 0\.001\) s'):
        make(tmp_path, source='clips', delta=0.001, delta_unit='seconds')


def test_seeds_are_63_bits_and_differ(tree):
    dataset = make(tree)
    seeds = [dataset[(e, i)]['seed'] for e in range(20) for i in range(4)]
    assert len(set(seeds)) == 80
    assert all(0 <= seed < 2**63 for seed in seeds) and max(seeds) > 2**61


def digest(batches) -> dict:
    """Everything random about each pair, by its seed."""
    return {
        sample.seed: (sample.source_id, sample.frame_ids, sample.crop_box, int(image.sum()))
        for batch in batches
        for image, sample in zip(batch['inputs'], batch['data_samples'])
    }


def loader(dataset, workers: int, epoch: int, batch_size: int = 2) -> DataLoader:
    sampler = PairSampler(dataset, seed=1)
    sampler.set_epoch(epoch)
    return DataLoader(
        dataset, batch_size, sampler=sampler, num_workers=workers, collate_fn=frame_pair_collate
    )


def test_same_pairs_for_any_number_of_workers(tree):
    dataset = make(tree, pipeline=CROP, repeats=2)
    alone = digest(loader(dataset, 0, epoch=5))
    assert len(alone) == 8
    assert digest(loader(dataset, 2, epoch=5)) == alone
    assert not set(digest(loader(dataset, 0, epoch=6))) & set(alone)
    other_seed = make(tree, pipeline=CROP, repeats=2, seed=1)
    assert not set(digest(loader(other_seed, 0, epoch=5))) & set(alone)


def test_same_pairs_for_any_number_of_ranks(tree, monkeypatch):
    dataset = make(tree, pipeline=CROP)
    alone = digest(loader(dataset, 0, epoch=2))
    together = {}
    for rank in range(2):
        monkeypatch.setattr('mmengine.dataset.sampler.get_dist_info', lambda r=rank: (r, 2))
        together |= digest(loader(dataset, 0, epoch=2, batch_size=1))
    assert together == alone


def test_persistent_workers_see_the_epoch(tree):
    dataset = make(tree, pipeline=CROP)
    sampler = PairSampler(dataset, seed=1)
    batches = DataLoader(
        dataset,
        2,
        sampler=sampler,
        num_workers=1,
        persistent_workers=True,
        collate_fn=frame_pair_collate,
    )
    for epoch in range(2):
        sampler.set_epoch(epoch)
        assert digest(batches) == digest(loader(dataset, 0, epoch))


def test_repeats_are_pairs_of_one_opening(tree, monkeypatch):
    opened = []
    init = VideoReader.__init__
    monkeypatch.setattr(
        VideoReader, '__init__', lambda self, *a, **k: opened.append(a[0]) or init(self, *a, **k)
    )
    dataset = make(tree, repeats=6)
    opened.clear()
    pairs = dataset[(0, 1)]
    assert len(opened) == 1 and len(pairs) == 6
    assert len({pair['frame_ids'] for pair in pairs}) > 1
    assert len({pair['seed'] for pair in pairs}) == 6
    assert {pair['source_id'] for pair in pairs} == {'day0/2.mp4'}


def test_pairs_do_not_depend_on_the_pipeline(tree):
    """Flow that was cached with another pipeline belongs to the same pairs."""
    plain, cropped = make(tree, repeats=3), make(tree, repeats=3, pipeline=CROP)
    for i in range(4):
        ids = [pair['frame_ids'] for pair in plain[(1, i)]]
        assert [item['data_samples'].frame_ids for item in cropped[(1, i)]] == ids


def test_collate_refuses_crops_of_two_sizes(tree):
    items = [make(tree, pipeline=CROP)[0] for _ in range(2)]
    items[1]['inputs'] = torch.zeros(2, 3, 8, 8, dtype=torch.uint8)
    with pytest.raises(ValueError, match=r'0\.mp4'):
        frame_pair_collate(items)


def test_clips(tmp_path):
    write_video(tmp_path / 'long.mp4', 100, b_frames=2)  # 3.33 s: three clips and a rest of 10
    dataset = make(
        tmp_path, source='clips', delta=0.5, delta_unit='seconds', clip_seconds=1, pairs_per_clip=4
    )
    assert len(dataset) == 12
    starts = {}
    for epoch in range(6):
        for i in range(12):
            pair = dataset[(epoch, i)]
            a, b = pair['frame_ids']
            assert b - a == 15
            assert tuple(read_number(frame) for frame in pair['frames']) == (a, b)
            clip = i // 4
            assert 30 * clip <= a and b < 30 * (clip + 1)
            starts.setdefault(clip, set()).add(a)
    assert all(len(s) > 5 for s in starts.values())


def test_clips_by_length(tmp_path):
    """A file shorter than a clip is one clip, whole; longer ones are cut; the lengths add up."""
    lengths = dict(a=20, b=45, c=100)  # 0.67, 1.5 and 3.33 s
    for name, frames in lengths.items():
        write_video(tmp_path / f'{name}.mp4', frames)
    kwargs = dict(source='clips', delta=(0.2, 0.4), delta_unit='seconds', pairs_per_clip=1)
    dataset = make(tmp_path, clip_seconds=1, **kwargs)
    items = [dataset.get_data_info(i) for i in range(len(dataset))]
    clips = [
        ('a', 0, 20),
        ('b', 0, 30),
        ('b', 30, 45),
        *(('c', 30 * k, 30 * k + 30) for k in range(3)),
    ]
    assert [(item['source_id'][0], *item['clip']) for item in items] == [*clips, ('c', 90, 100)]
    assert dataset.source.seconds == pytest.approx((19 + 44 + 99) / 30)


def test_clips_too_short_for_a_pair(tmp_path):
    write_video(tmp_path / 'long.mp4', 60)
    with pytest.raises(ValueError, match=r'clip_seconds=0\.2'):
        make(tmp_path, source='clips', delta=0.5, delta_unit='seconds', clip_seconds=0.2)


def test_data_prefix_and_indices(tree):
    dataset = make(tree, data_prefix=dict(path='day1'), indices=1)
    assert len(dataset) == 1 and dataset[0]['source_id'] == '1.mp4'


@pytest.mark.parametrize(
    ('kwargs', 'message'),
    [
        (dict(delta=(3, 2)), 'delta'),
        (dict(delta=-1), 'delta'),
        (dict(delta=0.5), 'whole numbers'),
        (dict(delta_unit='hours'), 'delta_unit'),
        (dict(source='video'), "one of .*'videos'"),
        (dict(starts='key'), "starts must be one of .*'keyframes'"),
        (dict(repeats=0), 'repeats'),
        (dict(max_bad_share=2), 'max_bad_share'),
        (dict(source='clips', clip_seconds=0), 'clip_seconds'),
        (dict(source='frames', fps=0), 'fps'),
    ],
)
def test_wrong_arguments(tree, kwargs, message):
    with pytest.raises(ValueError, match=message):
        make(tree, **kwargs)


@pytest.mark.parametrize(
    ('kwargs', 'message'),
    [
        (
            dict(source='clips', clip_second=5),
            r"'clip_second'.*'clips' takes clip_seconds, pairs",
        ),
        (dict(source='videos', frames=3), r"'frames'; source='videos' takes index_cache, max_bad"),
        (dict(source='frames', max_redraw=3), r"'max_redraw'; source='frames' takes fps, max_bad"),
    ],
)
def test_an_unknown_argument_is_named_with_those_that_there_are(tree, kwargs, message):
    with pytest.raises(ValueError, match=f'FramePairDataset has no argument {message}'):
        make(tree, **kwargs)
    with pytest.raises(ValueError, match=f'FramePairDataset has no argument {message}'):
        make(tree, lazy_init=True, **kwargs)


def test_an_argument_of_another_source_is_warned_of(tree, monkeypatch):
    """A config that inherits another one's source keys still builds."""
    messages = []
    monkeypatch.setattr(
        'poodle_mm.datasets.frame_clip_dataset.warn', lambda text: messages.append(text)
    )
    index = str(tree.parent / 'index')
    assert len(make(tree, fps=10, clip_seconds=2, index_cache=index)) == 4
    assert [re.search(r'(\w+)=\d+ has no effect', text)[1] for text in messages] == [
        'clip_seconds',
        'fps',
    ]
    assert os.path.isfile(index)


def test_missing_and_empty_root(tmp_path):
    with pytest.raises(FileNotFoundError, match='nowhere'):
        make(tmp_path / 'nowhere')
    with pytest.raises(FileNotFoundError, match=r'\.mp4'):
        make(tmp_path)
    for path in ('', 'there', 'there/is'):
        (tmp_path / path).mkdir(exist_ok=True)
    with pytest.raises(FileNotFoundError, match=r'videos/train: no such folder.*data_prefix.path='):
        make(tmp_path, data_prefix=dict(path='videos/train'))
    with pytest.raises(FileNotFoundError, match=r'there/is: holds no file'):
        make(tmp_path, data_prefix=dict(path='there/is'))


def test_a_video_shorter_than_delta(tree):
    write_video(tree / 'short.mp4', 15)
    with pytest.raises(ValueError, match=r'(?s)1 of 5 .*short\.mp4: 15 frames.*max_bad_share'):
        make(tree, delta=(15, 30))
    dataset = make(tree, delta=(15, 30), max_bad_share=0.2)
    assert len(dataset) == 4 and list(dataset.source.bad) == ['short.mp4']
    assert len(make(tree, delta=(14, 30))) == 5  # the index is the same, the judgement is not


def test_a_few_bad_files_are_skipped_and_too_many_are_not(tree):
    for i in range(6):
        (tree / f'copy{i}.mp4').write_bytes((tree / 'day0' / '0.mp4').read_bytes())
    (tree / 'bad.mp4').touch()
    dataset = make(tree)
    assert len(dataset) == 10 and dataset.source.bad == {'bad.mp4': 'empty file'}
    (tree / 'worse.mp4').write_text('text')
    with pytest.raises(ValueError, match=r'(?s)2 of 12 .*bad\.mp4: empty file.*worse\.mp4'):
        make(tree)


def damage_after_indexing(tree, **kwargs) -> FramePairDataset:
    """A data set whose video day0/2.mp4 breaks after it was indexed."""
    dataset = make(tree, **kwargs)
    (tree / 'day0' / '2.mp4').write_bytes(b'gone')
    return dataset


def test_a_file_that_fails_later_is_replaced_the_same_way_everywhere(tree, monkeypatch):
    messages = []
    monkeypatch.setattr(
        'poodle_mm.datasets.frame_clip_dataset.warn', lambda text: messages.append(text)
    )
    dataset = damage_after_indexing(tree, max_bad_share=0.5, pipeline=CROP)
    alone = digest(loader(dataset, 0, epoch=0))
    assert len(alone) == 4 and 'day0/2.mp4' not in {value[0] for value in alone.values()}
    assert digest(loader(dataset, 2, epoch=0)) == alone
    twice = [[dataset[(e, 1)]['data_samples'].seed for e in range(12)] for _ in range(2)]
    sources = [[dataset[(e, 1)]['data_samples'].source_id for e in range(12)] for _ in range(2)]
    assert twice[0] == twice[1] and sources[0] == sources[1] and len(set(sources[0])) == 3
    assert len(messages) == 1 and '2.mp4' in messages[0]
    assert dataset.rejected['unreadable'] >= 1


def test_too_many_files_that_fail_later(tree):
    dataset = damage_after_indexing(tree)
    with pytest.raises(ValueError, match=r'(?s)1 of 4 .*2\.mp4'):
        dataset[1]


def test_in_test_mode_the_first_failure_is_an_error(tree):
    dataset = damage_after_indexing(tree, max_bad_share=1.0, test_mode=True)
    with pytest.raises(FrameReadError, match=r'2\.mp4'):
        dataset[1]


def test_errors_cross_the_process_border(tree):
    dataset = damage_after_indexing(tree, pipeline=CROP)
    with pytest.raises(ValueError, match=r'2\.mp4'):
        list(loader(dataset, 1, epoch=0))


def test_no_endless_search_when_nothing_can_be_read(tree):
    dataset = make(tree, max_bad_share=1.0)
    for path in tree.rglob('*.mp4'):
        path.write_bytes(b'gone')
    with pytest.raises(ValueError, match='no acceptable pair in 21 items'):
        dataset[0]


def test_scene_cut_by_hand():
    flat = [np.full((36, 64, 3), 2 * i, np.uint8) for i in range(16)]
    assert not has_scene_cut(flat)
    cut = flat[:8] + [image + 60 for image in flat[8:]]
    assert has_scene_cut(cut)
    assert not has_scene_cut(cut[:8]) and not has_scene_cut(cut[8:])
    assert not has_scene_cut([flat[0], flat[-1]])


def test_repeated_frames_are_no_scene_by_hand():
    """Each frame is shown four times, 12 grey levels apart: new ones are no cuts, 60 more is."""
    frames = [np.full((36, 64, 3), 12 * (i // 4), np.uint8) for i in range(20)]
    assert not has_scene_cut(frames)
    assert has_scene_cut(frames[:12] + [image + 60 for image in frames[12:]])
    still = [np.zeros((36, 64, 3), np.uint8)] * 8
    assert has_scene_cut(still + [image + 60 for image in still])


@pytest.mark.parametrize(
    ('name', 'cuts', 'frames'),
    [
        ('driving/mmdet_demo_motorcycle.mp4', [63], None),
        ('driving/orangeava_highway_day.mp4', [158, 159], None),
        ('driving/udacity_pv_shadow.mp4', [], None),
        ('driving/trades_nuscenes_mini.mp4', [], None),
        ('walking/sam2fork_plaza_tracking_shot.mp4', [], None),
        ('more/drive_taiwan_freeway.mp4', [], (890, 1010)),  # under a bridge, each frame four times
        ('more/drive_india_highway_dashcam.mp4', [1511], (1490, 1530)),  # every second one repeated
    ],
)
def test_scene_cuts_of_real_videos(test_data, name, cuts, frames):
    """Windows of 15 steps: a cut is found in those that hold it, and in no other."""
    if not (test_data / 'videos' / name).is_file():
        pytest.skip(f'no {name} among the test data')
    with VideoReader(test_data / 'videos' / name) as video:
        begin, end = frames or (0, len(video) - 1)
        thumbnails = video.thumbnails(begin, end, (36, 64))
    for first in range(0, len(thumbnails) - 15, 3):
        across = any(first <= cut - begin < first + 15 for cut in cuts)
        assert has_scene_cut(thumbnails[first : first + 16]) == across, first


def test_pairs_across_a_cut_are_drawn_again(test_data, tmp_path):
    kwargs = dict(
        data_prefix=dict(path='videos/driving'),
        index_cache=str(tmp_path / 'index.npz'),
        delta=(15, 20),
        indices=1,
    )
    first = make(test_data, **kwargs)
    assert first[0]['source_id'] == 'mmdet_demo_motorcycle.mp4'
    filtered = make(test_data, filter_scene_cuts=True, **kwargs)
    spans = [
        [a <= 63 < b for a, b in (ds[(e, 0)]['frame_ids'] for e in range(8))]
        for ds in (first, filtered)
    ]
    assert any(spans[0]) and not any(spans[1])
    assert filtered.rejected['scene_cut'] >= 1


def test_a_camera_at_rest_is_found(test_data, tmp_path):
    kwargs = dict(delta=1, index_cache=str(tmp_path / 'index.npz'), min_motion=1.0)
    prefix = dict(path='videos/static_control')
    still = make(test_data, data_prefix=prefix, max_refetch=1, max_redraws=2, **kwargs)
    with pytest.raises(ValueError, match=r'no_motion.*min_motion=1\.0'):
        still[0]
    kwargs['delta'] = (15, 30)
    moving = make(test_data, data_prefix=dict(path='videos/walking'), **kwargs)
    moving[0]
    assert not moving.rejected


def test_items_without_motion_are_replaced_and_counted(tree):
    """One video of four never changes; the sample says what was thrown away."""
    import av

    with av.open(str(tree / 'day0' / '2.mp4'), 'w') as container:
        stream = container.add_stream('libx264', rate=30)
        stream.width, stream.height, stream.pix_fmt = 160, 96, 'yuv420p'
        for _ in range(60):
            frame = av.VideoFrame.from_ndarray(np.full((96, 160, 3), 90, np.uint8), 'rgb24')
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    dataset = make(tree, min_motion=0.5, max_redraws=2)
    pairs = [dataset[(0, i)] for i in range(4)]
    assert pairs[1]['source_id'] != 'day0/2.mp4'
    assert pairs[1]['rejected']['no_motion'] % 3 == 0
    assert 'rejected' not in pairs[0]
    assert dataset.rejected == pairs[1]['rejected']


def test_keyframes_first(tmp_path):
    """Every pair starts at a keyframe that has a partner, all of them equally often."""
    path = write_video(tmp_path / 'a.mp4', 75, gop=12, options={'x264-params': 'scenecut=0'})
    dataset = make(tmp_path, delta=(5, 9), starts='keyframes')
    with VideoReader(path) as video:
        assert video.keyframes.tolist() == [0, 12, 24, 36, 48, 60, 72]
        drawn = Counter()
        axis = np.arange(len(video))
        rng = np.random.default_rng(0)
        for _ in range(3000):
            drawn[draw_clip(rng, axis, (5, 9), starts=video.keyframes)] += 1
    # 72 has no partner; each of the others has all five distances
    expected = {(start, start + d) for start in range(0, 61, 12) for d in range(5, 10)}
    assert set(drawn) == expected
    assert all(abs(count - 100) < 5 * 10 for count in drawn.values())
    for epoch in range(20):
        pair = dataset[(epoch, 0)]
        assert pair['frame_ids'] in expected
        assert tuple(read_number(frame) for frame in pair['frames']) == pair['frame_ids']


def test_keyframes_first_keeps_the_distances(tmp_path):
    write_video(tmp_path / 'a.mp4', 75, gop=6, options={'x264-params': 'scenecut=0'})
    anywhere, keyframes = (make(tmp_path, delta=(5, 9), starts=starts) for starts in STARTS)
    counts = []
    for dataset in (anywhere, keyframes):
        ids = [dataset[(epoch, 0)]['frame_ids'] for epoch in range(150)]
        counts.append(np.bincount([b - a for a, b in ids], minlength=10)[5:])
        if dataset is keyframes:
            assert {a % 6 for a, _ in ids} == {0}
    for count in counts:
        assert len(count) == 5 and abs(count - 30).max() < 4 * np.sqrt(30)


def test_keyframes_everywhere_are_any_frame(tmp_path):
    write_video(tmp_path / 'a.mp4', 40, gop=1)
    anywhere, keyframes = (
        make(tmp_path, delta=(5, 9), repeats=3, starts=starts) for starts in STARTS
    )
    for epoch in range(10):
        for a, b in zip(anywhere[(epoch, 0)], keyframes[(epoch, 0)], strict=True):
            assert a['frame_ids'] == b['frame_ids'] and a['seed'] == b['seed']
            np.testing.assert_array_equal(a['frames'], b['frames'])


def test_keyframes_first_in_clips(tmp_path):
    write_video(tmp_path / 'long.mp4', 90, gop=7, options={'x264-params': 'scenecut=0'})
    dataset = make(
        tmp_path, source='clips', delta=(3, 5), starts='keyframes', clip_seconds=1, pairs_per_clip=8
    )
    for i in range(len(dataset)):
        a, b = dataset[i]['frame_ids']
        clip = i // 8
        assert a % 7 == 0 and 30 * clip <= a < b < 30 * (clip + 1)
        assert read_number(dataset[i]['frames'][0]) == a


def test_clips_without_a_keyframe_are_left_out_from_the_start(tmp_path, monkeypatch):
    """Keyframes 0, 50, 100: the clips of 30 frames at 0, 30 and 90 hold one with a partner."""
    messages = []
    monkeypatch.setattr('poodle_mm.datasets.sources.warn', lambda text: messages.append(text))
    options = {'x264-params': 'scenecut=0'}
    write_video(tmp_path / 'long.mp4', 150, gop=50, options=options)
    kwargs = dict(source='clips', starts='keyframes', clip_seconds=1, pairs_per_clip=2)
    dataset = make(tmp_path, delta=(3, 5), **kwargs)
    assert len(dataset) == 6 and not dataset.source.bad
    starts = [[dataset[e, i]['frame_ids'][0] for i in range(6)] for e in range(5)]
    assert starts == [[0, 0, 50, 50, 100, 100]] * 5
    assert len(messages) == 1 and '2 clips have no keyframe' in messages[0]
    # frame 50 is the 20th of its clip: no partner 10 or more frames on
    assert len(make(tmp_path, delta=(10, 12), **kwargs)) == 4
    write_video(tmp_path / 'long.mp4', times=[33 * i - 165 for i in range(40)], gop=100)
    with pytest.raises(ValueError, match=r'holds a pair of .* that starts at a keyframe'):
        make(tmp_path, delta=(3, 5), **kwargs)


def test_a_video_without_a_keyframe_that_has_a_partner_is_replaced(tree):
    """Its keyframe is frame 0 alone, and an edit list has cut that away: frames 5, 6, ... stay."""
    times = [33 * i - 165 for i in range(40)]
    write_video(tree / 'day0' / '2.mp4', times=times, gop=100)
    with VideoReader(tree / 'day0' / '2.mp4') as video:
        assert len(video) == 35 and not len(video.keyframes)
    make(tree, max_bad_share=0.5)[1]
    dataset = make(tree, max_bad_share=0.5, starts='keyframes', delta=(5, 9))
    pair = dataset[1]
    assert pair['source_id'] != 'day0/2.mp4' and dataset.rejected['unreadable'] == 1
    assert 'none of 0 keyframes' in next(iter(dataset.unreadable.values()))
    with pytest.raises(FrameReadError, match=r'day0/2\.mp4: none of 0 keyframes and one of its 35'):
        make(tree, starts='keyframes', delta=(5, 9), test_mode=True)[1]


def test_more_frames_are_another_data_set(tree):
    with pytest.raises(ValueError, match=r"no argument 'num_frames'.*FrameClipDataset takes it"):
        make(tree, num_frames=3)


def test_images_have_no_keyframes(tree):
    with pytest.raises(ValueError, match="source='frames' reads images, which have no keyframes"):
        make(tree, source='frames', starts='keyframes')
