"""Features of several networks as colours, an image a row."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from poodle_mm.visualization.panels import show

_PANEL, _GAP, _HEADING = 3.2, 0.06, 0.55  # inches


def draw_places(
    images: Sequence[np.ndarray], colours: Mapping[str, Sequence[np.ndarray]]
) -> Figure:
    """Draw images and, beside each, the features of each network as colours.

    Args:
        images: uint8 (H, W, 3), all of one size.
        colours: Heading of a network's column, of two lines at most, to a picture (h, w, 3) of
            each image.
    """
    height, width = images[0].shape[:2]
    columns = {'image': images, **colours}
    high = _PANEL * height / width
    size = (len(columns) * (_PANEL + _GAP) + _GAP, _HEADING + len(images) * (high + _GAP))
    figure = Figure(figsize=size, facecolor='white')
    for column, (heading, pictures) in enumerate(columns.items()):
        left = _GAP + column * (_PANEL + _GAP)
        place = (left / size[0], 1 - (_HEADING - 0.08) / size[1])
        figure.text(*place, heading, fontsize=9, va='bottom', color='#222222', linespacing=1.25)
        for row, picture in enumerate(pictures):
            low = size[1] - _HEADING - (row + 1) * high - row * _GAP
            box = (left / size[0], low / size[1], _PANEL / size[0], high / size[1])
            show(figure.add_axes(box), picture, size=(height, width))
    return figure
