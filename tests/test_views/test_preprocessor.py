"""The views as a whole: contract, consistency of pixels and geometry, independence of draws."""

import itertools

import pytest
import torch
import torch.nn.functional as F
from mmengine.registry import init_default_scope
from torch import nn
from torchvision.ops import roi_align
from torchvision.transforms.v2 import functional as TF

from poodle_mm.datasets.frame_pair_sample import FramePairSample
from poodle_mm.flow import dis
from poodle_mm.geometry.affine import apply_affine, invert_affine
from poodle_mm.geometry.occlusion import visible_mask
from poodle_mm.geometry.warp import (
    inside,
    normalise_points,
    pixel_grid,
    sample_bilinear,
    warp_points,
)
from poodle_mm.registry import MODELS
from poodle_mm.views import FramePairPreprocessor
from poodle_mm.views.distort import distort_plain
from poodle_mm.views.subcrops import FALLBACKS

SIZE = (64, 96)
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
SMALL = dict(num=3, size=32, area=(0.1, 0.3))
# The axis of the pairs, where it is not the second one.
BATCH_AXIS = dict(subcrops=2, boxes=2, box_frames=2)


class ShiftFlow(nn.Module):
    """Knows that frame t + Δ is frame t rolled to the right; remembers what it was shown."""

    def __init__(self, du=4.0):
        super().__init__()
        self.du, self.seen = du, []

    def forward(self, a, b, samples):
        self.seen.append((a.clone(), b.clone(), samples))
        flow = a.new_zeros(len(a), 2, *a.shape[-2:])
        flow[:, 0] = self.du
        return flow, -flow


def make_data(batch=3, size=SIZE, du=4, seeds=None):
    generator = torch.Generator().manual_seed(0)
    coarse = torch.rand(batch, 3, size[0] // 8, size[1] // 8, generator=generator)
    first = F.interpolate(coarse, size, mode='bicubic').clamp(0, 1).mul(255).byte()
    seeds = seeds or [2**62 + 11 * i for i in range(batch)]
    samples = [
        FramePairSample(metainfo=dict(source=f'{i}.mp4', seed=s)) for i, s in enumerate(seeds)
    ]
    return dict(inputs=torch.stack([first, first.roll(du, -1)], 1), data_samples=samples)


def make(**options):
    options = dict(flow=ShiftFlow(), subcrops=SMALL) | options
    return FramePairPreprocessor(**options)


def pick(data, *indices):
    return dict(
        inputs=data['inputs'][list(indices)],
        data_samples=[data['data_samples'][i] for i in indices],
    )


def of_pairs(views, *indices):
    return {
        key: value.index_select(BATCH_AXIS.get(key, 1), torch.tensor(indices))
        for key, value in views.items()
    }


def cut_again(preprocessor, frames, views):
    """The subcrops of (2, B, 3, H, W) frames in their boxes, one by one by ``roi_align``."""
    side, boxes = preprocessor.subcrops.size, views['boxes'].flatten(0, -2)
    place = torch.arange(frames.shape[1])[:, None].expand(views['box_frames'].shape)
    crops = [
        roi_align(frames[frame, sample, None], [box[None]], side, aligned=True)[0]
        for frame, sample, box in zip(views['box_frames'].flatten(), place.flatten(), boxes)
    ]
    return torch.stack(crops).view_as(views['subcrops'])


def assert_same_views(one, other):
    torch.testing.assert_close(one, other, atol=1e-5, rtol=0)


def test_contract_of_the_views():
    data = make_data()
    result = make()(data, training=True)
    views, samples = result['inputs'], result['data_samples']
    assert [s.seed for s in samples] == [s.seed for s in data['data_samples']]
    shapes = dict(
        frames=(2, 3, 3, 64, 96),
        dense=(2, 3, 3, 64, 96),
        affine=(2, 3, 2, 3),
        flow=(2, 3, 2, 64, 96),
        visible=(2, 3, 64, 96),
        subcrops=(2, 2, 3, 3, 3, 32, 32),
        boxes=(2, 2, 3, 3, 4),
        box_frames=(2, 2, 3, 3),
        fallback=(2, 3, 3),
    )
    assert {key: tuple(value.shape) for key, value in views.items()} == shapes
    for key, value in views.items():
        dtypes = dict(visible=torch.bool, fallback=torch.bool, box_frames=torch.int64)
        assert value.dtype == dtypes.get(key, torch.float32)
        assert not value.requires_grad
    torch.testing.assert_close(views['frames'], data['inputs'].transpose(0, 1) / 255)


def test_builds_from_a_config_with_the_defaults_of_the_paper():
    init_default_scope('poodle_mm')
    preprocessor = MODELS.build(dict(type='FramePairPreprocessor', flow=dict(type='DISFlow')))
    assert preprocessor.num_subcrops == 6
    assert preprocessor.subcrops.area == (0.05, 0.3) and preprocessor.subcrops.size == 192
    assert not preprocessor.subcrops.shared and preprocessor.subcrops.fallback == 'same-image'
    assert preprocessor.subcrops.draws == 5 and preprocessor.subcrops.extra_cells
    assert preprocessor.subcrops.target_area == 'independent'
    assert preprocessor.subcrop_blur == 'frame'
    assert preprocessor.affine.angle == (-10, 10) and preprocessor.affine.flip_prob == 0
    assert preprocessor.photometric.ranges['hue'] == (-0.1, 0.1)


def test_boxes_follow_a_translation_found_by_dis():
    data = make_data(size=(128, 192), du=6)
    options = dict(flow=MODELS.build(dict(type='DISFlow')), affine=None, photometric=None)
    views = make(subcrops=SMALL | dict(jitter=0.0, area=(0.04, 0.04)), **options)(data, True)[
        'inputs'
    ]
    boxes = views['boxes']
    moved = (boxes[1, ..., :2] + boxes[1, ..., 2:] - boxes[0, ..., :2] - boxes[0, ..., 2:]) / 2
    # Boxes that touch an edge were shifted inside, each by itself; aspects differ.
    touches = (boxes[..., :2] <= 0).any(-1) | (boxes[..., 2:] >= torch.tensor([192, 128])).any(-1)
    free = ~touches.any(0) & ~views['fallback']
    assert (free.flatten(1).sum(1) >= 3).all()
    # From t to t + Δ the picture moves by 6 pixels, and back.
    expected = torch.tensor([[6.0, 0.0], [-6.0, 0.0]])[:, None, None].expand_as(moved)
    torch.testing.assert_close(moved[free], expected[free], atol=0.3, rtol=0)


# --- dense views ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ('flip_prob', 'translate', 'seen'), [(0.0, 0.0, 0.8), (1.0, 0.0, 0.8), (1.0, 0.25, 0.4)]
)
def test_dense_view_shows_the_crop_at_its_affine_map(flip_prob, translate, seen):
    affine = dict(flip_prob=flip_prob, translate=translate)
    preprocessor = make(photometric=None, affine=affine)
    views = preprocessor(make_data(), training=True)['inputs']
    crop = pixel_grid(SIZE)[4:-4:3, 8:-4:3].reshape(1, -1, 2)  # right of the seam
    for i in range(2):
        points = apply_affine(views['affine'][i], crop)
        shown = sample_bilinear(views['dense'][i], points)
        expected = (views['frames'][i] - preprocessor.mean) / preprocessor.std
        expected = sample_bilinear(expected, crop.expand(3, -1, -1))
        there = inside(points, SIZE)
        assert there.float().mean() > seen
        difference = (shown - expected).abs().amax(1)[there]
        assert difference.mean() < 0.05 and difference.max() < 0.5  # twice interpolated
    assert ((torch.linalg.det(views['affine'][..., :2]) < 0) == (flip_prob == 1)).all()
    unmoved = (
        views['dense'][0] - (views['frames'][0] - preprocessor.mean) / preprocessor.std
    ).abs()
    assert unmoved.mean() > 0.1  # the test above means something


