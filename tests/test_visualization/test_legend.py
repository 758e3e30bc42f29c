"""A legend is there, complete, and beside the pictures."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from poodle_mm.visualization.images import rendered
from poodle_mm.visualization.legend import add_legend
from poodle_mm.visualization.panels import draw_columns


def boxes(figure: Figure) -> tuple[list, list]:
    """Extents of pictures and of the legend's parts."""
    rendered(figure)
    wheel = [axis for axis in figure.axes if axis.get_label() == 'colour wheel']
    pictures = [axis.get_tightbbox() for axis in figure.axes if axis not in wheel]
    parts = [*figure.legends, *wheel, *(text for axis in wheel for text in axis.texts)]
    return pictures, [part.get_window_extent() for part in parts]


@pytest.mark.parametrize('layout', ['constrained', None])
@pytest.mark.parametrize(
    ('count', 'fastest', 'num_names'),
    [(1, None, 0), (0, 123.4, 0), (2, 123.4, 3), (7, 123.4, 25)],
)
def test_nothing_is_covered(layout, count, fastest, num_names):
    figure = Figure(figsize=(14, 4), layout=layout)
    for n in range(2):
        axis = figure.add_subplot(1, 2, n + 1)
        axis.imshow(np.zeros((8, 16, 3), np.uint8))
        axis.set_title('a picture')
    before = [box.size for box in boxes(figure)[0]]
    lines = [(['red', 'blue'], f'meaning {n}') for n in range(count)]
    names = {f'class {n}': (n, 0, 0) for n in range(num_names)}
    add_legend(figure, lines, fastest, names)
    pictures, parts = boxes(figure)
    assert len(parts) == (count > 0) + (num_names > 0) + 2 * (fastest is not None)
    for part in parts:
        assert figure.bbox.contains(part.x0, part.y0) and figure.bbox.contains(part.x1, part.y1)
        assert all(part.y1 <= picture.y0 for picture in pictures)
    for n, part in enumerate(parts):
        assert not any(part.overlaps(other) for other in parts[:n])
    # the pictures are as large as before
    np.testing.assert_allclose([box.size for box in pictures], before, rtol=0.02)
    texts = [text.get_text() for legend in figure.legends for text in legend.get_texts()]
    assert texts == [text for _, text in lines] + list(names)


def test_columns_with_a_legend():
    picture = np.zeros((8, 16, 3), np.uint8)
    figure = draw_columns({'a': [picture], 'b': [picture]}, {'road': (9, 8, 7)}, fastest=2.0)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ['road']
    (patch,) = figure.legends[0].get_patches()
    np.testing.assert_allclose(patch.get_facecolor()[:3], np.array([9, 8, 7]) / 255)
    assert figure.axes[-1].get_label() == 'colour wheel'
    plain = draw_columns({'a': [picture], 'b': [picture]})
    assert not plain.legends and len(plain.axes) == 2
