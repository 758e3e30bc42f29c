"""Where subcrops are drawn: frames, weights of the places, boxes of each sampler."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

from poodle_mm.visualization.images import SUBCROP_COLOURS, flow_colours, to_images
from poodle_mm.visualization.panels import show, stacked

_MAP = colormaps['inferno']


def draw_priors(
    frames: Tensor,
    flow: Tensor,
    weights: Mapping[str, Tensor | None],
    boxes: Mapping[str, Tensor],
) -> Figure:
    """Draw a row a pair: the online frame, its flow, and for each sampler its weights and boxes.

    Args:
        frames: (P, 3, H, W) online frames in [0, 1].
        flow: (P, 2, H, W) pixels to the other frame.
        weights: Sampler to (P, h, w) weights in [0, 1]; None: all places alike.
        boxes: Sampler to (P, K, 4) edges of the online boxes.
    """
    height, width = frames.shape[-2:]
    rows = stacked([(2 + len(boxes), height / width)] * len(frames))
    for p, (axes, image) in enumerate(zip(rows, to_images(frames))):
        fastest = flow[p].norm(dim=0).quantile(0.99)
        show(axes[0], image, 'online frame')
        show(
            axes[1], flow_colours(flow[p : p + 1], fastest)[0], f'flow, up to {fastest:.0f} pixels'
        )
        for axis, (name, own) in zip(axes[2:], boxes.items()):
            picture = image / 255
            if weights[name] is not None:
                shades = _MAP(weights[name][p].numpy())[..., :3]
                shades = _enlarged(shades, (height, width))
                picture = 0.45 * picture + 0.55 * shades
            show(axis, picture, name, (height, width))
            _add_boxes(axis, own[p].tolist())
    return rows[0][0].figure


def _enlarged(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Nearest bin of each pixel."""
    rows, columns = (np.arange(n) * m // n for n, m in zip(size, image.shape[:2]))
    return image[np.ix_(rows, columns)]


def _add_boxes(axis: Axes, boxes: Sequence[Sequence[float]]) -> None:
    for k, (x0, y0, x1, y1) in enumerate(boxes):
        colour = SUBCROP_COLOURS[k % len(SUBCROP_COLOURS)]
        for style in (
            dict(color='black', linewidth=3, alpha=0.5),
            dict(color=colour, linewidth=1.5),
        ):
            axis.add_patch(Rectangle((x0, y0), x1 - x0, y1 - y0, fill=False, **style))
