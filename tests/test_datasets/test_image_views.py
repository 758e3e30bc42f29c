"""Views of single frames by OpenMMLab's pipelines: what they get, and what they may depend on."""

import random
from pathlib import Path

import mmpretrain
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from mmengine.config import Config
from mmengine.dataset import default_collate
from mmpretrain.datasets import MultiView
from torch.utils.data import DataLoader

from poodle_mm.datasets import FramePairDataset, ImageViews, PairSampler
from poodle_mm.datasets.transforms.image_views import seeded
from poodle_mm.geometry.pixel_propagation import cell_centres, mirrored_box
from poodle_mm.registry import TRANSFORMS

PUBLISHED = Path(mmpretrain.__file__).parent / '.mim' / 'configs' / '_base_' / 'datasets'
VIEWS = [
    f'{method}_views_{size}.py' for method in ('byol', 'densecl', 'pixpro') for size in (224, 128)
]


def pair(seed: int = 5, shape: tuple[int, int] = (90, 160)) -> dict:
    rng = np.random.default_rng(seed)
    return dict(
        frames=[rng.integers(0, 256, (*shape, 3), np.uint8) for _ in range(2)],
        rng=rng,
        seed=2**62 + seed,
        source='/data/a.mp4',
        source_id='a.mp4',
        frame_ids=(3, 20),
        timestamps=(0.1, 0.7),
        ori_shape=shape,
    )


def views_config(repo, name: str) -> Config:
    return Config.fromfile(repo / 'configs' / '_base_' / 'datasets' / name)


def draws() -> tuple[float, ...]:
    """One number of each of the global generators."""
    return random.random(), float(np.random.rand()), float(torch.rand(()))  # noqa: NPY002


class Record:
    """A transform that keeps what it got, and adds one draw of each generator."""

    def __init__(self) -> None:
        self.seen = []

    def __call__(self, results: dict) -> dict:
        self.seen.append(dict(results))
        results['img'] = draws()
        results['left'] = True
        return results


def test_a_pipeline_gets_a_frame_as_openmmlab_loads_it():
    results, record = pair(), Record()
    done = ImageViews([[record], [record]])(dict(results, flow=1, visible=1))
    for got in record.seen:
        np.testing.assert_array_equal(got['img'], results['frames'][0][:, :, ::-1])  # BGR
        assert got['img'].flags.c_contiguous and got['img'].dtype == np.uint8
        assert got['img_path'] == '/data/a.mp4'
        assert got['img_shape'] == got['ori_shape'] == (90, 160)
        assert not {'frames', 'rng', 'flow', 'visible', 'left'} & got.keys()
    assert record.seen[0]['img'] is not record.seen[1]['img']
    assert len(done['img']) == 2 and done['img_shape'] == (90, 160) and 'left' not in done


@pytest.mark.parametrize(
    ('frames', 'expected'), [('first', {(0, 0)}), ('pair', {(0, 1)}), ('random', {(0, 0), (1, 1)})]
)
def test_which_frame_is_which_view(frames, expected):
    chosen = set()
    for seed in range(12):
        results, record = pair(seed), Record()
        done = ImageViews([[record], [record]], frames=frames)(results)
        index = tuple((3, 20).index(i) for i in done['frame_ids'])
        for i, got in zip(index, record.seen):
            np.testing.assert_array_equal(got['img'], pair(seed)['frames'][i][:, :, ::-1])
        assert done['timestamps'] == tuple((0.1, 0.7)[i] for i in index)
        chosen.add(index)
    assert chosen == expected


def test_draws_come_from_the_seed_and_the_global_generators_go_on():
    views = ImageViews([[Record()], [Record()]])
    random.seed(0), np.random.seed(0), torch.manual_seed(0)  # noqa: NPY002
    undisturbed = [draws(), draws()]
    random.seed(0), np.random.seed(0), torch.manual_seed(0)  # noqa: NPY002
    first = views(pair())['img']
    between = draws()
    again = views(pair())['img']
    assert [between, draws()] == undisturbed
    assert first == again
    numbers = [number for image in first for number in image]
    assert len(set(numbers)) == 6  # neither the views nor the three generators share a stream
    other = views(dict(pair(), seed=2**62 + 6))['img']
    assert not set(numbers) & {number for image in other for number in image}