def test_outside_of_the_crop_the_view_is_zero_as_padding_is():
    preprocessor = make(affine=dict(scale=(0.5, 0.5), angle=(0, 0)))
    dense = preprocessor(make_data(), training=True)['inputs']['dense']
    assert (dense[..., :10, :] == 0).all() and (dense[..., :, -20:] == 0).all()


def test_photometric_part_comes_before_the_affine():
    data = make_data()
    straight = make(affine=None)(data, True)['inputs']
    turned = make()(data, True)['inputs']
    torch.testing.assert_close(straight['subcrops'], turned['subcrops'])
    assert not torch.equal(straight['dense'], turned['dense'])


def test_an_affine_that_moves_nothing_is_none():
    """To the last bit, and without a resampling; one number that moves ends that."""
    data = make_data()
    none = make(affine=None)(data, True)['inputs']
    still = dict(scale=(1, 1), angle=(0, 0), flip_prob=0)
    spelt = make(affine=still)(data, True)['inputs']
    for key, value in none.items():
        assert torch.equal(value, spelt[key]), key
    for move in (dict(scale=(1, 1.1)), dict(angle=(0, 5)), dict(flip_prob=1), dict(translate=0.1)):
        moved = make(affine=still | move)(data, True)['inputs']
        assert not torch.equal(moved['dense'], none['dense']), move


