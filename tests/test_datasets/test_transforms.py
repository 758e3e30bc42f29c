"""Crop, flow and packing."""

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from poodle_mm.datasets import (
    FramePairSample,
    LoadCachedFlow,
    PackFramePair,
    PairRandomCrop,
)
from poodle_mm.datasets.flow_cache import flow_cache_path, read_flow, write_flow
from poodle_mm.datasets.transforms.crop import (
    crop_nearest,
    crop_resize,
    draw_share,
    jitter_box,
    place_box,
    share_of_scale,
)
from poodle_mm.registry import TRANSFORMS
from poodle_scenes import load_flow
from poodle_scenes.load_flow import LoadSceneFlow

SHAPES = st.tuples(st.integers(20, 800), st.integers(20, 1400))
AREAS = st.tuples(st.floats(0.02, 1), st.floats(0.02, 1)).map(lambda a: tuple(sorted(a)))
SEEDS = st.integers(0, 2**32 - 1)


def pair(seed: int = 0, shape: tuple[int, int] = (90, 160), same: bool = False) -> dict:
    rng = np.random.default_rng(seed)
    frames = [rng.integers(0, 256, (*shape, 3), np.uint8) for _ in range(2)]
    return dict(
        frames=[frames[0], frames[0]] if same else frames,
        frame_ids=(3, 3) if same else (3, 20),
        ori_shape=shape,
        rng=rng,
        source='/data/a.mp4',
        source_id='a.mp4',
        timestamps=(0.1, 0.7),
        seed=5,
    )


def draw_box(rng, shape, area, aspect=None):
    return place_box(rng, shape, draw_share(rng, area), aspect)


@given(shape=SHAPES, area=AREAS, seed=SEEDS)
def test_box_has_the_frames_aspect_and_an_area_in_the_range(shape, area, seed):
    (x0, y0, x1, y1), clamped = draw_box(np.random.default_rng(seed), shape, area)
    height, width = shape
    assert not clamped
    assert 0 <= x0 < x1 <= width and 0 <= y0 < y1 <= height
    w, h = x1 - x0, y1 - y0
    # whole pixels: each side is off by at most half a pixel (or is the least, 1)
    low, high = (np.sqrt(a) for a in area)
    assert low * width - 0.51 <= w <= max(high * width + 0.51, 1)
    assert low * height - 0.51 <= h <= max(high * height + 0.51, 1)
    assert abs(w / width - h / height) <= 1 / min(shape)


@given(shape=SHAPES, area=AREAS, aspect=st.floats(0.3, 4), seed=SEEDS)
def test_fixed_aspect(shape, area, aspect, seed):
    (x0, y0, x1, y1), clamped = draw_box(np.random.default_rng(seed), shape, area, aspect)
    height, width = shape
    w, h = x1 - x0, y1 - y0
    assert 0 <= x0 < x1 <= width and 0 <= y0 < y1 <= height
    assert abs(w - h * aspect) <= 0.5 + 0.5 * aspect + 1e-6 or min(w, h) == 1
    if clamped:
        assert w == width or h == height
        assert (w - 1) * (h - 1) <= area[1] * width * height


def test_area_is_uniform_and_reaches_the_whole_frame():
    rng = np.random.default_rng(0)
    boxes = np.array([draw_box(rng, (720, 1280), (0.16, 0.45))[0] for _ in range(4000)])
    shares = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]) / (720 * 1280)
    histogram = np.histogram(shares, 10, (0.16, 0.45))[0]
    assert abs(histogram - 400).max() < 5 * 20
    assert draw_box(rng, (720, 1280), (1, 1)) == ((0, 0, 1280, 720), False)


# --- the law of the scale ---------------------------------------------------------------------


def truncated_mean(density, low, high):
    x = np.linspace(low, high, 200001)
    return np.trapezoid(x * density(x), x) / np.trapezoid(density(x), x)


