import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from poodle_mm.geometry import warp
from poodle_mm.geometry.warp import (
    crop_resize_flow,
    doubled_to_grid_,
    inside,
    normalise_points,
    pixel_grid,
    sample_bilinear,
    strips,
    warp_points,
)
from tests.test_geometry.oracles import bilinear


def test_pixel_grid_is_column_then_row():
    grid = pixel_grid((2, 3))
    assert grid.tolist() == [[[0, 0], [1, 0], [2, 0]], [[0, 1], [1, 1], [2, 1]]]
    assert pixel_grid((2, 3), 'cpu', torch.float64).dtype == torch.float64


@pytest.mark.parametrize('size', [(5, 7), (1, 4), (3, 1), (1, 1)])
def test_sample_bilinear_against_a_loop(size):
    image = torch.rand(2, 3, *size, dtype=torch.float64)
    points = torch.rand(2, 40, 2, dtype=torch.float64) * 12 - 3  # some lie outside
    result = sample_bilinear(image, points)
    for b in range(2):
        for k, (u, v) in enumerate(points[b].tolist()):
            expected = bilinear(image[b].numpy(), u, v)
            np.testing.assert_allclose(result[b, :, k], expected, atol=1e-12)


def test_sample_bilinear_keeps_the_shape_of_the_points():
    image = torch.rand(2, 3, 5, 7)
    grid = pixel_grid((5, 7)).expand(2, -1, -1, -1)
    torch.testing.assert_close(sample_bilinear(image, grid), image)
    assert sample_bilinear(image, grid[:, 0, 0]).shape == (2, 3)
    assert sample_bilinear(image, grid[:, None, :2]).shape == (2, 3, 1, 2, 7)


def test_inside_includes_the_outermost_centres():
    points = torch.tensor([[0.0, 0], [6, 4], [-0.01, 0], [0, -0.01], [6.01, 4], [6, 4.01]])
    assert inside(points, (5, 7)).tolist() == [True, True, False, False, False, False]
    assert not inside(torch.tensor([float('nan'), 1.0]), (5, 7))


def test_warp_points_follows_the_flow_at_the_point():
    flow = torch.zeros(2, 2, 4, 6)
    flow[0, 0, 1, 2], flow[0, 1, 1, 2] = 3.0, -1.0
    flow[1, 0] = 0.5
    points = torch.tensor([[[2.0, 1.0], [2.5, 1.0], [4.0, 3.0]]]).expand(2, -1, -1)
    expected = torch.tensor([[5.0, 0.0], [4.0, 0.5], [4.0, 3.0]])
    result = warp_points(points, flow)
    torch.testing.assert_close(result[0], expected)
    torch.testing.assert_close(result[1], points[1] + torch.tensor([0.5, 0.0]))


def linear_flow(coefficients, points):
    """(..., 2): a flow that is linear in the place, which bilinear look-up reproduces."""
    return coefficients[:, 0] + points @ coefficients[:, 1:].T


@settings(max_examples=50, deadline=None)
@given(
    x0=st.floats(1, 8),
    y0=st.floats(1, 6),
    width=st.floats(3, 10),
    height=st.floats(2, 8),
    size=st.tuples(st.integers(1, 30), st.integers(1, 30)),
    seed=st.integers(0, 1000),
)
def test_crop_resize_flow_commutes_with_following(x0, y0, width, height, size, seed):
    """Crop and resize the place where a pixel lands = follow the cropped flow from its place."""
    generator = torch.Generator().manual_seed(seed)
    coefficients = torch.randn(2, 3, generator=generator, dtype=torch.float64)
    frame = pixel_grid((16, 20), dtype=torch.float64)
    flow = linear_flow(coefficients, frame).movedim(-1, 0)

    result = crop_resize_flow(flow, (x0, y0, x0 + width, y0 + height), size)

    assert result.shape == (2, *size)
    origin = torch.tensor([x0, y0], dtype=torch.float64)
    scale = torch.tensor([size[1] / width, size[0] / height], dtype=torch.float64)
    at_crop = pixel_grid(size, dtype=torch.float64)
    at_frame = (at_crop + 0.5) / scale + origin - 0.5
    # What the frame's flow does to the point, seen in the crop. Points in the outer half pixel
    # of the frame read the border, but the box keeps one pixel away from it.
    landed = at_frame + linear_flow(coefficients, at_frame)
    landed_in_crop = (landed - origin + 0.5) * scale - 0.5
    torch.testing.assert_close(at_crop + result.movedim(0, -1), landed_in_crop)


