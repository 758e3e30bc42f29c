"""A small picture of a pair, in milliseconds: its frames, what the flow fetches, what is hidden."""

import cv2
import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from poodle_mm.visualization.images import fetched, tinted, to_images

_BOXES = ((255, 77, 77), (255, 198, 26), (89, 217, 39), (46, 199, 255))


def pair_tiles(views: dict[str, Tensor], index: int = 0, width: int = 384) -> NDArray:
    """Draw a pair without text: t and t+Δ with their subcrops' boxes above; below, what the flow
    fetches for t from t+Δ, pale where nothing is visible, and t with its hidden pixels in red.

    A box of a subcrop pair without a valid centre is thin.

    Args:
        views: Result of ``FramePairPreprocessor``.
        index: Number of the pair in the batch.
        width: Pixels of a frame in the picture.

    Returns:
        uint8 RGB (h, w, 3).
    """
    names = 'frames', 'flow', 'visible'
    frames, flow, visible = (views[name][:, index].detach().cpu() for name in names)
    shown = [*to_images(frames), fetched(frames, flow, visible)[0], tinted(frames, ~visible)[0]]
    height = max(1, round(width * frames.shape[-2] / frames.shape[-1]))
    tiles = [cv2.resize(x, (width, height), interpolation=cv2.INTER_AREA) for x in shown]
    if 'boxes' in views:
        boxes, sides, fallback = (
            views[name].detach().cpu() for name in ('boxes', 'box_frames', 'fallback')
        )
        _draw_boxes(tiles, boxes[:, 0, index], sides[:, 0, index], fallback[0, index],
                    width / frames.shape[-1])  # fmt: skip
    rows = [np.concatenate(tiles[n : n + 2], axis=1) for n in (0, 2)]
    return np.concatenate(rows, axis=0)


def _draw_boxes(
    tiles: list[NDArray], boxes: Tensor, sides: Tensor, fallback: Tensor, scale: float
) -> None:
    """Draw (2, K, 4) boxes into the tiles of the frames that (2, K) names."""
    for k, alone in enumerate(fallback.tolist()):
        for box, side in zip(boxes[:, k].tolist(), sides[:, k].tolist()):
            left, top, right, bottom = (round(edge * scale) for edge in box)
            colour, thickness = _BOXES[k % len(_BOXES)], 1 if alone else 2
            cv2.rectangle(tiles[side], (left, top), (right, bottom), colour, thickness)