@pytest.mark.parametrize(
    'size, scale, low, high',
    [
        ((512, 1024), (0.75, 1.25), 0.1618, 0.4495),
        ((256, 512), (0.75, 1.25), 0.0405, 0.1124),
        ((512, 1024), (0.535, 0.625), 0.6473, 0.8834),
    ],
)
@pytest.mark.parametrize('shape', [(1080, 1920), (720, 1280), (216, 384)])
def test_shares_of_the_scale_in_a_16_to_9_frame(size, scale, low, high, shape):
    """At scale s 1920 s x 1080 s pixels hold the window: its share is H W / (1080 * 1920 s^2).

    The mean of 1 / s^2 over uniform s in [a, b] is 1 / (a b).
    """
    rng = np.random.default_rng(0)
    shares = np.array([share_of_scale(rng, shape, scale, size, 1080) for _ in range(20000)])
    unit = size[0] * size[1] / (1080 * 1920)
    assert (low, high) == pytest.approx([unit / s**2 for s in reversed(scale)], abs=1e-4)
    assert low - 1e-4 <= shares.min() < low + 0.01 * (high - low)
    assert high - 0.01 * (high - low) < shares.max() <= high + 1e-4
    assert shares.mean() == pytest.approx(unit / (scale[0] * scale[1]), rel=0.01)
    if size == (512, 1024) and scale == (0.75, 1.25):
        assert shares.mean() == pytest.approx(0.2697, abs=0.002)
    # s itself is uniform.
    histogram = np.histogram(np.sqrt(unit / shares), 10, scale)[0]
    assert abs(histogram - 2000).max() < 5 * 45


@pytest.mark.parametrize('shape', [(1080, 1920), (720, 1280), (768, 1024), (1280, 720)])
def test_crops_by_scale_are_cut_as_the_released_code_cuts(shape):
    """Resize to a short side of 1080 s, cut ``size``: H / (1080 s) of the short side high."""
    size, scale = (256, 512), (0.75, 1.25)
    crop = PairRandomCrop(scale=scale, size=size)
    short, places, extents = min(shape), [], []
    frames = [np.zeros((*shape, 3), np.uint8)] * 2
    for seed in range(300):
        results = dict(pair(), frames=list(frames), ori_shape=shape)
        x0, y0, x1, y1 = crop(dict(results, rng=np.random.default_rng(seed)))['crop_box']
        w, h = x1 - x0, y1 - y0
        assert 0 <= x0 < x1 <= shape[1] and 0 <= y0 < y1 <= shape[0]
        assert abs(w - 2 * h) <= 1.5  # each side is rounded to whole pixels
        extents.append(h)
        places.append(((x0 + 0.5) / (shape[1] - w + 1), (y0 + 0.5) / (shape[0] - h + 1)))
    shortest, longest = (size[0] * short / (1080 * s) for s in reversed(scale))
    assert shortest - 1 <= min(extents) < shortest + 0.05 * (longest - shortest) + 1
    assert longest - 0.05 * (longest - shortest) - 1 < max(extents) <= longest + 1
    # Anywhere in the frame: 4 standard deviations of 300 uniform numbers.
    assert np.abs(np.mean(places, axis=0) - 0.5).max() < 4 * 12**-0.5 / 300**0.5
    assert np.std(places, axis=0) == pytest.approx([12**-0.5] * 2, rel=0.12)


def test_scale_1_cuts_the_pixels_as_they_are():
    results = pair()
    a, b = results['frames']
    done = PairRandomCrop(scale=(1, 1), short_side=90, size=(32, 64))(results)
    x0, y0, x1, y1 = done['crop_box']
    assert (x1 - x0, y1 - y0) == (64, 32)
    for original, cropped in ((a, done['frames'][0]), (b, done['frames'][1])):
        np.testing.assert_array_equal(cropped, original[y0:y1, x0:x1])


def test_a_window_that_exceeds_the_frame_is_made_smaller_and_warns_once(monkeypatch):
    """2:1 at a scale of 0.4 of a 16:9 frame: the whole width, eight ninths of the height."""
    messages = []
    monkeypatch.setattr(
        'poodle_mm.datasets.transforms.crop.warn', lambda text: messages.append(text)
    )
    crop = PairRandomCrop(scale=(0.4, 0.4), size=(512, 1024))
    for _ in range(2):
        x0, y0, x1, y1 = crop(pair())['crop_box']
        assert (x0, x1, y1 - y0) == (0, 160, 80)
    assert len(messages) == 1
    assert '1024x512 does not fit into a frame of 160x90 at scales below 0.53' in messages[0]
    assert '100% of its crops are the largest there is, 160x80' in messages[0]
    assert messages[0].endswith('with short_side=1440 all fit')
    PairRandomCrop(scale=(0.4, 0.4), size=(512, 1024), short_side=1440)(pair())
    assert len(messages) == 1


