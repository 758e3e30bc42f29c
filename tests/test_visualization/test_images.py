"""Pixels of pictures, by hand."""

import numpy as np
import torch

from poodle_mm.visualization.images import (
    fetched,
    flow_colours,
    flow_hues,
    flow_wheel,
    label_colours,
)


def test_fetched_frame_of_an_integer_translation():
    """What moved by 3 pixels is found again exactly; white veil where nothing visible is."""
    a = torch.rand(3, 8, 16)
    frames = torch.stack([a, a.roll(3, -1)])
    flow = torch.zeros(2, 2, 8, 16)
    flow[0, 0], flow[1, 0] = 3, -3
    visible = torch.ones(2, 8, 16, dtype=torch.bool)
    visible[0, :, -3:] = visible[1, :, :3] = False
    found = fetched(frames, flow, visible)
    expected = (frames * 255).round().byte().movedim(1, -1).numpy()
    assert np.abs(found[0, :, :-3].astype(int) - expected[0, :, :-3]).max() <= 1
    assert np.abs(found[1, :, 3:].astype(int) - expected[1, :, 3:]).max() <= 1
    assert found[0, :, -3:].min() >= 178


def test_long_flow_does_not_pale_the_rest():
    flow = torch.zeros(2, 2, 8, 8)
    flow[:, 0] = 2
    alone = flow_colours(flow, torch.tensor(2.0))
    flow[0, 0, 0, 0] = 1000
    assert np.array_equal(flow_colours(flow, torch.tensor(2.0)), alone)


def test_colours_of_flow_do_not_depend_on_the_fastest_vector():
    """Half of ``longest`` looks the same where nothing is faster."""
    flow = torch.zeros(1, 2, 4, 4)
    flow[:, 1] = 3
    slow = flow_colours(flow, torch.tensor(6.0))
    flow[0, 1, 0, 0] = 6
    fast = flow_colours(flow, torch.tensor(6.0))
    assert np.array_equal(slow[0, 1:], fast[0, 1:])
    assert slow[0, 0, 0].min() > fast[0, 0, 0].min()
    assert flow_colours(0 * flow, torch.tensor(0.0)).min() == 255


def test_the_wheel_is_white_in_its_middle_and_outside():
    wheel = flow_wheel(21)
    assert wheel[10, 10].min() >= 254 and wheel[0, 0].min() == 255
    assert wheel[10, 20].min() == 0
    # the known hues of the usual colour wheel of flow: red to the right, yellow downwards
    right, down, left, up = flow_hues()
    assert right[0] > 0.95 and right[1:].max() < 0.35
    assert down[:2].min() > 0.8 and down[2] < 0.3
    assert left[2] > 0.9 and left[0] < 0.3 and up[2] > 0.9 and up[1] < 0.3


def test_labels_have_the_colour_of_their_class():
    labels = np.array([[0, 1], [2, 255]], np.uint8)
    found = label_colours(labels, [(1, 2, 3), (4, 5, 6)])
    assert found.tolist() == [[[1, 2, 3], [4, 5, 6]], [[255] * 3] * 2]
    assert found.dtype == np.uint8