def test_crop_resize_flow_by_hand():
    flow = torch.tensor([[[1.0, 2, 3, 4]] * 4, [[10.0, 20, 30, 40]] * 4])
    # Whole pixels 1..2 in both directions, doubled in width, kept in height.
    result = crop_resize_flow(flow, (1, 1, 3, 3), (2, 4))
    torch.testing.assert_close(result[0, 0], 2 * torch.tensor([1.75, 2.25, 2.75, 3.25]))
    torch.testing.assert_close(result[1, 0], torch.tensor([17.5, 22.5, 27.5, 32.5]))


def test_crop_resize_flow_of_a_batch():
    flow = torch.randn(2, 2, 8, 9)
    boxes = torch.tensor([[0.0, 0, 9, 8], [2.0, 1, 7.5, 6]])
    result = crop_resize_flow(flow, boxes, (8, 9))
    torch.testing.assert_close(result[0], flow[0])
    for i in range(2):
        single = crop_resize_flow(flow[i], boxes[i].tolist(), (8, 9))
        torch.testing.assert_close(result[i], single)


@pytest.mark.parametrize('box', [(3, 0, 3, 5), (4, 0, 2, 5), (0, 5, 4, 2)])
def test_crop_resize_flow_refuses_an_empty_box(box):
    with pytest.raises(ValueError, match='is empty'):
        crop_resize_flow(torch.zeros(2, 6, 6), box, (4, 4))


@pytest.mark.parametrize('pair', ['0', '1'])
def test_direction_and_unit_of_real_flow(test_data, pair):
    """The second frame, looked up where the flow points, is the first frame."""
    folder = test_data / 'flow' / 'flyingchairs'
    first, second = (
        torch.from_numpy(cv2.imread(str(folder / f'{pair}_img{i}.ppm'))).permute(2, 0, 1)[None]
        / 255
        for i in (1, 2)
    )
    flow = torch.from_numpy(cv2.readOpticalFlow(str(folder / f'{pair}_flow.flo')))
    flow = flow.permute(2, 0, 1)[None]

    def error(flow):
        points = warp_points(pixel_grid(flow.shape[-2:])[None], flow)
        seen = inside(points, flow.shape[-2:])
        return (sample_bilinear(second, points) - first).abs().mean(1)[seen].mean()

    wrong = [torch.zeros_like(flow), -flow, flow.flip(1), flow / 2, flow * 2]
    assert error(flow) < 0.8 * min(error(x) for x in wrong)


@pytest.mark.parametrize('shape', [(2, 3, 7, 10), (1, 1, 1, 5), (3, 2, 4, 100)])
def test_strips_visit_each_pixel_once(shape, monkeypatch):
    monkeypatch.setattr(warp, 'STRIP', 25)
    visits = torch.zeros(shape)
    for samples, rows in strips(shape, torch.device('cpu')):
        part = visits[samples, :, rows]
        assert part.numel() <= max(25, shape[-1]) * shape[1]
        part += 1
    assert (visits == 1).all()
    (everything,) = strips(shape, torch.device('meta'))
    assert visits[everything[0], :, everything[1]].shape == shape


def test_planes_of_doubled_points_become_the_same_grid():
    points = torch.randn(2, 5, 6, 2, generator=torch.Generator().manual_seed(0)) * 300
    planes = (2 * points).movedim(-1, 1).contiguous()
    grid = doubled_to_grid_(planes, (70, 130)).movedim(1, -1)
    assert torch.equal(grid, normalise_points(points, (70, 130)))
