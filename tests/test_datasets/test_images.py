"""Images that were cut off are refused, others are what OpenCV reads."""

import io
import struct

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from poodle_mm.apis.features import load_image
from poodle_mm.datasets.files import FileError, FrameReadError
from poodle_mm.datasets.flow_pairs import open_pair
from poodle_mm.datasets.frame_pair_dataset import FramePairDataset
from poodle_mm.datasets.images import is_cut_off, read_image
from poodle_mm.datasets.labelled_pairs import LabelledPair
from poodle_mm.experiments.figures.frames import read_frames

PICTURE = cv2.resize(np.random.default_rng(0).integers(0, 256, (6, 8, 3), np.uint8), (96, 72))


def jpeg(progressive: bool = False, thumbnail: bool = False) -> bytes:
    """``PICTURE`` as a JPEG; a ``thumbnail`` is a whole JPEG within an APP1 segment."""
    stream = io.BytesIO()
    Image.fromarray(PICTURE).save(stream, 'JPEG', quality=90, progressive=progressive)
    content = stream.getvalue()
    if thumbnail:
        segment = b'\xff\xe1' + struct.pack('>H', len(content) + 2) + content
        content = content[:2] + segment + content[2:]
    return content


@pytest.mark.parametrize('suffix', ['bmp', 'png', 'ppm', 'tif', 'webp', 'jpg'])
def test_the_image_is_that_of_opencv(tmp_path, suffix):
    path = tmp_path / f'a.{suffix}'
    cv2.imwrite(str(path), PICTURE)
    np.testing.assert_array_equal(read_image(path), cv2.imread(str(path))[..., ::-1])


@pytest.mark.parametrize('suffix', ['bmp', 'png', 'ppm', 'tif', 'webp', 'jpg'])
@pytest.mark.parametrize('share', [0.0, 0.1, 0.5, 0.95])
def test_a_file_cut_off_is_refused(tmp_path, suffix, share):
    path = tmp_path / f'a.{suffix}'
    cv2.imwrite(str(path), PICTURE)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(FrameReadError, match=rf'a\.{suffix}: '):
        read_image(path)


@pytest.mark.parametrize('progressive', [False, True])
@pytest.mark.parametrize('thumbnail', [False, True])
@given(st.data())
def test_every_beginning_of_a_jpeg_is_cut_off(progressive, thumbnail, data):
    """Pillow's verdict, which refuses to fill in what is missing."""
    content = jpeg(progressive, thumbnail)
    assert not is_cut_off(content)
    assert not is_cut_off(content + bytes(1000))  # some cameras fill blocks up
    length = data.draw(st.integers(2, len(content) - 1))
    assert is_cut_off(content[:length])
    with pytest.raises((OSError, SyntaxError)), Image.open(io.BytesIO(content[:length])) as image:
        image.load()


def test_fill_bytes_before_a_marker(tmp_path):
    content = jpeg()
    content = content[:2] + b'\xff\xff\xff' + content[2:]
    (tmp_path / 'a.jpg').write_bytes(content)
    assert read_image(tmp_path / 'a.jpg').shape == (72, 96, 3)
    assert is_cut_off(content[:-1])


def test_the_orientation_in_exif_is_followed(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter turn clockwise
    Image.fromarray(PICTURE).save(tmp_path / 'a.jpg', exif=exif)
    assert read_image(tmp_path / 'a.jpg').shape == (96, 72, 3)


def test_what_is_no_image(tmp_path):
    (tmp_path / 'a.jpg').write_text('hello')
    for path, message in (
        (tmp_path / 'a.jpg', r'a\.jpg: cannot be read as an image'),
        (tmp_path, 'not a regular file'),
        (tmp_path / 'none.jpg', 'none.jpg: No such file'),
    ):
        with pytest.raises(FrameReadError, match=message):
            read_image(path)


@pytest.fixture
def half(tmp_path):
    path = tmp_path / 'half_000001.jpg'
    content = jpeg()
    path.write_bytes(content[: len(content) // 2])
    return path


def test_all_readers_of_images_refuse_half_a_jpeg(half):
    pair = LabelledPair((half, half), (half, half), (0, 1), 255)
    for read in (
        lambda: load_image(half),
        lambda: read_frames([half]),
        lambda: open_pair([half, half]),
        pair.read,
    ):
        with pytest.raises(FileError, match=r'half_000001\.jpg: lacks its end'):
            read()


def test_halves_count_as_bad_files(half):
    half.with_name('half_000002.jpg').write_bytes(half.read_bytes())
    data = FramePairDataset(str(half.parent), 'frames', delta=1, pipeline=[dict])
    with pytest.raises(ValueError, match=r'(?s)1 of 2 files cannot be used.*lacks its end'):
        data[0]


def test_nothing_but_halves_is_called_damaged(half):
    half.with_name('half_000002.jpg').write_bytes(half.read_bytes())
    data = FramePairDataset(str(half.parent), 'frames', delta=1, max_bad_share=0.9, pipeline=[dict])
    with pytest.raises(ValueError, match='these files are damaged'):
        data[0]


def test_frames_beside_half_a_jpeg_are_used(half):
    for number in (2, 3, 4):
        half.with_name(f'half_{number:06d}.jpg').write_bytes(jpeg())
    data = FramePairDataset(str(half.parent), 'frames', delta=1, max_bad_share=0.5, pipeline=[dict])
    pairs = [data[index] for index in range(len(data))]
    assert pairs and all(1 not in pair['frame_ids'] for pair in pairs)
    assert list(data.unreadable) == [str(half)]
