"""Files of true flow: round trips, and other people's readers and files."""

import cv2
import numpy as np
import pytest
import torch
from torchvision.datasets._optical_flow import _read_16bits_png_with_flow_and_valid_mask, _read_flo

from poodle_mm.datasets.flow_files import read_flow_file, write_flow_file


@pytest.fixture
def flow() -> np.ndarray:
    return np.random.default_rng(0).normal(0, 40, (2, 6, 9)).astype(np.float32)


@pytest.fixture
def known() -> np.ndarray:
    return np.random.default_rng(1).random((6, 9)) > 0.3


def test_flo_is_exact(flow, known, tmp_path):
    write_flow_file(tmp_path / 'a.flo', flow, known)
    found, where = read_flow_file(tmp_path / 'a.flo')
    assert found.dtype == np.float32 and np.array_equal(where, known)
    assert np.array_equal(found, np.where(known, flow, 0))


def test_png_rounds_to_a_64th(flow, known, tmp_path):
    write_flow_file(tmp_path / 'a.png', flow, known)
    found, where = read_flow_file(tmp_path / 'a.png')
    assert np.array_equal(where, known)
    assert np.array_equal(found, np.where(known, np.rint(flow * 64) / 64, 0))


def test_others_read_what_we_write(flow, tmp_path):
    write_flow_file(tmp_path / 'a.flo', flow)
    write_flow_file(tmp_path / 'a.png', flow)
    assert np.array_equal(_read_flo(tmp_path / 'a.flo'), flow)
    assert np.array_equal(cv2.readOpticalFlow(str(tmp_path / 'a.flo')).transpose(2, 0, 1), flow)
    found, valid = _read_16bits_png_with_flow_and_valid_mask(str(tmp_path / 'a.png'))
    assert valid.all() and np.abs(found - flow).max() <= 1 / 128


def test_we_read_what_others_write(flow, tmp_path):
    cv2.writeOpticalFlow(str(tmp_path / 'a.flo'), flow.transpose(1, 2, 0))
    assert np.array_equal(read_flow_file(tmp_path / 'a.flo')[0], flow)


def test_a_real_file(test_data):
    path = test_data / 'flow/flyingchairs/0_flow.flo'
    flow, known = read_flow_file(path)
    assert flow.shape == (2, 384, 512) and known.all()
    assert np.array_equal(flow, _read_flo(path))


def test_what_is_not_finite_is_unknown(flow, tmp_path):
    flow[0, 2, 3] = np.nan
    for name in ('a.flo', 'a.png'):
        write_flow_file(tmp_path / name, flow)
        found, known = read_flow_file(tmp_path / name)
        assert not known[2, 3] and known.sum() == 53 and np.isfinite(found).all()


def test_png_holds_less_than_512_pixels(flow, tmp_path):
    flow[1, 0, 0] = 512
    with pytest.raises(ValueError, match=r'less than 512 pixels of motion.*write a \.flo'):
        write_flow_file(tmp_path / 'a.png', flow)
    assert not any(tmp_path.iterdir())


def test_files_that_are_none(flow, tmp_path):
    write_flow_file(tmp_path / 'a.flo', flow)
    content = (tmp_path / 'a.flo').read_bytes()
    (tmp_path / 'short.flo').write_bytes(content[:-4])
    (tmp_path / 'text.flo').write_text('no flow at all')
    cv2.imwrite(str(tmp_path / 'grey.png'), np.zeros((4, 4), np.uint8))
    cv2.imwrite(str(tmp_path / 'alpha.png'), np.full((4, 4, 4), 2**15, np.uint16))
    for name, message in (
        ('alpha.png', 'alpha.png is no flow of KITTI: a PNG with three channels'),
        ('short.flo', 'short.flo is damaged: 440 bytes for 9 x 6'),
        ('text.flo', 'text.flo is no .flo file'),
        ('grey.png', 'grey.png is no flow of KITTI'),
        ('a.tiff', 'read from .flo and .png'),
    ):
        (tmp_path / name).touch()
        with pytest.raises(ValueError, match=message):
            read_flow_file(tmp_path / name)
    with pytest.raises(FileNotFoundError, match='no flow file'):
        read_flow_file(tmp_path / 'none.flo')
    with pytest.raises(ValueError, match=r'must be \(2, H, W\)'):
        write_flow_file(tmp_path / 'b.flo', flow[0])
    with pytest.raises(ValueError, match='written as'):
        write_flow_file(tmp_path / 'b.npy', torch.from_numpy(flow).numpy())
