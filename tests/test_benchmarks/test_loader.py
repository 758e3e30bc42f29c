"""The stages of loader and index: that they run, and that what they compare is comparable."""

import itertools
import json

import av
import numpy as np
import pytest
import torch

from benchmarks import index, loader, pair_readers
from benchmarks.result import Options
from benchmarks.videos import ENCODINGS, drive, frames_of, write_videos
from poodle_mm.datasets import FrameReadError, VideoReader

SHAPE = (90, 160)


@pytest.fixture(scope='module')
def options(tmp_path_factory) -> Options:
    return Options(quick=True, repeats=1, cache=tmp_path_factory.mktemp('cache'))


@pytest.fixture(scope='module')
def paths(options):
    return loader.make_videos(options, loader.QUICK)


def packets(path):
    with av.open(str(path)) as container:
        return [(p.pts, p.dts, p.is_keyframe) for p in container.demux(video=0) if p.size]


def test_the_two_encodings(paths):
    """Keyframes where the name says; frames out of order in the one with B-frames alone."""
    stored = {name: packets(path) for name, path in paths.items()}
    keyframes = {name: [i for i, p in enumerate(ps) if p[2]] for name, ps in stored.items()}
    assert keyframes == {'every_30': [0, 30, 60], 'every_250': [0]}
    reordered = {
        name: any(a[0] > b[0] for a, b in itertools.pairwise(ps)) for name, ps in stored.items()
    }
    assert reordered == {'every_30': False, 'every_250': True}
    with VideoReader(paths['every_30']) as a, VideoReader(paths['every_250']) as b:
        assert len(a) == len(b) == 90
        for x, y in zip(a.read([0, 44, 89]), b.read([0, 44, 89]), strict=True):
            assert np.abs(x.astype(int) - y).mean() < 12


def test_videos_are_made_once_and_move(options, paths):
    def fails():
        raise AssertionError('drawn again')
        yield

    assert write_videos(paths['every_30'].parents[1], fails()) == paths
    first, again = (list(drive(4, SHAPE)) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first[0].astype(int) - first[3]).mean() > 3


def test_a_video_of_ones_own(options, paths, tmp_path):
    own = Options(quick=True, cache=tmp_path, video=paths['every_30'])
    scale = loader.QUICK._replace(frames=100, shape=(48, 64))
    with VideoReader(loader.make_videos(own, scale)['every_30']) as video:
        assert len(video) == 100
        images = video.read([0, 90, 99])
    assert images[0].shape == (48, 64, 3)
    frames = list(frames_of(paths['every_30'], 100, (48, 64)))
    assert len(frames) == 100
    np.testing.assert_array_equal(frames[90], frames[0])  # from the start again
    np.testing.assert_array_equal(frames[99], frames[9])
    (tmp_path / 'notes.mp4').write_text('no video')
    with pytest.raises(FrameReadError, match=r'notes\.mp4: cannot open'):
        next(frames_of(tmp_path / 'notes.mp4', 1))


@pytest.mark.parametrize(
    ('ids', 'frames'),
    [
        ((0, 15), 16),  # from one keyframe
        ((3, 29), 30),
        ((3, 30), 4 + 1),  # the second is a keyframe
        ((20, 47), 21 + 18),  # a keyframe lies between
        ((29, 59), 30 + 30),
        ((60, 60), 1),
    ],
)
def test_the_lower_bound_decodes_what_the_format_forces(paths, ids, frames):
    """By hand, for a keyframe every 30 frames and no B-frames."""
    bound = pair_readers.LowerBound(paths['every_30'])
    pair = pair_readers.Pair((0, 0), str(paths['every_30']), ids, (0, 0, 160, 90))
    assert bound(pair) == bound(pair) == frames
    bound.container.close()


@pytest.mark.parametrize('encoding', ENCODINGS)
def test_all_contenders_read_the_same_frames(paths, encoding):
    """Ours bit for bit, OpenCV and mmcv up to their own colour conversion."""
    size = loader.QUICK.size
    dataset = loader.make_dataset(paths[encoding], size)
    pairs = loader.known_pairs(dataset, 5)
    assert len({pair.ids for pair in pairs}) > 1
    for pair in pairs:
        assert 15 <= pair.ids[1] - pair.ids[0] <= 30
        inputs = dataset[pair.key]['inputs']
        assert torch.equal(inputs, pair_readers.plain_pair(pair, size))
        baselines = [
            read(pair, onwards=onwards)
            for read in pair_readers.BASELINES.values()
            for onwards in (False, True)
        ]
        for frames in baselines:
            tensor = pair_readers.to_tensor(frames, pair.box, size)
            assert (tensor.float() - inputs.float()).abs().mean() < 3
        moved = pair._replace(ids=(pair.ids[0], pair.ids[1] - 5))
        assert (pair_readers.plain_pair(moved, size).float() - inputs.float()).abs().mean() > 3


def test_stage_loader(options):
    result = loader.run(options)
    names = (
        loader.LOWER_BOUND,
        loader.OURS,
        loader.KEYFRAMES,
        *pair_readers.BASELINES,
    )
    rows = [row.name for row in result.rows]
    for encoding, name in itertools.product(ENCODINGS, names):
        assert f'{encoding}: {name}' in rows
    assert all(len(row.seconds) == 1 and row.median > 0 for row in result.rows)
    texts = ' '.join(target.text for target in result.targets)
    assert [target.limit for target in result.targets[:3]] == ['<= 1.25', '>= 1.8', '>= 1.8']
    assert len(result.targets) == 8 and 'speed-up' in texts and 'growth' in texts
    assert any('bit for bit' in note for note in result.notes)
    json.dumps(result.as_dict())


def test_stage_index(options):
    result = index.run(options)
    assert [row.name for row in result.rows] == [index.LOWER_BOUND, index.WARM, index.COLD]
    root = index.make_tree(options, 60)
    files = list(root.rglob('*.mp4'))
    assert len(files) == 60 and len({path.name for path in files}) == 60
    assert [target.limit for target in result.targets] == ['<= 10']
    json.dumps(result.as_dict())
