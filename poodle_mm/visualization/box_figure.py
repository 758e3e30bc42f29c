"""Boxes of several detectors beside the ground truth."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.patheffects import Normal, withStroke
from torch import Tensor

from poodle_mm.visualization.legend import add_legend
from poodle_mm.visualization.panels import show, stacked

Drawn = tuple[Tensor, Tensor, Tensor]
"""Boxes (N, 4), class ids (N,), and whether they are right (N,)."""


def draw_boxes(
    images: Sequence[np.ndarray],
    boxes: Sequence[Mapping[str, Drawn]],
    titles: Sequence[Mapping[str, str]],
    classes: Sequence[str],
    palette: Sequence[Sequence[int]],
    meaning: str,
) -> Figure:
    """Draw a row an image: the image, then a panel a source of boxes.

    Args:
        images: uint8 (H, W, 3) each.
        boxes: Of each image, name of the ground truth and of networks to what they hold.
        titles: Of each image what stands above its panels; ``'image'`` for itself.
        classes, palette: Names and colours (RGB, 0 to 255).
        meaning: What makes a box right, for the legend.
    """
    rows = stacked([(1 + len(own), i.shape[0] / i.shape[1]) for i, own in zip(images, boxes)])
    for axes, image, own, words in zip(rows, images, boxes, titles):
        show(axes[0], image, words.get('image', ''), interpolation=None)
        for axis, (name, drawn) in zip(axes[1:], own.items()):
            show(axis, image, words.get(name, name), interpolation=None)
            _add_boxes(axis, drawn, palette)
    seen = sorted({int(k) for own in boxes for _, labels, _ in own.values() for k in labels})
    lines = [(['#ffffff'], f'whole lines: {meaning}; dashed: false')]
    add_legend(rows[0][0].figure, lines, names={classes[k]: palette[k] for k in seen})
    return rows[0][0].figure


def _add_boxes(axis: Axes, drawn: Drawn, palette: Sequence[Sequence[int]]) -> None:
    """Boxes in the colours of their classes, with a white rim for dark images; false ones below."""
    parts = zip(*(part.tolist() for part in drawn))
    for (x0, y0, x1, y1), label, right in sorted(parts, key=lambda part: part[2]):
        axis.add_patch(
            Rectangle(
                (x0, y0),
                x1 - x0,
                y1 - y0,
                fill=False,
                edgecolor=np.divide(palette[label], 255),
                linewidth=1.4 if right else 0.8,
                linestyle='-' if right else (0, (3, 2)),
                path_effects=[
                    withStroke(linewidth=2.8 if right else 1.4, foreground='white'),
                    Normal(),
                ],
            )
        )
