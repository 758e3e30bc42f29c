"""Figure 6: what crops show, from a whole scene to a single thing, by their area."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from poodle_mm.datasets.transforms.crop import Box, crop_resize, place_box
from poodle_mm.experiments.figures.frames import read_frames
from poodle_mm.experiments.figures.output import write_analysis
from poodle_mm.visualization.crops_figure import draw_crops_by_area

AREAS = (0.05, 0.16, 0.25, 0.45, 0.75, 1.0)
"""Bounds of the paper's ranges: 0.16–0.45 of its recipe on BDD100K, the others of §4.4."""


def crops_by_area(
    sources: Sequence[str | Path],
    out: str | Path,
    areas: Sequence[float] = AREAS,
    size: tuple[int, int] = (512, 1024),
    centre: tuple[float, float] = (0.5, 0.5),
    numbers: Sequence[int] = (0,),
    seed: int | None = None,
    dpi: int = 150,
) -> tuple[list[Path], str]:
    """Cut crops of given areas, draw them beside their frames, and write the figure.

    Args:
        sources, numbers: Arguments of :func:`~poodle_mm.experiments.figures.frames.read_frames`.
        out: Files without their ending.
        areas: Shares of the frame's area.
        size: (H, W) of the network's input.
        centre: Where the crops lie, shares of the frame's width and height; they stay inside.
        seed: Put them at random places in place of ``centre``, as training does.
        dpi: Pixels per inch.

    Returns:
        The files and the text.

    Raises:
        FileNotFoundError: If a source is missing.
        ValueError: If an area is not a share, or a source is no image or video.
    """
    if wrong := [area for area in areas if not 0 < area <= 1]:
        raise ValueError(f'--areas are shares of the frame, above 0 up to 1, got {wrong[0]}')
    frames = read_frames(sources, numbers)
    rng = None if seed is None else np.random.default_rng(seed)
    boxes, crops, rows = [], [], []
    for name, frame in frames.items():
        shape = frame.shape[:2]
        if rng is None:
            own = [box_at(shape, area, centre) for area in areas]
        else:
            own = [place_box(rng, shape, area)[0] for area in areas]
        boxes.append(own)
        crops.append([crop_resize(frame, box, size) for box in own])
        for area, (x0, y0, x1, y1) in zip(areas, own):
            pixels = (x1 - x0) * (y1 - y0)
            rows.append(
                dict(
                    frame=name, area=area, x0=x0, y0=y0, x1=x1, y1=y1,
                    share=pixels / (shape[0] * shape[1]), density=pixels / (size[0] * size[1]),
                )
            )  # fmt: skip
    where = 'around one point' if seed is None else f'at random places (seed {seed})'
    meaning = (
        f"crops of the frame's own aspect {where}, resized to the {size[1]}×{size[0]} of the "
        'network; above them their share of the frame, and source pixels per network pixel'
    )
    figure = draw_crops_by_area([*frames.values()], [*frames], boxes, crops, meaning)
    densities = [np.mean([row['density'] for row in rows if row['area'] == a]) for a in areas]
    found = ', '.join(f'{d:.2f} at {area:.0%}' for area, d in zip(areas, densities))
    text = (
        f'Source pixels per network pixel of {size[1]}×{size[0]} (below 1: enlarged; mean of '
        f'{len(frames)} frames) by the share of the frame: {found}.'
    )
    return write_analysis(out, figure, rows, text, dpi), text


def box_at(shape: tuple[int, int], share: float, centre: tuple[float, float]) -> Box:
    """A box of the frame's aspect about a point, shifted inside.

    Args:
        shape: (H0, W0) of the frame.
        share: Share of its area.
        centre: Shares of its width and height.
    """
    sides = [min(max(round(side * share**0.5), 1), side) for side in shape]
    starts = [
        min(max(round(place * side - part / 2), 0), side - part)
        for place, side, part in zip(centre[::-1], shape, sides)
    ]
    return starts[1], starts[0], starts[1] + sides[1], starts[0] + sides[0]
