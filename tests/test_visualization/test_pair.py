"""Colours and places in the pictures, by hand."""

import numpy as np
import pytest
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg

from poodle_mm.visualization.pair import draw_pair

SIZE = (64, 128)


def make_views(batch: int = 2, num: int = 3) -> dict[str, torch.Tensor]:
    """Grey frames, flow of 5 pixels to the right, the left half visible."""
    generator = torch.Generator().manual_seed(0)
    flow = torch.zeros(2, batch, 2, *SIZE)
    flow[0, :, 0], flow[1, :, 0] = 5, -5
    visible = torch.zeros(2, batch, *SIZE, dtype=torch.bool)
    visible[..., :64] = True
    corner = torch.rand(2, 2, batch, num, 2, generator=generator) * 30
    frames = torch.tensor([[0, 1], [1, 0]])[..., None, None]  # role, direction
    return dict(
        frames=torch.full((2, batch, 3, *SIZE), 0.5),
        dense=torch.randn(2, batch, 3, *SIZE, generator=generator),
        affine=torch.eye(2, 3).expand(2, batch, 2, 3),
        flow=flow,
        visible=visible,
        subcrops=torch.randn(2, 2, batch, num, 3, 16, 16, generator=generator),
        boxes=torch.cat([corner, corner + 20], dim=-1),
        box_frames=frames.expand(2, 2, batch, num).clone(),
        fallback=torch.zeros(2, batch, num, dtype=torch.bool),
    )


def render(figure) -> np.ndarray:
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3]


def panel(figure, title: str, nth: int = 0):
    return [axis for axis in figure.axes if axis.get_title(loc='left').startswith(title)][nth]


@pytest.mark.parametrize('num', [0, 3])
@pytest.mark.parametrize('num_features', [0, 1, 2])
def test_every_part_is_there_and_none_overlaps(num, num_features):
    views = make_views(num=max(num, 1))
    if not num:
        for key in ('subcrops', 'boxes', 'box_frames', 'fallback'):
            del views[key]
    maps = {f'map {i}': torch.randn(2, 2, 4, 8, 16) for i in range(num_features)}
    before = {name: value.clone() for name, value in views.items()}
    figure = draw_pair(views, 1, maps)
    assert all(torch.equal(before[name], views[name]) for name in views)
    shown = [axis for axis in figure.axes if axis.images and axis.get_label() != 'colour wheel']
    assert len(shown) == 2 + 2 * num + 2 * (5 + num_features)
    places = [axis.get_position() for axis in shown]
    for k, place in enumerate(places):
        assert min(place.x0, place.y0) >= 0 and max(place.x1, place.y1) <= 1
        for other in places[:k]:
            assert min(place.x1, other.x1) <= max(place.x0, other.x0) or min(
                place.y1, other.y1
            ) <= max(place.y0, other.y0)
    (legend,) = figure.legends
    texts = [text.get_text() for text in legend.get_texts()]
    assert any('pair of subcrops' in text for text in texts) == (num > 0)
    assert any('principal components' in text for text in texts) == (num_features > 0)
    assert panel(figure, '50% without a visible counterpart')
    assert panel(figure, 'flow to t+Δ, up to 5 pixels')
    assert panel(figure, 'error 0.0 grey levels')
    render(figure)


def test_the_legend_names_the_network_and_the_speed_of_the_rim():
    network = 'that network' + 60 * '.'
    figure = draw_pair(make_views(), 0, {'map': torch.randn(2, 2, 4, 8, 16)}, network)
    (legend,) = figure.legends
    assert 'that network' in legend.get_texts()[-1].get_text()
    figure.set_dpi(70)
    render(figure)
    box = legend.get_window_extent()
    assert box.x0 >= 0 and box.x1 <= 0.97 * figure.bbox.width
    (wheel,) = [axis for axis in figure.axes if axis.get_label() == 'colour wheel']
    assert [text.get_text() for text in wheel.texts] == ['5 px']


def test_flow_has_the_colour_of_its_place_on_the_wheel():
    """In the picture: flow of known directions against the wheel's pixels in these directions.

    A wheel that is turned, mirrored or of another scale fails.
    """
    angles, shares = np.radians(np.arange(0, 360, 45)), (0.5, 0.85)
    views = make_views(batch=1)
    views['flow'][...] = torch.tensor([8.0, 0])[:, None, None]  # the fastest, in the last rows
    for k, angle in enumerate(angles):
        for row, share in enumerate(shares):
            block = views['flow'][:, 0, :, 30 * row : 30 * row + 30, 16 * k : 16 * k + 16]
            block[:, 0], block[:, 1] = 8 * share * np.cos(angle), 8 * share * np.sin(angle)
    figure = draw_pair(views)
    flow = panel(figure, 'flow to t+Δ, up to 8 pixels')
    (wheel,) = [axis for axis in figure.axes if axis.get_label() == 'colour wheel']
    for artist in (*flow.collections, *wheel.lines):  # arrows and radius lie over the colours
        artist.remove()
    pixel, _ = readers(figure)
    for k, angle in enumerate(angles):
        for row, share in enumerate(shares):
            found = pixel(flow, 16 * k + 8, 30 * row + 15)
            place = share * np.cos(angle), share * np.sin(angle)
            # the hue turns fast here and there: the next pixel up or down may be the right one
            near = [pixel(wheel, place[0], place[1] + dv) for dv in (-0.02, 0, 0.02)]
            assert min(np.abs(found - there).max() for there in near) <= 20
            assert np.ptp(found) > 90 * share


