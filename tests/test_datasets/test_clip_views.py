"""Views of clips: one draw for all frames, own draws for local views, nothing left behind."""

import random

import numpy as np
import pytest
import torch
from mmengine.dataset import default_collate
from torch.utils.data import DataLoader

from poodle_mm.datasets import ClipViews, FrameClipDataset, FrameClipSample, PairSampler
from poodle_mm.registry import register_all_modules

CROP = dict(type='RandomResizedCrop', scale=32, crop_ratio_range=(0.2, 0.6))
COLOURS = dict(type='ColorJitter', brightness=0.4, contrast=0.4)
FLIP = dict(type='RandomFlip', prob=0.5)


@pytest.fixture(autouse=True)
def _registered():
    register_all_modules()


def clip(frames: int = 3, seed: int = 5, same: bool = True) -> dict:
    rng = np.random.default_rng(0)
    images = [rng.integers(256, size=(48, 64, 3), dtype=np.uint8) for _ in range(frames)]
    if same:
        images = [images[0].copy() for _ in images]
    return dict(
        frames=images, seed=seed, source='a.mp4', source_id='a.mp4', frame_ids=(0, 5, 10)[:frames]
    )


def views(**kwargs) -> ClipViews:
    options = dict(clip=[CROP, FLIP, COLOURS], local=[dict(CROP, scale=16), FLIP], num_locals=4)
    return ClipViews(**{**options, **kwargs})


def test_one_draw_for_all_frames_of_a_clip():
    """Of equal frames the global views are equal, and those of several draws and locals are not."""
    packed = views(num_clips=2)(clip())
    first, second, local = packed['inputs']
    assert first.shape == second.shape == (3, 3, 32, 32) and local.shape == (3, 4, 3, 16, 16)
    assert all(view.dtype == torch.uint8 for view in packed['inputs'])
    for view in (first, second):
        assert torch.equal(view[0], view[1]) and torch.equal(view[0], view[2])
    assert not torch.equal(first, second)
    assert len({tuple(view.flatten().tolist()) for view in local.flatten(0, 1)}) == 12
    sample = packed['data_samples']
    assert type(sample) is FrameClipSample
    assert (sample.seed, sample.frame_ids) == (5, (0, 5, 10))


def test_views_are_rgb_of_each_frame():
    frames = clip(same=False)
    (packed,) = views(clip=[dict(type='Resize', scale=(64, 48))], num_locals=0)(frames)['inputs']
    for view, frame in zip(packed, frames['frames'], strict=True):
        np.testing.assert_array_equal(view.permute(1, 2, 0).numpy(), frame)


def test_the_seed_alone_decides_and_the_generators_go_on():
    random.seed(1), np.random.seed(1), torch.manual_seed(1)  # noqa: NPY002
    expected = random.random(), np.random.rand(), torch.rand(1)  # noqa: NPY002
    random.seed(1), np.random.seed(1), torch.manual_seed(1)  # noqa: NPY002
    first = views()(clip())['inputs']
    assert (random.random(), np.random.rand(), torch.rand(1)) == expected  # noqa: NPY002
    again, other = (views()(clip(seed=seed))['inputs'] for seed in (5, 6))
    for a, b, c in zip(first, again, other, strict=True):
        assert torch.equal(a, b) and not torch.equal(a, c)


def test_batches_for_any_number_of_workers(tree):
    dataset = FrameClipDataset(str(tree), num_frames=3, spacing=(4, 6), pipeline=[views()])

    def batch(workers: int) -> dict:
        sampler = PairSampler(dataset, seed=0)
        loader = DataLoader(
            dataset, 2, sampler=sampler, num_workers=workers, collate_fn=default_collate
        )
        return next(iter(loader))

    alone, other = batch(0), batch(1)
    assert [v.shape for v in alone['inputs']] == [(2, 3, 3, 32, 32), (2, 3, 4, 3, 16, 16)]
    assert [s.seed for s in alone['data_samples']] == [s.seed for s in other['data_samples']]
    for a, b in zip(alone['inputs'], other['inputs'], strict=True):
        assert torch.equal(a, b)


@pytest.mark.parametrize('wrong', [dict(num_clips=0), dict(num_locals=-1)])
def test_wrong_arguments(wrong):
    with pytest.raises(ValueError, match='num_clips >= 1 and num_locals >= 0'):
        views(**wrong)


def test_frames_of_two_sizes_are_refused():
    frames = clip()
    frames['frames'][1] = frames['frames'][1][:40]
    with pytest.raises(ValueError, match=r'a\.mp4: the frames of a clip differ'):
        views()(frames)
