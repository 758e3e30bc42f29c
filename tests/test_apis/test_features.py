"""Maps of images: batched equals single, and every cell is where the docs say."""

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from poodle_mm.apis import (
    DenseEncoder,
    cell_size,
    cells_to_pixels,
    dense_features,
    load_image,
    pixels_to_cells,
)
from tests.test_apis.conftest import assert_same_map, noise


class MeanOfCell(nn.Module):
    """Mean colour of blocks of ``stride`` pixels: an encoder that can be checked by hand."""

    def __init__(self, stride: int) -> None:
        super().__init__()
        self.pool = nn.AvgPool2d(stride)
        self.weight = nn.Parameter(torch.zeros(()))

    def forward(self, images):
        return (self.pool(images),)


def test_batched_equals_single_in_order(encoder):
    images = [noise(64, 96, s) for s in range(4)] + [noise(96, 64, s) for s in range(4, 6)]
    images.insert(2, noise(32, 32, 7))
    batched = list(dense_features(encoder, images, batch_size=3))
    assert [tuple(m.shape) for m in batched] == [
        (64, i.shape[0] // 8, i.shape[1] // 8) for i in images
    ]
    for image, features in zip(images, batched):
        (single,) = dense_features(encoder, [image])
        assert_same_map(features, single)
    assert not torch.allclose(batched[0], batched[1])


def test_equals_the_encoder_by_hand(encoder):
    image = noise(64, 96)
    mean, std = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    normalised = torch.tensor(((image / 255 - mean) / std).transpose(2, 0, 1)[None]).float()
    (found,) = dense_features(encoder, [image])
    with torch.no_grad():
        assert_same_map(found, encoder(normalised)[0])
    assert not found.requires_grad


def test_path_array_and_tensor_are_the_same_image(encoder, tmp_path):
    image = noise()
    cv2.imwrite(str(tmp_path / 'a.png'), image[..., ::-1])
    tensor = torch.from_numpy(image).movedim(-1, 0)
    kinds = [image, tmp_path / 'a.png', str(tmp_path / 'a.png'), tensor, tensor / 255]
    maps = list(dense_features(encoder, kinds))
    assert all(torch.equal(m, maps[0]) for m in maps)


def test_padding_keeps_cells_in_place():
    """A cell is the mean of its own 8 x 8 pixels, whatever the image's size."""
    encoder = DenseEncoder(MeanOfCell(8))
    encoder.multiple = 32
    image = torch.rand(3, 37, 70)
    (found,) = dense_features(encoder, [image])
    assert found.shape == (3, 5, 9)
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    for row, column in ((0, 0), (2, 7), (3, 3)):
        cell = image[:, 8 * row : 8 * row + 8, 8 * column : 8 * column + 8].mean(dim=(1, 2))
        torch.testing.assert_close(found[:, row, column], (cell - mean) / std)


@pytest.mark.parametrize('patch', [8, 14, 16, 32])
def test_any_size_is_padded_and_cropped(patch):
    """To what the network asks for, also where the patches are no power of two."""
    encoder = DenseEncoder(MeanOfCell(patch))
    assert encoder.multiple == encoder.stride == patch
    images = torch.rand(2, 3, 37, 70)
    found = encoder(images)
    assert found.shape == (2, 3, -(-37 // patch), -(-70 // patch))
    torch.testing.assert_close(found[..., 0, 0], images[..., :patch, :patch].mean(dim=(2, 3)))


def test_a_size_between_multiples_equals_the_padded_image(encoder):
    """With the decoder: 32 to pad to, 8 to crop to."""
    images = torch.rand(1, 3, 50, 90)
    whole = torch.zeros(1, 3, 64, 96)
    whole[..., :50, :90] = images
    with torch.no_grad():
        found = encoder(images)
        assert found.shape == (1, 64, 7, 12)
        assert torch.equal(found, encoder(whole)[..., :7, :12])


def test_cells_without_whole_pixels_are_refused():
    with pytest.raises(ValueError, match='448 pixels wide gives maps'):
        DenseEncoder(MeanOfCell(17))


def test_coordinates_by_hand():
    encoder = DenseEncoder(MeanOfCell(8))
    assert cell_size(encoder, (36, 70)) == (8, 8)
    assert cell_size(encoder, (36, 70), (72, 35)) == (16, 4)
    points = torch.tensor([[3.5, 3.5], [0.0, 7.0], [11.5, 3.5], [-0.5, -0.5]])
    cells = pixels_to_cells(points, (8, 8))
    # the centre of the first 8 x 8 pixels is 3.5; the image's edge -0.5 is the map's edge
    assert cells.tolist() == [[0, 0], [-0.4375, 0.4375], [1, 0], [-0.5, -0.5]]
    assert pixels_to_cells(torch.tensor([1.5, 7.5]), (4, 16)).tolist() == [0, 0]


@given(
    st.floats(-10, 2000),
    st.floats(-10, 2000),
    st.sampled_from([(8, 8), (32, 32), (3.75, 8), (12.5, 6.25)]),
)
def test_coordinates_invert(u, v, cell):
    point = torch.tensor([u, v], dtype=torch.float64)
    torch.testing.assert_close(cells_to_pixels(pixels_to_cells(point, cell), cell), point)


def test_resized_image_has_its_cells_where_cell_size_says():
    """A bright square of the image is found in the map of the resized image."""
    encoder = DenseEncoder(MeanOfCell(8))
    image = torch.zeros(3, 60, 200)
    image[:, 20:24, 150:158] = 1
    (found,) = dense_features(encoder, [image], size=(120, 100))
    row, column = divmod(int(found.sum(0).argmax()), found.shape[2])
    centre = cells_to_pixels(
        torch.tensor([column, row]).float(), cell_size(encoder, (60, 200), (120, 100))
    )
    assert found.shape == (3, 15, 13)
    assert (centre - torch.tensor([153.5, 21.5])).abs().tolist() < [8, 2]


@pytest.mark.parametrize(
    ('image', 'words'),
    [
        (np.zeros((4, 4), np.uint8), r'image 1 is uint8 \(4, 4\): an array must be uint8 RGB'),
        (np.zeros((4, 4, 3)), r'image 1 is float64 \(4, 4, 3\)'),
        (torch.zeros(1, 3, 4, 4), r'image 1 is \(1, 3, 4, 4\): a tensor must be RGB'),
        (torch.full((3, 4, 4), 255.0), r'image 1: a tensor must be uint8, or float within'),
    ],
)
def test_errors_name_the_image(encoder, image, words):
    with pytest.raises(ValueError, match=words):
        list(dense_features(encoder, [noise(), image]))


def test_errors_name_the_file(encoder, tmp_path):
    (tmp_path / 'text.png').write_text('no image')
    with pytest.raises(ValueError, match=r'text\.png: cannot be read as an image'):
        list(dense_features(encoder, [tmp_path / 'text.png']))
    with pytest.raises(FileNotFoundError, match=r'missing\.png does not exist'):
        load_image(tmp_path / 'missing.png')
    with pytest.raises(ValueError, match='batch_size must be positive, got 0'):
        list(dense_features(encoder, [noise()], batch_size=0))
