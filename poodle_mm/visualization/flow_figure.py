"""Flow of one or several estimators side by side; no files, no pyplot state."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from poodle_mm.geometry.consistency import warp_image
from poodle_mm.geometry.flow_errors import endpoint_error, grey_level_error, is_outlier
from poodle_mm.visualization.images import (
    ENDPOINT_SCALE,
    FLOW_MEANING,
    HIDDEN,
    UNKNOWN,
    WARP_ERROR_MEANING,
    WARP_ERROR_SCALE,
    endpoint_colours,
    flow_colours,
    flow_hues,
    grey_levels,
    paled,
    tinted,
    to_images,
    warp_error_colours,
)
from poodle_mm.visualization.legend import Line, add_legend
from poodle_mm.visualization.panels import show, stacked


@dataclass(frozen=True)
class FlowView:
    """A row of :func:`draw_flows`.

    Attributes:
        name: What the flow is, in few words.
        frames: (2, 3, H, W) in [0, 1]: the frame that the flow belongs to, and the other one.
        flow: (2, H, W) from the first to the second, pixels; what is not finite is unknown.
        visible: (H, W) bool or in [0, 1]: seen in the other frame.
        truth: (2, H, W) true flow, pixels; None: unknown.
        known: (H, W) bool: where it is; None: where it is finite.
        names: Names of the two frames.
    """

    name: str
    frames: Tensor
    flow: Tensor
    visible: Tensor
    truth: Tensor | None = None
    known: Tensor | None = None
    names: tuple[str, str] = ('t', 't+Δ')

    def cpu(self) -> 'FlowView':
        """The same in the CPU's memory, as float32, with ``known`` where there is ``truth``."""
        truth, known = self.truth, self.known
        if truth is not None:
            truth = truth.detach().cpu().float()
            finite = truth.isfinite().all(0)
            known = finite if known is None else finite & known.cpu()
            truth = torch.where(known, truth, 0)
        parts = (x.detach().cpu().float() for x in (self.frames, self.flow, self.visible))
        return FlowView(self.name, *parts, truth, known, self.names)


def draw_flows(
    views: Sequence[FlowView], more: Mapping[str, Tensor] | None = None, visible: str = ''
) -> Figure:
    """Draw flows of a pair, a row each, in colours of one scale.

    On top the two frames of the first row, and how they differ where nothing is moved. Each row:
    the flow; the other frame warped by it; the error of this; the endpoint error, if truth is known
    in any row; the pixels without a visible counterpart.

    Args:
        views: The rows.
        more: Title to further images (3, H, W) in [0, 1] for the top, which has place for one, or
            two where truth is known.
        visible: How it is known what is visible, for the legend.
    """
    views = [view.cpu() for view in views]
    first = views[0]
    exact = any(view.truth is not None for view in views)
    fastest = _speed(views)
    across, size = 4 + exact, first.frames.shape[-2:]
    top, *rows = stacked([(across, size[0] / size[1])] * (1 + len(views)))

    still = grey_level_error(*first.frames[:, None])
    panels = {f'frame {name}': x for name, x in zip(first.names, to_images(first.frames))}
    everywhere = torch.ones_like(still)
    title = f'difference {grey_levels(still[0], everywhere[0])}'
    panels[title] = warp_error_colours(still, everywhere)[0]
    for name, image in (more or {}).items():
        panels[name] = to_images(image.detach().cpu()[None])[0]
    for axis in top:
        axis.set_axis_off()
    for axis, (title, image) in zip(top, panels.items(), strict=False):
        show(axis, image, title, interpolation=None)
    for row, view in zip(rows, views):
        _draw_row(row, view, fastest, exact)
    add_legend(top[0].figure, _meanings(exact, visible), fastest=fastest.item())
    return top[0].figure


def _draw_row(row: list, view: FlowView, fastest: Tensor, exact: bool) -> None:
    """Fill the panels of a flow from left to right, with its figures in the titles."""
    finite = view.flow.isfinite().all(0)
    flow = torch.where(finite, view.flow, 0)[None]
    visible = (view.visible * finite)[None]
    colours = flow_colours(flow, fastest)[0]
    colours[~finite.numpy()] = [round(255 * x) for x in UNKNOWN]
    warped, _ = warp_image(view.frames[1:], flow)
    error = grey_level_error(view.frames[:1], warped)
    here, there = view.names
    panels = [
        (view.name, colours),
        (f'{there} warped to {here}', paled(warped, visible)[0]),
        (f'warp error {grey_levels(error[0], visible[0])}', warp_error_colours(error, visible)[0]),
    ]
    if view.truth is not None:
        endpoint, known = endpoint_error(flow, view.truth[None]), view.known[None] & finite
        outliers = is_outlier(endpoint, view.truth[None])[known].float().mean()
        title = f'EPE {endpoint[known].mean():.2f} px, Fl {outliers:.1%}'
        panels.append((title, endpoint_colours(endpoint, known)[0]))
    elif exact:
        panels.append(None)
    share = visible.mean()
    panels.append((f'{share:.1%} valid', tinted(view.frames[:1], 1 - visible)[0]))
    for k, (axis, panel) in enumerate(zip(row, panels, strict=True)):
        if panel is None:
            axis.set_axis_off()
            continue
        title, image = panel
        show(axis, image, title, interpolation=None)
        if k == 0:
            axis.set_title(title, loc='left', fontsize=10, pad=3, fontweight='bold')
            axis.spines[:].set(visible=True, color='#cccccc', linewidth=0.5)  # motionless is white


def _speed(views: Sequence[FlowView]) -> Tensor:
    """Motion of full colour: nearly the fastest truth that stays in the frame, or visible flow.

    Where next to nothing is visible, as before a network has learned, all flow counts.
    """
    exact = [view for view in views if view.truth is not None]
    if exact:
        speeds = [
            view.truth.norm(dim=0)[view.known & warp_image(view.frames[1:], view.truth[None])[1][0]]
            for view in exact
        ]
    else:
        trusted = [view for view in views if view.visible.mean() > 0.05]
        speeds = [
            view.flow.norm(dim=0)[(view.visible > 0.5) | (not trusted)] for view in trusted or views
        ]
    speeds = [speed[speed.isfinite()] for speed in speeds]
    # NumPy's, because torch's takes no more than 16 million values: two photographs are larger
    return torch.tensor(max((np.quantile(x.numpy(), 0.99) for x in speeds if len(x)), default=0.0))


def _meanings(exact: bool, visible: str) -> list[Line]:
    """Lines of the legend."""
    lines = [
        (flow_hues(), f'{FLOW_MEANING}; one scale for all rows'),
        (('#e9e9e9',), 'warped: the other frame, fetched by the flow; pale where hidden'),
        (WARP_ERROR_SCALE, f'difference, warp error: {WARP_ERROR_MEANING}'),
    ]
    if exact:
        lines.append(
            (
                ENDPOINT_SCALE,
                'endpoint error: below 0.19, 0.38, 0.75, 1.5, 3 pixels (blue), below 6, 12, 24, '
                '48, and above (yellow to red); grey: truth unknown',
            )
        )
    how = f' ({visible})' if visible else ''
    lines.append(((HIDDEN,), f'no visible counterpart: covered, or out of the frame{how}'))
    return lines
