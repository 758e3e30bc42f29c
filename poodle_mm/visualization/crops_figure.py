"""A frame and crops of it, by how much of the frame they cover."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from poodle_mm.visualization.contact_sheet import Cell, SheetRow, draw_sheet, side_by_side

Box = tuple[int, int, int, int]


def draw_crops_by_area(
    frames: Sequence[np.ndarray],
    names: Sequence[str],
    boxes: Sequence[Sequence[Box]],
    crops: Sequence[Sequence[np.ndarray]],
    meaning: str,
) -> Figure:
    """Draw frames with the boxes of their crops, and the crops beside them, a row a frame.

    Args:
        frames: uint8 (H0, W0, 3) each.
        names: Names of the frames.
        boxes: Edges of each frame's crops, as many for each.
        crops: The crops at the size of the network, uint8 (H, W, 3).
        meaning: What the crops are, for the legend.
    """
    rows = []
    for frame, name, own, images in zip(frames, names, boxes, crops, strict=True):
        cells = [Cell(frame, f'frame, {frame.shape[1]}×{frame.shape[0]}', own)]
        pixels = frame.shape[0] * frame.shape[1]
        for number, ((x0, y0, x1, y1), image) in enumerate(zip(own, images, strict=True)):
            area = (x1 - x0) * (y1 - y0)
            density = area / (image.shape[0] * image.shape[1])
            title = f'{area / pixels:.0%}, {density:.2f} pixels per pixel'
            rimmed = side_by_side(image[None], 1, colours=True, first=number)
            cells.append(Cell(rimmed, title))
        rows.append(SheetRow(cells, name))
    return draw_sheet(rows, [(('#ffffff',), meaning)])
