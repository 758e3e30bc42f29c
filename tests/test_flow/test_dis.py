"""DISFlow on real images under known motion."""

import cv2
import pytest
import torch

from poodle_mm.flow import DISFlow
from tests.test_flow.scenery import endpoint_error, read_rgb, translated_pair


@pytest.fixture(scope='module')
def chairs(test_data):
    return read_rgb(test_data / 'flow' / 'flyingchairs' / '0_img1.ppm')


@pytest.fixture(scope='module')
def street(test_data):
    images = sorted((test_data / 'camvid' / 'images' / 'test').iterdir())
    return read_rgb(images[0])


@pytest.mark.parametrize(('preset', 'tolerance'), [('medium', 0.1), ('fast', 0.2)])
@pytest.mark.parametrize('motion', [(7, 0), (0, -5), (-6, 3)])
def test_translation_has_the_right_sign_and_unit(street, preset, tolerance, motion):
    a, b = translated_pair(street, motion)
    truth = torch.tensor(motion, dtype=torch.float32)[None, :, None, None]
    flow_ab, flow_ba = DISFlow(preset)(a, b)
    assert flow_ab.shape == flow_ba.shape == (1, 2, 256, 384)
    assert flow_ab.dtype == torch.float32
    assert flow_ab.is_contiguous()
    assert endpoint_error(flow_ab, truth, border=24) < tolerance
    assert endpoint_error(flow_ba, -truth, border=24) < tolerance


def test_half_working_size_gives_the_same_flow_in_full_pixels(street):
    a, b = translated_pair(street, (12, -6))
    truth = torch.tensor([12.0, -6.0])[None, :, None, None]
    flow_ab, flow_ba = DISFlow(size=(128, 192))(a, b)
    assert flow_ab.shape == (1, 2, 256, 384)
    assert endpoint_error(flow_ab, truth, border=32) < 0.2
    assert endpoint_error(flow_ba, -truth, border=32) < 0.2


def test_batch_equals_single_pairs_for_any_number_of_threads(street, chairs):
    pairs = [
        translated_pair(image, motion, (128, 160))
        for image, motion in ((street, (4, 2)), (chairs, (-3, 5)), (street, (0, 7)))
    ]
    a, b = (torch.cat(frames) for frames in zip(*pairs))
    single = [DISFlow(num_threads=1)(*pair) for pair in pairs]
    for num_threads in (None, 3):
        together = DISFlow(num_threads=num_threads)(a, b)
        for direction in range(2):
            expected = torch.cat([flows[direction] for flows in single])
            torch.testing.assert_close(together[direction], expected, rtol=0, atol=0)


def test_search_starts_from_another_estimators_flow(street):
    """A motion beyond its reach, which phase correlation finds to a pixel."""
    a, b = translated_pair(street, (-96, -40), (160, 288))
    truth = torch.tensor([-96.0, -40.0])[None, :, None, None]
    stays = (..., slice(56, -16), slice(112, -16))  # of what is inside both frames
    arrives = (..., slice(16, -56), slice(16, -112))
    assert endpoint_error(DISFlow()(a, b)[0][stays], truth) > 5
    start = dict(type='TranslationFlow')
    there, back = DISFlow(initial=start)(torch.cat([a, b]), torch.cat([b, a]))
    for flow, seen, sign in (
        (there[:1], stays, 1),
        (back[:1], arrives, -1),
        (there[1:], arrives, -1),
        (back[1:], stays, 1),
    ):
        assert endpoint_error(flow[seen], sign * truth) < 0.2


def test_colours_are_read_as_rgb():
    """Red and blue whose texture cancels in the luma 0.299 R + 0.587 G + 0.114 B, not in BGR's."""
    generator = torch.Generator().manual_seed(0)
    noise = torch.rand(1, 1, 44, 60, generator=generator)
    pattern = torch.nn.functional.interpolate(noise, scale_factor=8, mode='bicubic').clamp(0, 1)
    image = torch.cat([pattern * 0.114, torch.zeros_like(pattern), (1 - pattern) * 0.299], 1)
    a, b = translated_pair(image / 0.299, (6, 0))
    flow, _ = DISFlow()(a, b)
    assert flow.abs().mean() < 0.5
    flow, _ = DISFlow()(a.flip(1), b.flip(1))
    assert abs(float(flow[:, 0].mean()) - 6) < 0.5


@pytest.mark.parametrize(('index', 'ratio'), [(0, 0.65), (1, 0.3)])
def test_flying_chairs_ground_truth(test_data, index, ratio):
    folder = test_data / 'flow' / 'flyingchairs'
    a, b = (read_rgb(folder / f'{index}_img{i}.ppm') for i in (1, 2))
    truth = torch.from_numpy(cv2.readOpticalFlow(str(folder / f'{index}_flow.flo')))
    truth = truth.permute(2, 0, 1)[None]
    flow, _ = DISFlow()(a, b)
    motion = endpoint_error(torch.zeros_like(truth), truth)
    assert endpoint_error(flow, truth) < ratio * motion
    assert endpoint_error(-flow, truth) > motion
    assert endpoint_error(flow.flip(1), truth) > 0.7 * motion


@pytest.mark.parametrize(('preset', 'least'), [('medium', 16), ('fast', 32), ('ultrafast', 32)])
def test_too_small_images_are_an_error_not_a_crash(preset, least):
    small = torch.rand(1, 3, least - 1, 128)
    with pytest.raises(ValueError, match=f'at least {least} x {least}'):
        DISFlow(preset)(small, small)
    legal = torch.rand(1, 3, least, 256)
    assert DISFlow(preset)(legal, legal)[0].isfinite().all()


def test_bad_arguments():
    with pytest.raises(ValueError, match='ultrafast, fast, medium'):
        DISFlow('slow')
    with pytest.raises(ValueError, match='num_threads'):
        DISFlow(num_threads=0)
