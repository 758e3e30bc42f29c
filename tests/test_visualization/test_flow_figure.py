"""Colours and figures of flow side by side, by hand."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from poodle_mm.visualization.flow_figure import FlowView, _speed, draw_flows
from poodle_mm.visualization.images import endpoint_colours, rendered, warp_error_colours

SIZE = (32, 64)
BLUE, GREY = (49, 54, 149), (191, 191, 191)


def flow_of(du: float, dv: float = 0.0) -> torch.Tensor:
    return torch.tensor([du, dv])[:, None, None].expand(2, *SIZE).clone()


def view(name: str = 'mine', du: float = 8.0, truth: float | None = None) -> FlowView:
    """A texture that moves by 8 pixels to the right; all that lands inside is visible."""
    texture = torch.rand(3, *SIZE, generator=torch.Generator().manual_seed(0))
    visible = torch.ones(SIZE, dtype=torch.bool)
    visible[:, SIZE[1] - 8 :] = False
    frames = torch.stack([texture, texture.roll(8, -1)])
    truth = None if truth is None else flow_of(truth)
    return FlowView(name, frames, flow_of(du), visible, truth)


def titles(figure: Figure) -> list[str]:
    return [axis.get_title(loc='left') for axis in figure.axes if axis.images]


def panel(figure: Figure, title: str, nth: int = 0) -> np.ndarray:
    """Pixels of the nth panel whose title begins so."""
    found = [a for a in figure.axes if a.images and a.get_title(loc='left').startswith(title)]
    return np.asarray(found[nth].images[0].get_array())


def test_a_row_by_hand():
    figure = draw_flows([view()])
    found = titles(figure)
    assert found[:2] == ['frame t', 'frame t+Δ'] and found[2].startswith('difference ')
    assert found[3:7] == [
        'mine',
        't+Δ warped to t',
        'warp error 0.0 grey levels',
        '87.5% valid',
    ]
    assert (panel(figure, 'mine') == (255, 0, 0)).all()  # to the right, as fast as the rim
    warped, frame = panel(figure, 't+Δ warped'), panel(figure, 'frame t')
    assert np.abs(warped[:, :-8].astype(int) - frame[:, :-8]).max() <= 1
    assert warped[:, -8:].min() >= 178
    error, hidden = panel(figure, 'warp error'), panel(figure, '87.5% valid')
    assert (error[:, :-8] == (0, 0, 4)).all() and (error[:, -8:] == GREY).all()
    assert np.array_equal(hidden[:, :-8], frame[:, :-8])
    assert (hidden[:, -8:, 0] > hidden[:, -8:, 1] + 30).all()


def test_equal_frames_without_motion_have_no_error():
    still = replace(view(du=0.0), visible=torch.ones(SIZE))
    still = replace(still, frames=still.frames[:1].expand(2, -1, -1, -1))
    figure = draw_flows([still])
    found = titles(figure)
    assert found[2] == 'difference 0.0 grey levels' and found[6] == '100.0% valid'
    assert (panel(figure, 'warp error 0.0') == (0, 0, 4)).all()
    assert (panel(figure, 'mine') == 255).all()


def test_truth_is_free_of_error_and_scales_the_colours():
    rows = [view('truth', 8, truth=8), view('twice', 16, truth=8), view('left', -4, truth=8)]
    figure = draw_flows(rows)
    found = [title for title in titles(figure) if title.startswith('EPE')]
    assert found == [f'EPE {e:.2f} px, Fl {share:.1%}' for e, share in ((0, 0), (8, 1), (12, 1))]
    assert (panel(figure, 'EPE 0.00 px') == BLUE).all()
    assert (panel(figure, 'EPE 8.00 px') == endpoint_colours(torch.full((1, 1, 1), 8.0), ALL)).all()
    # full colour at 8 pixels: twice as fast is no different, half as fast is paler
    assert (panel(figure, 'twice') == (255, 0, 0)).all()
    cyan = panel(figure, 'left')[0, 0]
    assert cyan[0] < 140 and cyan[2] == 255
    assert [text.get_text() for text in figure.axes[-1].texts] == ['8 px']


ALL = torch.ones(1, 1, 1, dtype=torch.bool)


def test_what_is_unknown_is_grey_and_does_not_count():
    row = view('holes', 8, truth=8)
    row.flow[:, :4] = torch.nan
    row.truth[0, :, :8] = 1000
    known = torch.ones(SIZE, dtype=torch.bool)
    known[:, :8] = False
    figure = draw_flows([replace(row, known=known), view('other')])
    assert (panel(figure, 'holes')[:4] == GREY).all()
    endpoint = panel(figure, 'EPE 0.00 px, Fl 0.0%')
    assert (endpoint[:, :8] == GREY).all() and (endpoint[:4] == GREY).all()
    assert (endpoint[4:, 8:] == BLUE).all()
    assert '76.6% valid' in titles(figure)  # 28 of 32 rows, 56 of 64 columns
    assert sum(title.startswith('EPE') for title in titles(figure)) == 1  # 'other' has no truth


def test_nothing_visible_is_said():
    nowhere = replace(view(), visible=torch.zeros(SIZE))
    figure = draw_flows([nowhere])
    assert 'warp error unknown' in titles(figure) and '0.0% valid' in titles(figure)
    assert [text.get_text() for text in figure.axes[-1].texts] == ['8 px']


@pytest.mark.parametrize('truth', [None, 8.0])
@pytest.mark.parametrize('more', [{}, dict(extra=torch.rand(3, *SIZE))])
def test_nothing_overlaps(truth, more):
    rows = [view('a name of many letters', 250.4, truth), view('b', truth=truth)]
    figure = draw_flows(rows, more, 'by a check of this name')
    rendered(figure)
    shown = [a for a in figure.axes if a.images and a.get_label() != 'colour wheel']
    assert len(shown) == 3 + len(more) + 2 * (4 + (truth is not None))
    boxes = [axis.get_tightbbox() for axis in shown]
    (legend,) = figure.legends
    boxes.append(legend.get_window_extent())
    for k, box in enumerate(boxes):
        assert box.x0 >= 0 and box.x1 <= figure.bbox.width and box.y0 >= 0
        assert box.y1 <= figure.bbox.height
        assert not any(box.overlaps(other) for other in boxes[:k])
    widths = {round(axis.get_window_extent().width, 3) for axis in shown}
    assert len(widths) == 1
    lines = [text.get_text() for text in legend.get_texts()]
    assert len(lines) == 4 + (truth is not None)
    assert lines[-1].endswith('(by a check of this name)')


def test_scales_of_errors():
    """A colour of the endpoint error for each doubling, the sixth from 3 pixels on."""
    known = torch.ones(1, 1, 9, dtype=torch.bool)
    error = torch.tensor([0, 0.18, 0.19, 2.9, 3.0, 5.9, 6.1, 48.1, 1e4])[None, None]
    colours = [tuple(c) for c in endpoint_colours(error, known)[0, 0].tolist()]
    assert colours[0] == colours[1] == BLUE != colours[2]
    assert colours[3][2] > colours[3][0]  # blue below 3 pixels
    assert colours[4] == colours[5] and colours[4][0] > colours[4][2]
    assert colours[6] not in colours[:6] and colours[7] == colours[8] == (165, 0, 38)
    greys = warp_error_colours(torch.tensor([[[0.0, 32, 64, 255]]]), torch.ones(1, 1, 4))[0, 0]
    brightness = greys.astype(int).sum(1)
    assert brightness[0] < brightness[1] < brightness[2] == brightness[3]


def test_photographs_of_more_than_16_million_pixels():
    shape = (4100, 4100)
    flow = torch.zeros(2, *shape)
    flow[0, :, 3000:] = 5
    view = FlowView('mine', torch.zeros(2, 3, 1, 1), flow, torch.ones(shape))
    assert _speed([view]) == 5
