"""Panels of a contact sheet from what a network gets of a pair, a clip or an image."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from poodle_mm.catalog import IMAGENET_MEAN
from poodle_mm.geometry.consistency import warp_image
from poodle_mm.geometry.flow_errors import grey_level_error
from poodle_mm.visualization.contact_sheet import Cell, side_by_side
from poodle_mm.visualization.images import (
    FLOW_MEANING,
    HIDDEN,
    SUBCROP_COLOURS,
    WARP_ERROR_MEANING,
    WARP_ERROR_SCALE,
    denormalised,
    flow_colours,
    flow_hues,
    grey_levels,
    tinted,
    to_images,
    warp_error_colours,
)
from poodle_mm.visualization.legend import Line

_LOCALS = 8  # local views shown of a clip or an image
_CROPS = 10  # crops drawn on it


def pair_cells(views: Mapping[str, Tensor], fastest: float) -> list[Cell]:
    """Panels of a pair: frames with boxes, flow, error after the warp, occlusion, view, subcrops.

    Args:
        views: Views of ``FramePairPreprocessor`` without the dimension of the batch; those of a
            training of flow have ``augmented`` for ``dense``, and may lack flow.
        fastest: Length of flow with full colour, pixels.
    """
    frames = views['frames']
    cells = []
    for frame, (name, image) in enumerate(zip(('t', 't+Δ'), to_images(frames))):
        boxes, dashed, colours = [], [], []
        if 'boxes' in views:
            # both roles of the direction in which t is online; of a fallback both are here
            for _, number in (views['box_frames'][:, 0] == frame).nonzero().tolist():
                colours.append(number)
                dashed.append(bool(views['fallback'][0, number]))
            own = views['box_frames'][:, 0] == frame
            boxes = [tuple(box) for box in views['boxes'][:, 0][own].tolist()]
        cells.append(Cell(image, f'frame {name}', boxes, dashed, colours))
    if 'flow' in views:
        cells += _flow_cells(frames, views['flow'], views['visible'], fastest)
    else:
        error = grey_level_error(*frames[:, None])
        everywhere = torch.ones_like(error)
        title = f'differ by {grey_levels(error[0], everywhere[0])}'
        cells.append(Cell(warp_error_colours(error, everywhere)[0], title))
    if 'augmented' in views:
        cells.append(Cell(to_images(views['augmented'])[0], 'frame t as the network sees it'))
    else:
        cells.append(Cell(denormalised(views['dense'])[0], 'dense view of t'))
    if 'subcrops' in views:
        both = views['subcrops'][:, 0]
        images = denormalised(both.flatten(0, 1))
        cells.append(
            Cell(side_by_side(images, both.shape[1], colours=True), 'subcrops: t, below t+Δ')
        )
    return cells


def view_cells(
    frame: np.ndarray,
    crops: Sequence[tuple[tuple[int, int, int, int], tuple[int, int]]],
    views: Sequence[Tensor],
) -> list[Cell]:
    """Panels of an image or a clip: the frame with its crops, then the views.

    Args:
        frame: The first frame, uint8 (H0, W0, 3).
        crops: Edges of the crops in the frame and the size that each got, in the order of the
            views; a crop that several frames share is drawn once.
        views: (3, h, w) each, or (T, 3, h, w) of a clip, (T, L, 3, h, w) its local views;
            normalised.
    """
    boxes = list(dict.fromkeys(box for box, _ in crops))[:_CROPS]
    cells = [Cell(frame, 'frame t, crops', boxes)]
    large = max(view.shape[-1] for view in views)
    own = [view for view in views if view.shape[-1] == large]
    small = [view.flatten(0, -4) if view.dim() > 3 else view[None] for view in views[len(own) :]]
    for number, view in enumerate(own):
        if view.dim() == 3:
            cells.append(Cell(denormalised(view[None])[0], f'view {number + 1}'))
            continue
        for time, image in enumerate(denormalised(view)):
            cells.append(Cell(image, f'view {number + 1}, frame {time}'))
    if small:
        images = denormalised(torch.cat(small)[:_LOCALS])
        cells.append(Cell(side_by_side(images, -(-len(images) // 2)), 'local views'))
    return cells


def sheet_lines(cells: Mapping[str, bool]) -> list[Line]:
    """Lines of the legend.

    Args:
        cells: Whether there are ``flow``, ``subcrops``, ``dense`` and ``views``.
    """
    lines: list[Line] = []
    if cells.get('flow'):
        lines += [
            (flow_hues(), f'{FLOW_MEANING}; one scale for all rows'),
            (WARP_ERROR_SCALE, f'error after the warp: {WARP_ERROR_MEANING}'),
            ((HIDDEN,), 'no visible counterpart: takes no part in the dense loss'),
        ]
    elif not cells.get('views'):
        lines.append((WARP_ERROR_SCALE, f'difference: {WARP_ERROR_MEANING}'))
    if cells.get('subcrops'):
        text = 'a colour is a pair of subcrops around one moving point; dashed: fallback, no valid '
        lines.append((SUBCROP_COLOURS[:4], text + 'centre was found, both are from one frame'))
    if cells.get('dense'):
        lines.append(((IMAGENET_MEAN,), 'dense view: this grey is beyond the crop'))
    if cells.get('views'):
        lines.append(
            (SUBCROP_COLOURS[:4], f'the first {_CROPS} crops of the views, in their order')
        )
    return lines


def _flow_cells(frames: Tensor, flow: Tensor, visible: Tensor, fastest: float) -> list[Cell]:
    """Flow from t, the error after the warp, and what is hidden."""
    warped, _ = warp_image(frames[1:], flow[:1])
    error = grey_level_error(frames[:1], warped)
    median = flow[0].norm(dim=0).median()
    hidden = 1 - visible[0].float().mean()
    return [
        Cell(
            flow_colours(flow[:1], torch.tensor(fastest))[0], f'flow from t, median {median:.1f} px'
        ),
        Cell(
            warp_error_colours(error, visible[:1])[0],
            f'error {grey_levels(error[0], visible[0])}',
        ),
        Cell(tinted(frames[:1], ~visible[:1])[0], f'{hidden:.0%} hidden'),
    ]
