"""Band matrices in tiles against the whole matrix."""

import pytest
import torch

from poodle_mm.views.bands import Block, filter_columns, filter_rows
from poodle_mm.views.filters import blur_by_tiles_, blur_matrix, gaussian_blur


@pytest.mark.parametrize('contiguous', [True, False])
def test_blocks_are_rows_of_the_matrix(contiguous):
    generator = torch.Generator().manual_seed(0)
    matrix = torch.zeros(7, 9)
    matrix[:4, 1:6] = torch.rand(4, 5, generator=generator)
    matrix[4:, 3:9] = torch.rand(3, 6, generator=generator)
    blocks = [Block(0, 1, matrix[:4, 1:6]), Block(4, 3, matrix[4:, 3:])]
    image = torch.rand(2, 9, 12, generator=generator)
    across = image if contiguous else torch.rand(2, 15, 9, generator=generator)[:, 3:14]
    across = across.mT.contiguous() if contiguous else across
    result = filter_rows(across, blocks, torch.empty(2, across.shape[1], 7))
    torch.testing.assert_close(result, across @ matrix.T)
    result = filter_columns(image, blocks, torch.empty(2, 7, 12))
    torch.testing.assert_close(result, matrix @ image)


# Fewer than three tiles, exactly three, ragged last ones, a radius wider than 32.
@pytest.mark.parametrize(
    'size, kernel',
    [
        ((20, 95), (13, 13)),
        ((96, 97), (13, 13)),
        ((127, 128), (23, 23)),
        ((129, 160), (53, 53)),
        ((200, 300), (71, 71)),
        ((150, 300), (15, 31)),
        ((300, 150), (71, 1)),
    ],
)
@pytest.mark.parametrize('sigma', [0.3, 2.5, 9.0])
def test_blur_by_tiles_is_the_product_with_the_whole_matrix(size, kernel, sigma):
    image = torch.rand(3, *size, generator=torch.Generator().manual_seed(1))
    rows, columns = (blur_matrix(n, k, sigma, image).double() for n, k in zip(size, kernel))
    expected = rows @ (image.double() @ columns.T)
    assert blur_by_tiles_(image, kernel, sigma) is image
    torch.testing.assert_close(image.double(), expected, atol=1e-6, rtol=0)


def test_blur_of_a_batch_takes_a_sigma_for_each_image():
    images = torch.rand(3, 3, 40, 100, generator=torch.Generator().manual_seed(2))
    sigma = torch.tensor([0.4, 1.0, 3.0])
    together = gaussian_blur(images, (13, 7), sigma)
    for image, width, result in zip(images, sigma.tolist(), together):
        torch.testing.assert_close(result, gaussian_blur(image, (13, 7), width), atol=1e-6, rtol=0)


def test_rows_of_the_blur_sum_to_one():
    matrix = blur_matrix(50, 23, torch.tensor([0.2, 5.0]), torch.empty(0))
    torch.testing.assert_close(matrix.sum(-1), torch.ones(2, 50))
