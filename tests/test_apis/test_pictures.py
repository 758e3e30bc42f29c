"""Nearest neighbours follow a shift; the pictures show what was computed."""

import numpy as np
import pytest
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg

from poodle_mm.apis import (
    DenseEncoder,
    dense_features,
    draw_nearest_neighbours,
    draw_pca,
    nearest_neighbours,
)
from poodle_mm.visualization.pca import feature_pca
from tests.test_apis.conftest import noise


def pixels_of(figure) -> np.ndarray:
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3]


class Patches(torch.nn.Module):
    """Random features of blocks of 8 x 8 pixels: moves exactly with shifts by 8."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv = torch.nn.Conv2d(3, 16, 8, 8)

    def forward(self, images):
        return (self.conv(images),)


@pytest.mark.parametrize('size', [None, (64, 96)], ids=['native', 'half'])
def test_the_neighbour_in_a_shifted_image_is_the_shifted_point(size):
    encoder = DenseEncoder(Patches()).eval()
    cell = 8 if size is None else 16
    image = np.random.default_rng(0).integers(0, 256, (128, 192, 3), dtype=np.uint8)
    shifts = torch.tensor([[0, 0], [48, 16], [-32, 64]])
    others = [np.roll(image, (int(v), int(u)), (0, 1)) for u, v in shifts]
    centre = (cell - 1) / 2  # of a cell, in pixels
    points = torch.tensor([[centre + 80, centre + 32], [centre + 112, centre + 16]])
    found, cosine = nearest_neighbours(encoder, image, points, others, size)
    torch.testing.assert_close(found, points + shifts[:, None].float())
    torch.testing.assert_close(cosine, torch.ones(3, 2), atol=1e-4, rtol=0)


def test_neighbours_equal_a_loop(encoder):
    image, others = noise(64, 96, 0), [noise(64, 96, 1), noise(96, 64, 2)]
    points = [(20.0, 30.0), (70.5, 12.25)]
    found, cosine = nearest_neighbours(encoder, image, points, others)
    (query,) = dense_features(encoder, [image])
    for n, other in enumerate(others):
        (features,) = dense_features(encoder, [other])
        for k, (u, v) in enumerate(points):
            x, y = (u + 0.5) / 8 - 0.5, (v + 0.5) / 8 - 0.5
            left, top = int(x), int(y)
            a, b = x - left, y - top
            wanted = (
                (1 - a) * (1 - b) * query[:, top, left]
                + a * (1 - b) * query[:, top, left + 1]
                + (1 - a) * b * query[:, top + 1, left]
                + a * b * query[:, top + 1, left + 1]
            )
            scores = {
                (8 * j + 3.5, 8 * i + 3.5): torch.cosine_similarity(
                    wanted, features[:, i, j], dim=0
                ).item()
                for i in range(features.shape[1])
                for j in range(features.shape[2])
            }
            best = max(scores, key=scores.get)
            assert tuple(found[n, k].tolist()) == best
            assert cosine[n, k].item() == pytest.approx(scores[best], abs=1e-5)


def test_points_outside_are_refused(encoder):
    with pytest.raises(ValueError, match=r'point \[96.0, 3.0\] .* 96 pixels wide and 64 high'):
        nearest_neighbours(encoder, noise(), [(1, 2), (96, 3)], [noise()])


def test_neighbours_are_marked_where_they_were_found(encoder):
    images = [noise(64, 96, seed) for seed in range(3)]
    points = [(10.0, 20.0), (90.0, 60.0)]
    figure = draw_nearest_neighbours(encoder, images[0], points, images[1:], titles='abc')
    found, cosine = nearest_neighbours(encoder, images[0], points, images[1:])
    for axis, marks in zip(figure.axes, [torch.tensor(points), *found]):
        drawn = [line.get_xydata()[0].tolist() for line in axis.lines]
        assert drawn == (marks + 0.5).tolist()
        assert axis.get_xlim() == (0, 96)
    (meaning,) = figure.legends[0].get_texts()
    assert 'cosine' in meaning.get_text()
    assert figure.axes[1].texts[0].get_text() == f'1 ({cosine[0, 0]:.2f})'
    assert pixels_of(figure).std() > 20


def test_pca_is_fitted_jointly(encoder):
    """The same image twice has the same colours, and they are those of both images together."""
    images = [noise(64, 96, 0), noise(96, 64, 1), noise(64, 96, 0)]
    encoder.origin = 'iter_9.pth'
    figure = draw_pca(encoder, images)
    (meaning,) = figure.legends[0].get_texts()
    assert f'iter_9.pth: {encoder.channels} channels' in meaning.get_text()
    pictures = [axis.images[0] for axis in figure.axes if axis.images]
    photos, colours = pictures[:3], pictures[3:]
    assert (colours[0].get_array() == colours[2].get_array()).all()
    assert (photos[1].get_array() == (images[1] / 255).astype(np.float32)).all()
    assert colours[1].get_extent() == [0, 64, 96, 0]

    maps = list(dense_features(encoder, images))
    assert (colours[1].get_array() == feature_pca(maps)[1]).all()
    alone = feature_pca(maps[1][None])[0]
    assert (colours[1].get_array() != alone).any()
    assert pixels_of(figure).std() > 20
    with pytest.raises(ValueError, match='at least one image'):
        draw_pca(encoder, [])