def test_share_of_windows_that_exceed_the_frame(monkeypatch):
    """Scales up to 8/15 of 0.4 to 0.6 do not fit: two thirds, as many as are made smaller."""
    messages = []
    monkeypatch.setattr(
        'poodle_mm.datasets.transforms.crop.warn', lambda text: messages.append(text)
    )
    crop, rng = PairRandomCrop(scale=(0.4, 0.6), size=(512, 1024)), np.random.default_rng(0)
    heights = []
    for _ in range(1500):
        box = crop(pair() | dict(rng=rng))['crop_box']
        heights.append(box[3] - box[1])
    assert 'scales below 0.53 of (0.4, 0.6): 67% of its crops' in messages[0]
    # a whole pixel less than the largest is still cut off: 0.53 to 0.54
    assert np.mean(np.array(heights) == 80) == pytest.approx(2 / 3, abs=0.06)


# --- a normal law of the area -----------------------------------------------------------------


@pytest.mark.parametrize(
    'area, normal',
    [
        ((0.02, 1), (0.05, 0.1)),
        ((0.02, 1), (0.425, 0.1)),
        ((0.02, 1), (0.725, 0.1)),
        ((0.1, 0.3), (0.3, 0.1)),
    ],
)
def test_area_is_normal_and_truncated(area, normal):
    rng = np.random.default_rng(0)
    shares = np.array([draw_share(rng, area, normal) for _ in range(20000)])
    mean, deviation = normal

    def density(x):
        return np.exp(-0.5 * ((x - mean) / deviation) ** 2)

    assert area[0] <= shares.min() and shares.max() <= area[1]
    expected = truncated_mean(density, *area)
    spread = 4 * shares.std() / 20000**0.5
    assert shares.mean() == pytest.approx(expected, abs=spread)
    edges = np.linspace(*area, 9)
    cells = [np.trapezoid(density(x), x) for x in np.linspace(edges[:-1], edges[1:], 2001).T]
    counts = np.histogram(shares, edges)[0]
    expected = 20000 * np.array(cells) / np.sum(cells)
    assert (np.abs(counts - expected) < 5 * np.sqrt(expected) + 1).all()


@pytest.mark.parametrize('area', [(0.3, 0.3), (0.3, 0.3 + 1e-9), (1e-12, 1)])
@pytest.mark.parametrize('deviation', [1e-12, 0.1, 1e6])
def test_a_normal_law_of_a_narrow_range_or_width_comes_to_an_end(area, deviation):
    rng = np.random.default_rng(0)
    for _ in range(20):
        assert area[0] <= draw_share(rng, area, (0.3, deviation)) <= area[1]


def test_normal_area_reaches_the_crop():
    options = dict(area=(0.02, 1), size=(32, 64))
    crop = PairRandomCrop(area_normal=(0.3, 1e-9), **options)
    x0, y0, x1, y1 = crop(pair())['crop_box']
    assert (x1 - x0) * (y1 - y0) / (90 * 160) == pytest.approx(0.3, rel=0.02)


@given(shape=SHAPES, area=AREAS, seed=SEEDS)
def test_jittered_box_stays_inside_and_keeps_its_size(shape, area, seed):
    rng = np.random.default_rng(seed)
    box, _ = draw_box(rng, shape, area)
    moved = jitter_box(rng, box, shape, 0.1)
    height, width = shape
    assert moved[2] - moved[0] == box[2] - box[0] and moved[3] - moved[1] == box[3] - box[1]
    assert moved[0] >= 0 and moved[1] >= 0 and moved[2] <= width and moved[3] <= height
    assert abs(moved[0] - box[0]) <= 0.1 * width + 0.5
    assert abs(moved[1] - box[1]) <= 0.1 * height + 0.5


def test_both_frames_are_cut_at_the_same_place():
    results = pair()
    a, b = results['frames']
    done = PairRandomCrop(area=(0.2, 0.5), size=(32, 64))(results)
    x0, y0, x1, y1 = done['crop_box']
    for original, cropped in ((a, done['frames'][0]), (b, done['frames'][1])):
        expected = cv2.resize(original[y0:y1, x0:x1], (64, 32), interpolation=cv2.INTER_AREA)
        np.testing.assert_array_equal(cropped, expected)
    assert 'crop_box2' not in done