def test_normalisation_can_be_undone():
    preprocessor = make(photometric=None, affine=None)
    views = preprocessor(make_data(), training=True)['inputs']
    restored = views['dense'] * preprocessor.std + preprocessor.mean
    torch.testing.assert_close(restored, views['frames'])
    expected = TF.normalize(views['frames'], [0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    torch.testing.assert_close(views['dense'], expected)


# --- flow and visibility ----------------------------------------------------------------------


def test_flow_is_estimated_on_the_crops_before_augmentation():
    flow = ShiftFlow()
    views = make(flow=flow)(make_data(), training=True)['inputs']
    a, b, samples = flow.seen[0]
    assert torch.equal(a, views['frames'][0]) and torch.equal(b, views['frames'][1])
    assert len(samples) == 3
    assert (views['flow'][0, :, 0] == 4).all() and (views['flow'][1, :, 0] == -4).all()


def test_visible_is_the_forward_backward_check():
    views = make()(make_data(), training=True)['inputs']
    expected = torch.ones(2, 3, *SIZE, dtype=torch.bool)
    expected[0, ..., -4:] = False
    expected[1, ..., :4] = False
    assert torch.equal(views['visible'], expected)


def test_occlusion_options_arrive():
    class Disagree(ShiftFlow):
        def forward(self, a, b, samples):
            flow_ab, flow_ba = super().forward(a, b, samples)
            return flow_ab, flow_ba + 1.5

    loose = make(flow=Disagree(), occlusion=dict(alpha1=1.0, alpha2=0.5))
    strict = make(flow=Disagree(), occlusion=dict(alpha1=0.01, alpha2=0.5))
    assert loose(make_data(), True)['inputs']['visible'].float().mean() > 0.8
    assert not strict(make_data(), True)['inputs']['visible'].any()


def test_an_exact_mask_replaces_the_check_for_its_sample_only():
    data = make_data()
    exact = torch.rand(2, *SIZE, generator=torch.Generator().manual_seed(1)) < 0.5
    data['data_samples'][1].visible = exact
    views = make()(data, training=True)['inputs']
    assert torch.equal(views['visible'][:, 1], exact)
    flow = views['flow'][:, 0]
    for i in range(2):
        checked = visible_mask(flow[i][None], flow[1 - i][None], 0.1, 0.5)[0]
        assert torch.equal(views['visible'][i, 0], checked)


def test_a_mask_of_another_size_is_refused():
    data = make_data()
    data['data_samples'][2].visible = torch.ones(2, 8, 8, dtype=torch.bool)
    with pytest.raises(ValueError, match=r'2\.mp4.*visible.*\(2, 8, 8\)'):
        make()(data, training=True)


# --- flip -------------------------------------------------------------------------------------


def test_flipped_pairs_stay_consistent():
    data = make_data()
    exact = torch.zeros(2, *SIZE, dtype=torch.bool)
    exact[..., :10] = True
    data['data_samples'][0].visible = exact
    plain = make(photometric=None)(data, True)['inputs']
    views = make(photometric=None, flip_prob=1.0)(data, True)['inputs']
    assert torch.equal(views['frames'], plain['frames'].flip(-1))
    assert (views['flow'][0, :, 0] == -4).all() and (views['flow'][0, :, 1] == 0).all()
    assert views['visible'][:, 0, :, -10:].all() and not views['visible'][:, 0, :, :-10].any()
    # A point of t + Δ is found in t by the flow.
    points = pixel_grid(SIZE)[:, 10:-10].expand(3, -1, -1, -1)
    seen = sample_bilinear(views['frames'][0], warp_points(points, views['flow'][1]))
    torch.testing.assert_close(seen, views['frames'][1][..., 10:-10], atol=1e-4, rtol=0)


def test_flip_rate():
    data = make_data(batch=2)
    data = pick(data, *[0] * 400)
    for i, sample in enumerate(data['data_samples']):
        data['data_samples'][i] = FramePairSample(metainfo=dict(sample.metainfo, seed=i))
    data['inputs'] = data['inputs'][..., :32, :32]
    views = make(photometric=None, affine=None, subcrops=None, flip_prob=0.3)(data, True)['inputs']
    assert (views['flow'][0, :, 0, 0, 0] < 0).float().mean().item() == pytest.approx(0.3, abs=0.09)


# --- randomness -------------------------------------------------------------------------------


@pytest.mark.parametrize('options', [dict(), dict(shared=True), dict(blur='subcrop')])
@pytest.mark.parametrize('training', [True, False])
def test_views_of_a_pair_do_not_depend_on_its_batch(training, options):
    data = make_data()
    preprocessor = make(subcrops=SMALL | dict(photometric=dict()) | options, flip_prob=0.5)
    together = preprocessor(data, training)['inputs']
    for i in range(3):
        alone = preprocessor(pick(data, i), training)['inputs']
        assert_same_views(alone, of_pairs(together, i))
    turned = preprocessor(pick(data, 2, 0), training)['inputs']
    assert_same_views(turned, of_pairs(together, 2, 0))


def test_views_depend_on_the_seed_alone():
    data = pick(make_data(), 0, 0, 0)
    seeds = [5, 6, 5]
    data['data_samples'] = [FramePairSample(metainfo=dict(seed=seed)) for seed in seeds]
    torch.manual_seed(1)
    views = make()(data, training=True)['inputs']
    torch.manual_seed(2)
    again = make()(data, training=True)['inputs']
    assert_same_views(views, again)
    for key in ('dense', 'affine', 'subcrops', 'boxes'):
        first, second, third = views[key].unbind(BATCH_AXIS.get(key, 1))
        torch.testing.assert_close(first, third)
        assert not torch.allclose(first, second)


def test_the_global_generator_is_not_touched():
    state = torch.get_rng_state()
    make(flip_prob=0.5)(make_data(), training=True)
    assert torch.equal(torch.get_rng_state(), state)


def test_options_of_one_part_do_not_change_the_draws_of_others():
    data = make_data()
    usual = make()(data, True)['inputs']
    many = make(subcrops=SMALL | dict(num=9))(data, True)['inputs']
    assert torch.equal(usual['dense'], many['dense'])
    plain = make(photometric=None)(data, True)['inputs']
    assert torch.equal(usual['affine'], plain['affine'])
    assert torch.equal(usual['boxes'], plain['boxes'])
    assert torch.equal(usual['boxes'], make()(data, training=False)['inputs']['boxes'])


@pytest.mark.skipif(not torch.cuda.is_available(), reason='no CUDA device')
def test_views_do_not_depend_on_the_device():
    data = make_data()
    preprocessor = make(flow=MODELS.build(dict(type='DISFlow')), flip_prob=0.5)
    views = preprocessor(data, training=True)['inputs']
    elsewhere = preprocessor.to('cuda')(data, training=True)['inputs']
    assert all(value.is_cuda for value in elsewhere.values())
    # a grey value that is rounded the other way moves DIS by hundredths of a pixel
    assert_views_equal(views, elsewhere, dict(flow=0.05, boxes=0.01, subcrops=0.01), flips=0.01)


def assert_views_equal(expected, found, tolerances, flips):
    assert expected.keys() == found.keys()
    for key, value in found.items():
        if value.dtype == torch.bool:
            assert (value.cpu() != expected[key]).float().mean() <= flips, key
        else:
            tolerance = dict(atol=tolerances.get(key, 1e-3), rtol=0)
            torch.testing.assert_close(value.cpu(), expected[key], **tolerance, msg=key)


def test_other_roundings_of_the_grey_values_hardly_move_the_views(monkeypatch):
    """What another device does to them."""
    data = make_data()
    preprocessor = make(flow=MODELS.build(dict(type='DISFlow')), flip_prob=0.5)
    views = preprocessor(data, training=True)['inputs']
    grey, noise = dis.rgb_to_grayscale, torch.Generator().manual_seed(0)

    def rounded(images):
        exact = grey(images)
        return exact + 1e-7 * (2 * torch.rand(exact.shape, generator=noise) - 1)

    monkeypatch.setattr(dis, 'rgb_to_grayscale', rounded)
    other = preprocessor(data, training=True)['inputs']
    assert not torch.equal(other['flow'], views['flow'])
    assert_views_equal(views, other, dict(flow=0.05, boxes=0.01, subcrops=0.01), flips=0.01)


def test_autocast_outside_changes_nothing():
    data = make_data()
    preprocessor = make(flow=MODELS.build(dict(type='DISFlow')))
    plain = preprocessor(data, training=True)['inputs']
    with torch.autocast('cpu', dtype=torch.bfloat16):
        mixed = preprocessor(data, training=True)['inputs']
    for key, value in plain.items():
        assert torch.equal(value, mixed[key]), key


# --- subcrops in the dict ---------------------------------------------------------------------


def test_subcrops_show_the_frames_in_their_boxes():
    preprocessor = make(photometric=None)
    views = preprocessor(make_data(), training=True)['inputs']
    shown = views['subcrops'] * preprocessor.std + preprocessor.mean
    assert torch.equal(views['box_frames'][0].flatten(1).unique(dim=1), torch.tensor([[0], [1]]))
    for place in itertools.product(range(2), range(2), range(3), range(3)):
        frame, b = views['box_frames'][place], place[2]
        x0, y0, x1, y1 = views['boxes'][place].round().int().tolist()
        box = views['frames'][frame, b, :, y0:y1, x0:x1]
        expected = F.interpolate(box[None], (32, 32), mode='bilinear', antialias=True)[0]
        assert (shown[place] - expected).abs().mean() < 0.03
    expected = cut_again(preprocessor, views['frames'], views)
    torch.testing.assert_close(shown, expected, atol=1e-5, rtol=0)


def test_each_direction_draws_its_own_pairs():
    views = make()(make_data(), training=True)['inputs']
    boxes = views['boxes']
    assert not torch.isclose(boxes[0, 0], boxes[0, 1]).all(-1).any()
    assert not torch.isclose(boxes[0, 0], boxes[1, 1]).all(-1).any()


@pytest.mark.parametrize('fallback', FALLBACKS)
def test_both_directions_start_online_and_follow_their_own_flow(fallback):
    """Frame t + Δ is frame t, 70 pixels to the right: what starts too near the border leaves.

    From t that is the right part, back from t + Δ the left part.
    """
    # All cells of the grid of 11 x 16: those that are clamped come last.
    options = dict(jitter=0.0, area=(0.01, 0.01), num=176, fallback=fallback, draws=1)
    preprocessor = make(flow=ShiftFlow(70.0), subcrops=SMALL | options, photometric=None)
    views = preprocessor(make_data(du=70), training=True)['inputs']
    failed = views['fallback']
    centre = (views['boxes'][..., :2] + views['boxes'][..., 2:]) / 2
    for direction, moved in enumerate((70.0, -70.0)):
        u, there = centre[:, direction, ..., 0]
        near = u > 96 - 70 + 6 if direction == 0 else u < 70 - 6
        far = u < 96 - 70 - 6 if direction == 0 else u > 70 + 6
        assert failed[direction][near].all() and not failed[direction][far].any()
        assert near.any() and far.any()
        # A side of at most 10 pixels: beyond 6 from the border no box was shifted.
        inner = far & (u > 6) & (u < 90) & (there > 6) & (there < 90)
        assert inner.any()
        expected = torch.full_like(u[inner], moved)
        torch.testing.assert_close((there - u)[inner], expected, atol=0.1, rtol=0)
        start, end = views['box_frames'][:, direction]
        assert (start == direction).all()
        stays = failed[direction] if fallback == 'same-image' else torch.zeros_like(near)
        assert torch.equal(end, torch.where(stays, direction, 1 - direction))


def test_a_fallback_pair_shows_one_image_at_one_centre():
    """The boxes' sizes differ, their centres do not; both are cut from the online frame."""
    options = dict(area=(0.01, 0.02), jitter=0.3, num=20)
    preprocessor = make(flow=ShiftFlow(1000.0), subcrops=SMALL | options)
    views = preprocessor(make_data(), training=True)['inputs']
    assert views['fallback'].all()
    for direction in range(2):
        assert (views['box_frames'][:, direction] == direction).all()
    edges, limit = views['boxes'], torch.tensor([SIZE[1], SIZE[0]])
    shifted = (edges[..., :2] <= 0) | (edges[..., 2:] >= limit)
    centres = (edges[..., :2] + edges[..., 2:]) / 2
    free = ~shifted.any(0)
    assert free.float().mean() > 0.5
    torch.testing.assert_close(centres[0][free], centres[1][free], atol=1e-4, rtol=0)
    assert not torch.equal(edges[0], edges[1])
    # The distorted frames, which the dense views show without an affine map.
    plain = make(flow=ShiftFlow(1000.0), subcrops=SMALL | options, affine=None)
    dense = plain(make_data(), training=True)['inputs']['dense']
    expected = cut_again(preprocessor, dense, views)
    torch.testing.assert_close(views['subcrops'], expected, atol=1e-4, rtol=0)
    other = cut_again(preprocessor, dense.flip(0), views)
    assert (views['subcrops'] - other).abs().mean() > 0.05


@pytest.mark.parametrize('fallback', FALLBACKS)
@pytest.mark.parametrize('du', [4.0, 40.0])
def test_shared_pairs_of_one_direction_are_the_others_swapped(fallback, du):
    options = SMALL | dict(shared=True, fallback=fallback, num=12)  # all cells
    data = make_data(du=int(du))
    preprocessor = make(flow=ShiftFlow(du), subcrops=options)
    views = preprocessor(data, training=True)['inputs']
    for key in ('subcrops', 'boxes', 'box_frames'):
        assert torch.equal(views[key][:, 0], views[key][:, 1].flip(0)), key
    assert torch.equal(views['fallback'][0], views['fallback'][1])
    assert views['fallback'].any() == (du == 40)
    assert views['subcrops'].shape == (2, 2, 3, 12, 3, 32, 32)
    # Drawn in frame t + Δ and moved by the flow to frame t, as each direction's own are.
    draws = []
    for sample in data['data_samples']:
        seeds = torch.randint(2**63 - 1, (4,), generator=torch.Generator().manual_seed(sample.seed))
        generator = torch.Generator().manual_seed(int(seeds[3]))
        draws.append(preprocessor.subcrops.draw(generator, SIZE))
    boxes, failed = preprocessor.subcrops.boxes(draws, views['flow'][1])
    torch.testing.assert_close(views['boxes'][:, 1], boxes)
    assert torch.equal(views['fallback'][1], failed)
    assert (views['box_frames'][0, 1] == 1).all()
    stays = failed if fallback == 'same-image' else torch.zeros_like(failed)
    assert torch.equal(views['box_frames'][1, 1], stays.long())


@pytest.mark.parametrize('plain', [False, True])
@pytest.mark.parametrize('shared', [False, True])
def test_subcrops_are_blurred_at_their_own_size(shared, plain):
    """Colours on the frame, cut, then each subcrop gets its frame's blur and solarization."""
    data = make_data(batch=6)
    photometric = dict(blur_prob=(0.7, 0.7), solarize_prob=(0.5, 0.5), blur_sigma=(1.0, 6.0))
    options = dict(photometric=photometric, affine=None, plain=plain)
    # Some pairs fall back: their second box gets the blur of the online frame.
    where = dict(shared=shared, num=4)
    flow = ShiftFlow(30.0)
    preprocessor = make(subcrops=SMALL | where | dict(blur='subcrop'), flow=flow, **options)
    views = preprocessor(data, training=True)['inputs']
    at_once = make(subcrops=SMALL | where, flow=flow, **options)(data, training=True)['inputs']
    assert 0 < views['fallback'].float().mean() < 0.9
    for key in ('boxes', 'box_frames', 'fallback'):
        assert torch.equal(views[key], at_once[key])
    torch.testing.assert_close(views['dense'], at_once['dense'], atol=1e-5, rtol=0)

    drawn = []
    for sample in data['data_samples']:
        seeds = torch.randint(2**63 - 1, (4,), generator=torch.Generator().manual_seed(sample.seed))
        generator = torch.Generator().manual_seed(int(seeds[1]))
        drawn.append(preprocessor.photometric.draw(generator))
    assert any(d.sigma for pair in drawn for d in pair)
    coloured = views['frames'].clone()
    for b, pair in enumerate(drawn):
        for frame, distortion in enumerate(pair):
            colours = [distortion._replace(sigma=None, solarize=False)]
            coloured[frame, b] = distort_plain(coloured[frame, b, None], colours, (1, 1), 1.0)[0]
    expected = cut_again(preprocessor, coloured, views)
    shown = views['subcrops'] * preprocessor.std + preprocessor.mean
    scale = 32 / 224
    kernel = 2 * int(23 * scale / 2) + 1
    for place in itertools.product(range(2), range(2), range(6), range(4)):
        distortion = drawn[place[2]][views['box_frames'][place]]
        crop = expected[place]
        if distortion.sigma is not None:
            crop = TF.gaussian_blur(crop, [kernel] * 2, [distortion.sigma * scale] * 2)
        if distortion.solarize:
            crop = torch.where((crop - 0.5).abs() < 1e-3, shown[place], TF.solarize(crop, 0.5))
        torch.testing.assert_close(shown[place], crop, atol=2e-5, rtol=0)
    assert (views['subcrops'] - at_once['subcrops']).abs().mean() > 0.01


def test_without_a_distortion_the_place_of_the_blur_does_not_matter():
    options = dict(photometric=None, subcrops=SMALL | dict(blur='subcrop'))
    assert_same_views(
        make(**options)(make_data(), True)['inputs'],
        make(photometric=None)(make_data(), True)['inputs'],
    )


def test_subcrops_are_cut_from_the_distorted_frames():
    data = make_data()
    grey = dict(jitter_prob=0, grayscale_prob=1, blur_prob=(0, 0))
    preprocessor = make(photometric=grey)
    views = preprocessor(data, training=True)['inputs']
    shown = views['subcrops'] * preprocessor.std + preprocessor.mean
    torch.testing.assert_close(shown[..., 0, :, :], shown[..., 1, :, :], atol=1e-5, rtol=0)
    assert (views['frames'][:, :, 0] - views['frames'][:, :, 1]).abs().mean() > 0.05


def test_photometric_of_each_subcrop():
    data = make_data()
    options = dict(photometric=None, affine=None)
    plain = make(**options)(data, True)['inputs']
    invert = dict(jitter_prob=0, grayscale_prob=0, blur_prob=(0, 0), solarize_prob=(1, 1))
    preprocessor = make(subcrops=SMALL | dict(photometric=invert), **options)
    views = preprocessor(data, True)['inputs']
    assert torch.equal(views['boxes'], plain['boxes'])
    assert torch.equal(views['dense'], plain['dense'])
    before, after = (v['subcrops'] * preprocessor.std + preprocessor.mean for v in (plain, views))
    clear = (before - 0.5).abs() > 1e-3
    expected = torch.where(before > 0.5, 1 - before, before)
    torch.testing.assert_close(after[clear], expected[clear], atol=1e-5, rtol=0)
    some = make(subcrops=SMALL | dict(photometric=dict()), **options)(data, True)['inputs']
    changed = (some['subcrops'] - plain['subcrops']).abs().mean((-1, -2, -3))
    assert changed.flatten().unique().numel() > 24  # each in its own way


@pytest.mark.parametrize('subcrops', [None, dict(num=0)])
def test_no_subcrops(subcrops):
    preprocessor = make(subcrops=subcrops)
    assert preprocessor.num_subcrops == 0
    views = preprocessor(make_data(), training=True)['inputs']
    assert views.keys() == {'frames', 'dense', 'affine', 'flow', 'visible'}


# --- modes, state and bad input ---------------------------------------------------------------


def test_without_training_nothing_is_augmented():
    preprocessor = make(flip_prob=1.0, subcrops=SMALL | dict(photometric=dict()))
    views = preprocessor(make_data(), training=False)['inputs']
    expected = (views['frames'] - preprocessor.mean) / preprocessor.std
    torch.testing.assert_close(views['dense'], expected)
    assert torch.equal(views['affine'], torch.eye(2, 3).expand(2, 3, 2, 3))
    torch.testing.assert_close(views['frames'], make_data()['inputs'].transpose(0, 1) / 255)
    shown = views['subcrops'] * preprocessor.std + preprocessor.mean
    torch.testing.assert_close(shown, cut_again(preprocessor, views['frames'], views))


def test_checkpoints_hold_nothing_of_it():
    preprocessor = make(flow=MODELS.build(dict(type='DISFlow')))
    assert not preprocessor.state_dict() and not list(preprocessor.parameters())


@pytest.mark.parametrize('size', [(64, 100), (48, 96), (33, 47)])
def test_wrong_crop_size_is_named(size):
    data = make_data()
    data['inputs'] = torch.zeros(3, 2, 3, *size, dtype=torch.uint8)
    with pytest.raises(ValueError, match=rf'{size[0]} x {size[1]}.*divisor = 32.*PairRandomCrop'):
        make()(data, training=True)


def test_divisor_follows_the_encoder():
    data = make_data(size=(48, 80))
    assert make(divisor=16)(data, True)['inputs']['dense'].shape[-2:] == (48, 80)


@pytest.mark.parametrize(
    'inputs', [torch.zeros(3, 2, 3, 64, 96), torch.zeros(3, 3, 64, 96, dtype=torch.uint8)]
)
def test_wrong_inputs(inputs):
    with pytest.raises(ValueError, match='uint8'):
        make()(make_data() | dict(inputs=inputs), training=True)


def test_samples_must_match_and_have_seeds():
    data = make_data()
    with pytest.raises(ValueError, match='3 pairs, but 2'):
        make()(data | dict(data_samples=data['data_samples'][:2]), training=True)
    data['data_samples'][1] = FramePairSample(metainfo=dict(source='night.mp4'))
    with pytest.raises(ValueError, match=r"night\.mp4.*'seed'"):
        make()(data, training=True)


@pytest.mark.parametrize(
    'options, message',
    [
        (dict(mean=(123.675, 116.28, 103.53)), 'mean'),
        (dict(std=(58.4, 57.1, 57.4)), 'std'),
        (dict(std=(0.2, 0.0, 0.2)), 'std'),
        (dict(flip_prob=1.5), 'flip_prob'),
        (dict(occlusion=dict(alpha=0.1)), 'occlusion.*alpha1.*alpha2'),
        (dict(subcrops=dict(num=-2)), r'subcrops\.num'),
        (dict(subcrops=dict(area=(0.3, 1.1))), r'subcrops\.area'),
        (dict(subcrops=dict(blur='crop')), r'subcrops\.blur'),
        (dict(affine=dict(flip_prob=2)), r'affine\.flip_prob'),
        (dict(photometric=dict(hue=2)), r'photometric\.hue'),
        (dict(affine=dict(scale=(0, 1))), r'affine\.scale'),
    ],
)
def test_bad_options_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        make(**options)


@pytest.mark.parametrize('part', ['photometric', 'affine', 'subcrops'])
def test_a_misspelt_key_is_an_error(part):
    with pytest.raises(TypeError, match='anlge'):
        make(**{part: dict(anlge=3)})


def test_an_unknown_flow_type_is_an_error():
    with pytest.raises(KeyError, match='FlowNet9'):
        make(flow=dict(type='FlowNet9'))


# --- the same views as by torchvision's operations one after the other ------------------------


def reference_views(preprocessor, data):
    """All of training without flip and flow, image by image, nothing shared and nothing reused."""
    height, width = data['inputs'].shape[-2:]
    scale = min(height, width) / 224
    kernel = 2 * int(23 * scale / 2) + 1
    dense, subcrops, affine, whole = [], [], [], []
    for pair, sample in zip(data['inputs'], data['data_samples']):
        seeds = torch.randint(2**63 - 1, (4,), generator=torch.Generator().manual_seed(sample.seed))
        _, photometric, turn, places = (torch.Generator().manual_seed(int(s)) for s in seeds)
        maps = preprocessor.affine.draw(turn, (height, width))
        flows = preprocessor.flow(*pair[None].transpose(0, 1).float(), [sample])
        distortions = preprocessor.photometric.draw(photometric)
        for frame, distortion, m in zip(pair, distortions, maps):
            image = frame / 255
            for name, factor in distortion.jitter:
                image = getattr(TF, f'adjust_{name}')(image, factor)
            if distortion.grayscale:
                image = TF.rgb_to_grayscale(image, 3)
            if distortion.sigma is not None:
                image = TF.gaussian_blur(image, [kernel] * 2, [distortion.sigma * scale] * 2)
            image = image[None]
            whole.append(image)
            points = apply_affine(invert_affine(m[None]), pixel_grid((height, width))[None])
            grid = normalise_points(points, (height, width))
            image = TF.normalize(image, MEAN, STD)
            dense.append(F.grid_sample(image, grid, align_corners=False)[0])
            affine.append(m)
        for direction, flow in enumerate(flows):
            draws = preprocessor.subcrops.draw(places, (height, width))
            boxes, fallback = preprocessor.subcrops.boxes([draws], flow)
            for k in range(preprocessor.num_subcrops):
                for role in range(2):
                    frame = direction if role == 0 or fallback[0, k] else 1 - direction
                    where = [boxes[role, :, k]]
                    side = preprocessor.subcrops.size
                    crop = roi_align(whole[frame - 2], where, side, aligned=True)[0]
                    subcrops.append(TF.normalize(crop, MEAN, STD))
    views = {
        key: torch.stack(value).unflatten(0, (-1, 2)).transpose(0, 1)
        for key, value in dict(dense=dense, affine=affine).items()
    }
    subcrops = torch.stack(subcrops).unflatten(0, (-1, 2, preprocessor.num_subcrops, 2))
    return dict(views, subcrops=subcrops.permute(3, 1, 0, 2, 4, 5, 6))


@pytest.mark.parametrize('plain', [False, True])
@pytest.mark.parametrize('size', [(64, 96), (96, 160)])
def test_views_are_those_of_torchvision_one_operation_after_the_other(size, plain):
    """To 2e-6 of the images' range: each operation rounds to 1e-7, and contrast stretches that."""
    data = make_data(batch=10, size=size, seeds=list(range(10)))
    preprocessor = make(plain=plain, flow=ShiftFlow(30.0))
    views = preprocessor(data, training=True)['inputs']
    expected = reference_views(preprocessor, data)
    assert torch.equal(views['affine'], expected['affine'])
    assert views['fallback'].any() and not views['fallback'].all()
    for key in ('dense', 'subcrops'):
        difference = (views[key] - expected[key]) * preprocessor.std
        assert difference.abs().max() < 2e-6, key


def test_the_plain_path_gives_the_same_views():
    data = make_data(batch=8, size=(96, 128))
    subcrops = SMALL | dict(photometric=dict(), blur='subcrop')
    options = dict(subcrops=subcrops, flip_prob=0.5, affine=dict(flip_prob=0.5))
    fast, plain = (make(plain=p, **options)(data, training=True)['inputs'] for p in (False, True))
    for key, value in plain.items():
        if key in ('dense', 'subcrops'):
            torch.testing.assert_close(fast[key], value, atol=2e-5, rtol=0)
        else:
            assert torch.equal(fast[key], value), key


@pytest.mark.parametrize('training', [True, False])
def test_frames_are_not_written_to(training):
    data = make_data()
    before = data['inputs'].clone()
    views = make(photometric=None, affine=None)(data, training)['inputs']
    assert torch.equal(data['inputs'], before)
    assert torch.equal(views['frames'], before.transpose(0, 1) / 255)


def test_samples_with_an_exact_mask_are_not_checked(monkeypatch):
    shapes = []

    def spy(flow_ab, flow_ba, **options):
        shapes.append(len(flow_ab))
        return visible_mask(flow_ab, flow_ba, **options)

    monkeypatch.setattr('poodle_mm.views.preprocessor.visible_mask', spy)
    data = make_data()
    expected = make()(data, training=True)['inputs']['visible']
    for sample in data['data_samples'][:2]:
        sample.visible = torch.zeros(2, *SIZE, dtype=torch.bool)
    views = make()(data, training=True)['inputs']
    assert not views['visible'][:, :2].any() and shapes == [3, 3, 1, 1]
    assert torch.equal(views['visible'][:, 2], expected[:, 2])
    data['data_samples'][2].visible = torch.ones(2, *SIZE, dtype=torch.bool)
    assert make()(data, training=True)['inputs']['visible'][:, 2].all() and len(shapes) == 4