def test_view_keys_are_kept_for_each_view():
    def leave(number):
        return lambda results: dict(results, img=number, own=number, **{f'only_{number}': 1})

    done = ImageViews([[leave(1)], [leave(2)]], view_keys=('own', 'only_2'))(pair())
    assert (done['img'], done['own'], done['only_2']) == ([1, 2], [1, 2], [None, 1])
    assert 'only_1' not in done


@pytest.mark.parametrize('size', [(64, 64), (32, 96)])
def test_boxes_say_where_a_view_lies(size):
    """Each pixel of the frame holds its own place; so does the mean of each cell of a view."""
    crop = dict(type='poodle_mm.RandomResizedCropBox', scale=size, interpolation='area')
    pipeline = [
        crop,
        dict(type='RandomFlip', prob=[0.3, 0.3], direction=['horizontal', 'vertical']),
    ]
    views = ImageViews([pipeline, pipeline], view_keys=('crop_box', 'flip_direction'))
    v, u = np.mgrid[:90, :160].astype(np.uint8)
    places = np.stack([u, v, u], axis=-1)
    seen = set()
    for seed in range(12):
        done = views(dict(pair(seed), frames=[places[..., ::-1].copy()] * 2))
        for view, box, flip in zip(done['img'], done['crop_box'], done['flip_direction']):
            seen.add(flip)
            cells = torch.from_numpy(view[..., :2].astype(np.float32)).permute(2, 0, 1)
            means = F.adaptive_avg_pool2d(cells, (2, 4)).flatten(1).T
            boxes = torch.tensor([mirrored_box(box, flip)], dtype=torch.float32)
            torch.testing.assert_close(means, cell_centres(boxes, (2, 4))[0], atol=1.0, rtol=0)
    assert seen == {None, 'horizontal', 'vertical'}


def test_recorded_crops_are_mmpretrains():
    own, theirs = (
        ImageViews([[dict(type=f'{scope}.{name}', scale=32)]])
        for scope, name in (
            ('poodle_mm', 'RandomResizedCropBox'),
            ('mmpretrain', 'RandomResizedCrop'),
        )
    )
    np.testing.assert_array_equal(own(pair())['img'], theirs(pair())['img'])


def test_generators_are_restored_after_an_error():
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    with pytest.raises(RuntimeError, match='boom'), seeded(3):
        torch.rand(7)
        raise RuntimeError('boom')
    assert torch.equal(torch.rand(3), expected)


def dataset(tree, pipeline, tmp_path) -> FramePairDataset:
    return FramePairDataset(str(tree), pipeline=pipeline, index_cache=str(tmp_path / 'index'))


@pytest.mark.parametrize('name', VIEWS)
def test_an_item_depends_on_its_key_alone(repo, tree, tmp_path, name):
    pairs = dataset(tree, views_config(repo, name).pipeline, tmp_path)
    size = int(name.split('_')[-1].removesuffix('.py'))
    first = pairs[2, 1]
    draws(), pairs[0, 3]
    again = pairs[2, 1]
    for i in range(2):
        assert first['inputs'][i].shape == (3, size, size)
        assert first['inputs'][i].dtype == torch.uint8
        assert torch.equal(first['inputs'][i], again['inputs'][i])
        assert not torch.equal(first['inputs'][i], pairs[3, 1]['inputs'][i])
    assert not torch.equal(*first['inputs'])
    assert first['data_samples'].img_path.endswith('.mp4')


def test_workers_and_resuming_change_nothing(repo, tree, tmp_path):
    pairs = dataset(tree, views_config(repo, 'byol_views_128.py').pipeline, tmp_path)

    def batches(workers: int, skipped: int = 0) -> list[torch.Tensor]:
        sampler = PairSampler(pairs, seed=0)
        sampler.set_epoch(4)
        sampler.skip(skipped)
        loader = DataLoader(
            pairs, 2, sampler=sampler, num_workers=workers, collate_fn=default_collate
        )
        return [torch.stack(batch['inputs']) for batch in loader]

    alone = batches(0)
    assert alone[0].shape == (2, 2, 3, 128, 128)  # views, samples
    for batch, other in zip(alone, batches(2), strict=True):
        assert torch.equal(batch, other)
    assert torch.equal(batches(0, skipped=2)[0], alone[1])