def test_the_error_is_that_of_the_fetched_frame():
    """Frames that differ by a quarter of all grey levels; the hidden half is grey."""
    views = make_views(batch=1)
    views['frames'][1] = 0.25
    figure = draw_pair(views)
    error = panel(figure, 'error 63.8 grey levels')
    colours = np.asarray(error.images[0].get_array())
    assert colours[10, 10].min() > 130 and colours[10, 10, 0] > 245  # nearly 64: pale yellow
    assert (colours[10, 100] == 191).all()


def readers(figure):
    """Of (axis, u, v): the pixel, and whether it has the colour of the first pair."""
    image, colour = render(figure), np.array([0xFF, 0x4D, 0x4D])

    def pixel(axis, u, v):
        x, y = axis.transData.transform((u, v))
        return image[round(image.shape[0] - 1 - y), round(x)].astype(int)

    def is_drawn(axis, u, v):
        return np.abs(pixel(axis, u, v) - colour).max() < 30

    return pixel, is_drawn


def test_boxes_and_lines_sit_where_the_subcrops_were_cut():
    views = make_views(batch=1, num=1)
    views['boxes'][0, 0, 0, 0] = torch.tensor([16.0, 16, 48, 48])
    views['boxes'][1, 0, 0, 0] = torch.tensor([64.0, 8, 112, 40])
    views['frames'][0, ..., 16:48, 16:48] = 0
    figure = draw_pair(views)
    pixel, is_drawn = readers(figure)
    left, right = panel(figure, 'frame t'), panel(figure, 'frame t+Δ')
    assert is_drawn(left, 16, 20) and is_drawn(left, 48, 40) and is_drawn(left, 20, 48)
    assert is_drawn(right, 64, 12) and is_drawn(right, 112, 30) and is_drawn(right, 100, 8)
    assert not is_drawn(left, 64, 12) and not is_drawn(right, 20, 48)
    # The black square of the frame fills the box.
    assert pixel(left, 20, 20).max() == pixel(left, 44, 44).max() == 0
    assert pixel(left, 12, 20).min() > 120 and pixel(left, 52, 44).min() > 120
    # The line runs from centre (32, 32) to centre (88, 24): it is still near 32 at the left edge.
    assert any(is_drawn(left, 127.5, v) for v in np.arange(24, 32, 0.2))


def test_a_fallback_pair_is_drawn_dashed_on_its_own_frame():
    views = make_views(batch=2, num=1)
    views['boxes'][:, 0, 1, 0] = torch.tensor([[16.0, 16, 48, 48], [64.0, 8, 112, 40]])
    views['box_frames'][1, 0, 1] = 0
    views['fallback'][0, 1] = True
    figure = draw_pair(views, 1)
    _, is_drawn = readers(figure)
    left, right = panel(figure, 'frame t'), panel(figure, 'frame t+Δ')
    for box_edge in ([(16, v) for v in range(20, 46)], [(112, v) for v in range(12, 38)]):
        drawn = [is_drawn(left, *point) for point in box_edge]
        assert any(drawn) and not all(drawn)
        assert not any(is_drawn(right, *point) for point in box_edge)
    # The line from (32, 32) to (88, 24) stays in the left frame.
    line = [is_drawn(left, u, 32 - (u - 32) / 7) for u in np.arange(49, 63, 0.5)]
    assert any(line)
    # Without the flag the same boxes are not dashed.
    views['fallback'][:] = False
    figure = draw_pair(views, 1)
    _, is_drawn = readers(figure)
    left = panel(figure, 'frame t')
    assert all(is_drawn(left, 16, v) for v in range(20, 46))


def test_subcrops_are_those_with_frame_t_online():
    """Online ones on the left, in the order of the pairs, targets on the right."""
    views = make_views(batch=2, num=3)
    figure = draw_pair(views, 1)
    small = [axis for axis in figure.axes if axis.spines['left'].get_linewidth() == 3]
    shown = [axis.images[0].get_array() for axis in small]
    assert len(shown) == 6
    mean, std = (np.array(x) for x in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    for image, subcrop in zip(shown, views['subcrops'][:, 0, 1].flatten(0, 1)):
        expected = (subcrop.movedim(0, -1).numpy() * std + mean).clip(0, 1) * 255
        assert np.abs(np.asarray(image, float) - expected).max() <= 0.51
