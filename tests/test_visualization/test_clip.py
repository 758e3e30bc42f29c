"""Pictures of tracked objects: what is shown is what the masks leave."""

import numpy as np
import torch

from poodle_mm.visualization.clip import draw_objects
from poodle_mm.visualization.images import denormalised, rendered


def test_rows_are_frames_and_what_each_mask_leaves():
    torch.manual_seed(0)
    frames, masks = torch.randn(3, 3, 8, 12), torch.zeros(3, 2, 8, 12)
    masks[:, 0] = 1  # an object that is everything, and one that is the left third
    masks[:, 1, :, :4] = 1
    figure = draw_objects(frames, masks, [0.0, 0.5, 1.0], 'objects of a test')
    shown = [np.asarray(axis.images[0].get_array()) for axis in figure.axes if axis.images]
    titles = [axis.get_title(loc='left') for axis in figure.axes if axis.images]
    assert [title for title in titles if title] == [f'frame {t}, {t / 2:.2f} s' for t in range(3)]
    assert len(shown) == 9
    whole, grey = denormalised(frames), denormalised(torch.zeros(1, 3, 1, 1))[0, 0, 0]
    for t in range(3):
        frame, everything, left = (shown[3 * row + t] for row in range(3))
        np.testing.assert_array_equal(frame, whole[t])
        np.testing.assert_array_equal(everything, whole[t])
        np.testing.assert_array_equal(left[:, :4], whole[t][:, :4])
        assert (left[:, 4:] == grey).all()
    (text,) = (text.get_text() for text in figure.legends[0].get_texts())
    assert '(1. 100%, 2. 33% of the frames)' in text and text.endswith('; objects of a test')
    assert rendered(figure).ndim == 3