def test_two_pipelines_are_mmpretrains_multi_view(repo):
    """Three ways to the same views: ours, a whole pipeline in one, and MultiView called by hand."""
    cfg = views_config(repo, 'byol_views_128.py')
    ours, pack = (TRANSFORMS.build(t) for t in cfg.pipeline)
    packed = pack(ours(pair()))
    multi = dict(type='MultiView', num_views=[1, 1], transforms=cfg.pipeline[0].pipelines)
    whole = ImageViews([[multi, dict(type='PackInputs')]])(pair())
    with TRANSFORMS.switch_scope_and_registry('mmpretrain'):
        by_hand = MultiView(cfg.pipeline[0].pipelines, [1, 1])
    with seeded(pair()['seed']):
        views = by_hand(dict(img=pair()['frames'][0][:, :, ::-1].copy()))['img']
    for i in range(2):
        assert torch.equal(packed['inputs'][i], whole['inputs'][i])
        assert torch.equal(packed['inputs'][i].permute(1, 2, 0), torch.from_numpy(views[i]))


def happening(transforms: list[dict]) -> list[dict]:
    """Transforms without those whose probability is 0."""
    return [t.to_dict() for t in transforms if t.get('prob') != 0]


def test_views_are_mmpretrains(repo):
    byol = Config.fromfile(PUBLISHED / 'imagenet_bs32_byol.py')
    moco = Config.fromfile(PUBLISHED / 'imagenet_bs32_mocov2.py')
    for name, published in {
        'byol_views_224.py': [byol.view_pipeline1, byol.view_pipeline2],
        'densecl_views_224.py': [moco.view_pipeline, moco.view_pipeline],
    }.items():
        ours = views_config(repo, name).pipeline[0].pipelines
        assert [happening(v) for v in ours] == [happening(v) for v in published]


@pytest.mark.parametrize('method', ['byol', 'densecl', 'pixpro'])
def test_small_views_are_the_large_ones_scaled(repo, method):
    small, large = (
        views_config(repo, f'{method}_views_{size}.py').pipeline[0].pipelines for size in (128, 224)
    )
    for view in large:
        for transform in view:
            if transform.type == 'GaussianBlur':
                scaled = [round(s * 128 / 224, 2) for s in transform.magnitude_range]
                transform.magnitude_range = tuple(scaled)
            elif 'RandomResizedCrop' in transform.type:
                transform.scale = 128
    assert small == large


def test_a_recipe_takes_the_views_from_both_frames(repo, tmp_path):
    base = repo / 'configs' / '_base_' / 'datasets' / 'byol_views_128.py'
    recipe = tmp_path / 'recipe.py'
    recipe.write_text(
        f'_base_ = [{str(base)!r}]\n'
        'pipeline = _base_.pipeline\n'
        "pipeline[0].frames = 'pair'\n"
        'train_dataloader = dict(dataset=dict(pipeline=pipeline))\n'
    )
    pipeline = Config.fromfile(recipe).train_dataloader.dataset.pipeline
    views, pack = (TRANSFORMS.build(t) for t in pipeline)
    ours, swapped = pair(), pair()
    swapped['frames'].reverse()
    found = pack(views(ours))['inputs']
    for frames, other in zip((ours, swapped), found, strict=True):
        published = TRANSFORMS.build(dict(pipeline[0], frames='first'))
        index = 0 if frames is ours else 1
        assert torch.equal(pack(published(dict(frames, rng=None)))['inputs'][index], other)


@pytest.mark.parametrize(
    ('kwargs', 'message'),
    [
        (dict(pipelines=[]), 'at least one'),
        (dict(pipelines=[[], []], frames='both'), "frames must be one of .*'both'"),
        (dict(pipelines=[[]], frames='pair'), 'two pipelines, got 1'),
    ],
)
def test_wrong_arguments(kwargs, message):
    with pytest.raises(ValueError, match=message):
        ImageViews(**kwargs)


def test_packing_inside_of_one_of_several_pipelines_is_refused():
    with pytest.raises(ValueError, match='after ImageViews'):
        ImageViews([[dict(type='PackInputs')], []])(pair())
