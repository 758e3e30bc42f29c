"""Pictures of the training of flow show what the losses take part in."""

import numpy as np
import pytest
import torch

from poodle_mm.flow.uflow.objectives import visibility
from tests.test_flow.test_uflow_training import batch, set_progress, tiny


@pytest.fixture(autouse=True)
def at_the_start():
    set_progress(0, 100)


def moving_right(**options):
    """A network that finds 4 pixels to the right, both ways."""
    model = tiny(**options)
    for decoder in model.network.decoders.values():
        torch.nn.init.zeros_(decoder.head.weight)
        torch.nn.init.zeros_(decoder.head.bias)
    model.network.decoders['1'].head.bias.data[0] = 1.0
    return model


def titles(figure) -> list[str]:
    return [axis.get_title(loc='left') for axis in figure.axes if axis.images]


def test_rows_are_both_ways_and_the_truth():
    model, data = moving_right(), batch((4, 0))
    views = model.data_preprocessor(data, training=True)['inputs']
    flow = model(views, mode='tensor')
    assert flow[:, :, 0].mean().item() == pytest.approx(4, abs=0.01)
    figures = [*model.draw_pairs(data, 7)]
    assert len(figures) == 2
    found = titles(figures[1])
    assert [t for t in found if t.startswith('flow')] == [
        'flow from t to t+Δ',
        'flow from t to t+Δ: truth',
        'flow from t+Δ to t',
        'flow from t+Δ to t: truth',
    ]
    errors = [title for title in found if title.startswith('EPE')]
    assert errors == [f'EPE {e:.2f} px, Fl {s:.1%}' for e, s in ((0, 0), (0, 0), (8, 1), (0, 0))]
    (shown,) = (a for a in figures[1].axes if a.get_title(loc='left') == 't as the network sees it')
    expected = (views['augmented'][0, 1] * 255).round().byte().movedim(0, -1).numpy()
    assert np.array_equal(np.asarray(shown.images[0].get_array()), expected)


@pytest.mark.parametrize(('kind', 'begin'), [('forward_backward', 0), ('wang', 0), ('wang', 0.5)])
def test_hidden_is_what_the_losses_leave_out(kind, begin):
    """Both ways to the right: nothing returns to its start, and only a border leaves the frame."""
    model, data = moving_right(occlusion=dict(kind=kind, begin=begin)), batch((4, 0))
    for sample in data['data_samples']:
        del sample.flow
    figure = next(iter(model.draw_pairs(data, 1)))
    views = model.data_preprocessor(data, training=True)['inputs']
    flow = model(views, mode='tensor').flatten(0, 1)
    seen = visibility(flow, None if begin else kind).mean((1, 2))[::2].tolist()
    assert [t for t in titles(figure) if t.endswith('valid')] == [f'{s:.1%} valid' for s in seen]
    if kind == 'forward_backward':
        assert seen == [0, 0]
    (legend,) = figure.legends
    how = legend.get_texts()[-1].get_text()
    assert ('only what leaves' if begin else kind.split('_')[0]) in how and 'iteration 1' in how
