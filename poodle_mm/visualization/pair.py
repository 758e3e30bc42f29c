"""Pictures of a pair as the network gets it; no files, no pyplot state."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import ConnectionPatch, Rectangle
from torch import Tensor

from poodle_mm.catalog import IMAGENET_MEAN
from poodle_mm.geometry.consistency import warp_image
from poodle_mm.geometry.flow_errors import grey_level_error
from poodle_mm.visualization.images import (
    FLOW_MEANING,
    HIDDEN,
    SUBCROP_COLOURS,
    WARP_ERROR_MEANING,
    WARP_ERROR_SCALE,
    denormalised,
    fetched,
    flow_colours,
    flow_hues,
    grey_levels,
    tinted,
    to_images,
    warp_error_colours,
)
from poodle_mm.visualization.legend import Line, add_legend, components_line
from poodle_mm.visualization.panels import show, stacked
from poodle_mm.visualization.pca import feature_pca

_NAMES = ('t', 't+Δ')


def draw_pair(
    views: dict[str, Tensor],
    index: int = 0,
    features: dict[str, Tensor] | None = None,
    network: str = 'the network',
) -> Figure:
    """Draw one pair of a batch; frame t fills the left half, frame t+Δ the right half.

    From top to bottom: the crops with the boxes of the subcrops whose online frame is t, the two of
    pair in one colour and joined by a line (dashed: no valid centre was found); the subcrops; the
    flow to the other frame; the other frame fetched by this flow, which looks like this frame where
    the flow is right, and by how much it does not; the pixels without a visible counterpart; the
    dense view; features as colours; a legend.

    Args:
        views: Result of ``FramePairPreprocessor`` (see ``docs/architecture.md``).
        index: Number of the pair in the batch.
        features: Name to float (2, B, C, h, w) maps of the dense views.
        network: Which network has made the features, in words.
    """
    views = {name: value.detach().cpu() for name, value in views.items()}
    frames, flow, visible = (views[name][:, index] for name in ('frames', 'flow', 'visible'))
    size = frames.shape[-2:]
    speed = flow.norm(dim=1).flatten(1).quantile(0.99, dim=1)
    hidden = 1 - visible.float().mean(dim=(1, 2))
    flow_titles = [f'flow to {_NAMES[1 - i]}, up to {speed[i]:.0f} pixels' for i in (0, 1)]
    hidden_titles = [f'{share:.0%} without a visible counterpart' for share in hidden.tolist()]
    error = grey_level_error(frames, warp_image(frames.flip(0), flow)[0])
    error_titles = [f'error {grey_levels(*x)}' for x in zip(error, visible)]
    columns = [
        (flow_titles, flow_colours(flow, speed.max())),
        ([f'{_NAMES[1 - i]} fetched by this flow' for i in (0, 1)], fetched(frames, flow, visible)),
        (error_titles, warp_error_colours(error, visible)),
        (hidden_titles, tinted(frames, ~visible)),
    ]
    inputs = [(['dense view'] * 2, denormalised(views['dense'][:, index]))]
    for name, maps in (features or {}).items():
        inputs.append(([f'{name} features'] * 2, feature_pca(maps[:, index])))

    aspect = size[0] / size[1]
    rows = [(2, aspect)]
    if 'subcrops' in views:
        subcrops = views['subcrops'][:, 0, index]
        num = subcrops.shape[1]
        rows.append((2 * num, subcrops.shape[-2] / subcrops.shape[-1]))
    rows += [(4, aspect), (4, aspect), (2 * max(len(inputs), 2), aspect)]
    top, *rest = stacked(rows, halves=True)

    for i, image in enumerate(to_images(frames)):
        show(top[i], image, f'frame {_NAMES[i]}')
    if 'subcrops' in views:
        boxes, online = (views[name][:, 0, index] for name in ('boxes', 'box_frames'))
        _join_boxes(top, boxes, online, views['fallback'][0, index])
        small = zip(rest.pop(0), denormalised(subcrops.flatten(0, 1)), strict=True)
        for k, (axis, image) in enumerate(small):
            role = ('online', 'target')[k // num]
            show(axis, image, '' if k % num else f'subcrops for the {role} network')
            axis.spines[:].set(visible=True, color=_colour(k % num), linewidth=3)
    # each column has one panel on the left for t and one on the right for t+Δ
    for row, shown in zip(rest, (columns[:2], columns[2:], inputs)):
        half = len(row) // 2
        for axis in row:
            axis.set_axis_off()
        for slot, (titles, images) in enumerate(shown):
            for axis, image, title in zip((row[slot], row[slot + half]), images, titles):
                show(axis, image, title, size)
    for i in (0, 1):
        _draw_arrows(rest[0][2 * i], flow[i])
    lines = _meanings(num if 'subcrops' in views else 0, network if features else '')
    add_legend(top[0].figure, lines, fastest=speed.max().item())
    return top[0].figure


def _meanings(subcrops: int, network: str) -> list[Line]:
    """Lines of the legend.

    Args:
        subcrops: Number of pairs of subcrops.
        network: Which network has made the features; empty without features.
    """
    lines = [
        (flow_hues(), f'{FLOW_MEANING}; arrows: true length'),
        (('#e9e9e9',), 'fetched by this flow: pale where nothing visible is found'),
        (WARP_ERROR_SCALE, f'error of the fetched frame: {WARP_ERROR_MEANING}'),
        (
            (HIDDEN,),
            'no visible counterpart in the other frame, occluded or outside of it: takes no part '
            'in the dense loss',
        ),
        (
            (IMAGENET_MEAN,),
            'dense view: the augmented frame as the networks get it; this grey is beyond the crop',
        ),
    ]
    if subcrops:
        lines.append(
            (
                [_colour(k) for k in range(subcrops)],
                'a colour is a pair of subcrops around one moving point; dashed: no valid centre '
                'was found, both are from one frame',
            )
        )
    if network:
        lines.append(components_line(f'both dense views as red, green, blue; {network}'))
    return lines


def _join_boxes(axes: list[Axes], boxes: Tensor, frames: Tensor, fallback: Tensor) -> None:
    """Draw (2, K, 4) boxes on their frames and a line between the centres of each pair."""
    for k in range(boxes.shape[1]):
        style = dict(color=_colour(k), linestyle='--' if fallback[k] else '-')
        centres = []
        both = [axes[frame] for frame in frames[:, k].tolist()]
        for axis, (x0, y0, x1, y1) in zip(both, boxes[:, k].tolist(), strict=True):
            # A dark rim keeps bright boxes readable on a bright sky.
            for line in (dict(color='black', linewidth=3.5, alpha=0.5), style | dict(linewidth=2)):
                axis.add_patch(Rectangle((x0, y0), x1 - x0, y1 - y0, fill=False, **line))
            centres.append(((x0 + x1) / 2, (y0 + y1) / 2))
            axis.plot(*centres[-1], 'o', color=style['color'], markersize=6, mec='black')
        ends = dict(xyA=centres[0], xyB=centres[1], axesA=both[0], axesB=both[1])
        axes[1].add_artist(ConnectionPatch(coordsA='data', **ends, linewidth=1.2, **style))


def _draw_arrows(axis: Axes, flow: Tensor, across: int = 16) -> None:
    """Draw a (2, H, W) flow as arrows in true length, about ``across`` of them side by side."""
    step = max(1, flow.shape[-1] // across)
    start = step // 2
    du, dv = flow[:, start::step, start::step].numpy()
    v, u = np.mgrid[start : flow.shape[-2] : step, start : flow.shape[-1] : step]
    true_length = dict(angles='xy', scale_units='xy', scale=1)
    axis.quiver(u + 0.5, v + 0.5, du, dv, **true_length, width=0.004, alpha=0.6)


def _colour(k: int) -> str:
    return SUBCROP_COLOURS[k % len(SUBCROP_COLOURS)]