def test_resize_keeps_pixel_centres():
    """A ramp in u stays the ramp of the convention u_new = (u_old + 1/2) W_new / W_old - 1/2."""
    ramp = np.tile(np.arange(0, 200, dtype=np.uint8), (80, 1))
    box = (40, 10, 140, 60)
    for size in ((25, 50), (100, 200)):
        out = crop_resize(ramp, box, size)
        expected = (np.arange(size[1]) + 0.5) * 100 / size[1] - 0.5 + 40
        np.testing.assert_allclose(out[size[0] // 2, 2:-2], expected[2:-2], atol=0.51)


def test_nearest_crop_against_a_loop():
    mask = np.random.default_rng(0).random((20, 30)) > 0.5
    box, size = (3, 2, 28, 19), (9, 40)
    out = crop_nearest(mask, box, size)
    for v in range(size[0]):
        for u in range(size[1]):
            x = 3 + (u + 0.5) * 25 / size[1]
            y = 2 + (v + 0.5) * 17 / size[0]
            assert out[v, u] == mask[int(y), int(x)]


def test_delta_0_jitters_and_the_exact_flow_is_constant():
    """The point that pixel x of crop 1 shows lies at x + flow in crop 2."""
    results = pair(seed=4, same=True)
    results['flow'] = np.zeros((2, 2, 90, 160), np.float32)
    done = PairRandomCrop(area=(0.2, 0.3), size=(40, 100))(results)
    box, box2 = np.array(done['crop_box']), np.array(done['crop_box2'])
    assert (box != box2).any()
    point = np.array([30.0, 11.0])
    scale = (box[2:] - box[:2]) / (100, 40)
    in_frame = (point + 0.5) * scale + box[:2]
    in_second = (in_frame - box2[:2]) / scale - 0.5
    flow = done['flow'][0, :, 11, 30].numpy()
    np.testing.assert_allclose(point + flow, in_second, atol=1e-4)
    np.testing.assert_allclose(done['flow'][1, :, 5, 5], -flow, atol=1e-5)


def test_jitter_for_every_delta():
    """Frame flow (3, -2) everywhere: a point of crop 1 is found in crop 2 where its content is."""
    results = pair(seed=4)
    results['flow'] = np.zeros((2, 2, 90, 160), np.float32)
    results['flow'][0] = np.array([3, -2], np.float32)[:, None, None]
    results['flow'][1] = -results['flow'][0]
    frames = [frame.copy() for frame in results['frames']]
    done = PairRandomCrop(area=(0.2, 0.3), size=(40, 100), always_jitter=True)(results)
    box, box2 = np.array(done['crop_box']), np.array(done['crop_box2'])
    assert (box != box2).any()
    for image, frame, edges in zip(done['frames'], frames, (box, box2)):
        np.testing.assert_array_equal(image, crop_resize(frame, tuple(edges), (40, 100)))
    scale = (box[2:] - box[:2]) / (100, 40)
    for direction, (first, second, motion) in enumerate(
        ((box, box2, (3, -2)), (box2, box, (-3, 2)))
    ):
        in_frame = (np.array([30.0, 11.0]) + 0.5) * scale + first[:2] + motion
        expected = (in_frame - second[:2]) / scale - 0.5 - (30.0, 11.0)
        np.testing.assert_allclose(done['flow'][direction, :, 11, 30], expected, atol=1e-4)


def test_flow_and_visibility_follow_the_crop():
    results = pair()
    v, u = np.mgrid[:90, :160].astype(np.float32)
    results['flow'] = np.stack([[0.1 * u, 0.2 * v], [u * 0 - 3, v * 0 + 2]])
    results['visible'] = np.stack([u < 80, v < 45])
    done = PairRandomCrop(area=(0.3, 0.3), size=(45, 80))(results)
    x0, y0, x1, y1 = done['crop_box']
    sx, sy = 80 / (x1 - x0), 45 / (y1 - y0)
    full_u = (np.arange(80) + 0.5) / sx - 0.5 + x0
    np.testing.assert_allclose(done['flow'][0, 0, 7], 0.1 * full_u * sx, atol=1e-3)
    np.testing.assert_allclose(done['flow'][1, 1], np.full((45, 80), 2 * sy), atol=1e-4)
    assert (done['visible'][0, 3] == (np.floor(full_u + 0.5) < 80)).all()


@pytest.mark.parametrize(
    ('shape', 'kwargs', 'times'),
    [
        ((160, 90), dict(area=(0.3, 0.5)), '3.6 times to 64x32'),  # 2 over 9/16
        ((90, 160), dict(area=(0.3, 0.5)), None),
        ((90, 120), dict(area=(0.3, 0.5)), None),  # 4:3 becomes 1.5 times as wide
        ((160, 90), dict(area=(0.3, 0.5), aspect=2.0), None),
        ((160, 90), dict(scale=(0.1, 0.2)), None),
        ((90, 160), dict(area=(0.1, 0.2), aspect=0.5), '4.0 times to 64x32'),
    ],
)
def test_a_stretched_portrait_video_warns_once(monkeypatch, shape, kwargs, times):
    messages = []
    monkeypatch.setattr(
        'poodle_mm.datasets.transforms.crop.warn', lambda text: messages.append(text)
    )
    crop = PairRandomCrop(size=(32, 64), short_side=160, **kwargs)
    for seed in range(3):
        crop(pair(seed, shape))
    stretched = [text for text in messages if 'stretched' in text]
    assert len(stretched) == (times is not None)
    assert times is None or (times in stretched[0] and 'set aspect=2' in stretched[0])


def test_clamping_warns_once(monkeypatch):
    messages = []
    monkeypatch.setattr(
        'poodle_mm.datasets.transforms.crop.warn', lambda text: messages.append(text)
    )
    crop = PairRandomCrop(area=(1, 1), size=(32, 64), aspect=2.0)
    done = crop(pair())
    crop(pair())
    assert len(messages) == 1
    assert 'of areas (1, 1), those above 0.89 do not fit into a frame of 160x90' in messages[0]
    assert messages[0].endswith('at aspect 2: these crops are 160x80')
    x0, y0, x1, y1 = done['crop_box']
    assert (x1 - x0, y1 - y0) == (160, 80)  # 8/9 of a 16:9 frame


@pytest.mark.parametrize(
    'kwargs',
    [
        dict(area=(0.5, 0.2)),
        dict(area=(0, 0.2)),
        dict(area=(0.5, 1.2)),
        dict(size=(0, 64)),
        dict(size=(64,)),
        dict(aspect=-1),
        dict(jitter=2),
        dict(scale=(0.75, 1.25)),
        dict(scale=(1.25, 0.75), area=None),
        dict(scale=(0, 1), area=None),
        dict(short_side=0),
        dict(area_normal=(0.6, 0.1)),
        dict(area_normal=(0.3, 0)),
        dict(area_normal=(0.3, -0.1)),
    ],
)
def test_wrong_crop_arguments(kwargs):
    with pytest.raises(ValueError, match=next(iter(kwargs))):
        PairRandomCrop(**{'area': (0.2, 0.5), 'size': (32, 64), **kwargs})


@pytest.mark.parametrize('kwargs', [dict(aspect=2.0), dict(area_normal=(0.3, 0.1))])
def test_options_of_the_area_are_refused_with_a_scale(kwargs):
    with pytest.raises(ValueError, match='belong to area'):
        PairRandomCrop(scale=(0.75, 1.25), size=(32, 64), **kwargs)


def test_either_scale_or_area():
    with pytest.raises(ValueError, match=r'either scale or area.*scale=None and area=None'):
        PairRandomCrop(size=(32, 64))
    with pytest.raises(ValueError, match=r'either scale or area.*set the other one to None'):
        PairRandomCrop(size=(32, 64), scale=(1, 1), area=(0.1, 0.2))


def test_repr_names_the_law():
    text = repr(PairRandomCrop(scale=(0.75, 1.25), size=(32, 64)))
    assert 'scale=(0.75, 1.25)' in text and 'short_side=1080' in text and 'area=None' in text


def test_pack():
    results = pair()
    results['crop_box'] = (0, 0, 160, 90)
    packed = TRANSFORMS.build(dict(type='PackFramePair'))(results)
    assert packed['inputs'].dtype == torch.uint8
    for i in range(2):
        np.testing.assert_array_equal(
            packed['inputs'][i].permute(1, 2, 0).numpy(), results['frames'][i]
        )
    sample = packed['data_samples']
    assert isinstance(sample, FramePairSample)
    assert sample.frame_ids == (3, 20) and sample.crop_box == (0, 0, 160, 90) and sample.seed == 5
    assert 'flow' not in sample and 'visible' not in sample
    results['flow'] = np.ones((2, 2, 90, 160))
    results['visible'] = np.ones((2, 90, 160), bool)
    sample = PackFramePair()(results)['data_samples']
    assert sample.flow.dtype == torch.float32 and sample.visible.dtype == torch.bool
    assert sample.to('cpu').flow.shape == (2, 2, 90, 160)


def test_pack_refuses_frames_of_two_sizes():
    results = pair()
    results['frames'][1] = results['frames'][1][:-1]
    with pytest.raises(ValueError, match=r'/data/a\.mp4.*\(3, 20\)'):
        PackFramePair()(results)


def test_cached_flow_round_trip(tmp_path):
    results = pair()
    flow = np.random.default_rng(0).normal(0, 20, (2, 2, 90, 160)).astype(np.float32)
    path = flow_cache_path(tmp_path, 'a.mp4', (3, 20))
    write_flow(path, flow)
    loaded = LoadCachedFlow(str(tmp_path))(results)['flow']
    assert loaded.dtype == np.float32
    np.testing.assert_allclose(loaded, flow, rtol=1e-3)
    assert [p.name for p in path.parent.iterdir()] == ['3_20.npz']


def test_cached_flow_errors(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'3_20\.npz.*tools/cache_flow\.py'):
        LoadCachedFlow(str(tmp_path))(pair())
    path = flow_cache_path(tmp_path, 'a.mp4', (3, 20))
    write_flow(path, np.zeros((2, 2, 45, 80)))
    with pytest.raises(ValueError, match='does not belong'):
        LoadCachedFlow(str(tmp_path))(pair())
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(ValueError, match=r'3_20\.npz: damaged'):
        read_flow(path)
    with pytest.raises(ValueError, match='float16'):
        write_flow(path, np.full((2, 2, 4, 4), 1e6))
    for source in ('/etc/a', '../a', ''):
        with pytest.raises(ValueError, match='relative path'):
            flow_cache_path(tmp_path, source, (0, 1))


@pytest.fixture
def scene(tmp_path, monkeypatch) -> dict:
    """Results of a scene whose flow is an affine function of the full frame's pixels."""

    def exact_flow(path, frame_a, frame_b, crop_box=None, size=None):
        assert path == tmp_path / 'a.json' and (frame_a, frame_b) == (3, 20)
        x0, y0, x1, y1 = crop_box or (0, 0, 160, 90)
        height, width = size
        sx, sy = width / (x1 - x0), height / (y1 - y0)
        v, u = np.mgrid[:height, :width]
        u, v = (u + 0.5) / sx - 0.5 + x0, (v + 0.5) / sy - 0.5 + y0
        flow = np.stack([(0.1 * u - 4) * sx, (0.05 * v + 3) * sy]).astype(np.float32)
        return flow, -flow, u < 60, v < 40

    monkeypatch.setattr(load_flow, 'exact_flow', exact_flow)
    (tmp_path / 'a.json').touch()
    return dict(pair(), source=str(tmp_path / 'a.mp4'))


def test_scene_flow_before_and_after_the_crop_agree(scene):
    crop, load = PairRandomCrop(area=(0.3, 0.4), size=(45, 80)), LoadSceneFlow()
    before = crop(load(dict(scene, rng=np.random.default_rng(2))))
    after = load(crop(dict(scene, rng=np.random.default_rng(2))))
    assert before['crop_box'] == after['crop_box']
    np.testing.assert_allclose(before['flow'], after['flow'], atol=1e-3)
    assert (before['visible'] == after['visible']).mean() > 0.97


def test_scene_flow_errors(scene, tmp_path):
    load = LoadSceneFlow()
    with pytest.raises(ValueError, match='before PairRandomCrop'):
        load(dict(scene, crop_box=(0, 0, 4, 4), crop_box2=(1, 0, 5, 4)))
    (tmp_path / 'a.json').unlink()
    with pytest.raises(FileNotFoundError, match=r'a\.json'):
        load(scene)


@pytest.mark.parametrize('channels', [1, 3])
def test_packed_pixels_against_a_loop(channels):
    """Also of frames that are views: mirrored, of every second pixel."""
    rng = np.random.default_rng(0)
    frames = [rng.integers(0, 256, (10, 14, channels), np.uint8)[:, ::-2] for _ in range(2)]
    inputs = PackFramePair()(dict(frames=frames))['inputs']
    assert inputs.shape == (2, channels, 10, 7) and inputs.dtype == torch.uint8
    assert inputs.is_contiguous()
    for i in range(2):
        for c in range(channels):
            np.testing.assert_array_equal(inputs[i, c], frames[i][:, :, c])
    frames[0][:] = 0
    assert inputs[0].any()
