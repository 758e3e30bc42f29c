"""Figure 8: how far frames have moved apart after Δ, and how much of one the other still shows."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from poodle_mm.datasets.transforms.crop import crop_resize
from poodle_mm.evaluation.flow.methods import estimator_config
from poodle_mm.experiments.figures.frames import read_frames
from poodle_mm.experiments.figures.output import write_analysis
from poodle_mm.geometry.occlusion import visible_mask
from poodle_mm.registry import MODELS, register_all_modules
from poodle_mm.visualization.contact_sheet import Cell, SheetRow, draw_sheet
from poodle_mm.visualization.images import HIDDEN, tinted, to_images

DELTAS = (0, 8, 15, 30, 45)


def overlaid_frames(
    videos: Sequence[str | Path],
    out: str | Path,
    deltas: Sequence[int] = DELTAS,
    starts: Sequence[int] = (0,),
    size: tuple[int, int] = (256, 512),
    flow: str = 'dis-medium',
    dpi: int = 150,
) -> tuple[list[Path], str]:
    """Overlay frames t and t + Δ of videos and measure what of t is seen in t + Δ.

    Args:
        videos: Video files; each has a row for each start.
        out: Files without their ending.
        deltas: Distances in frames.
        starts: Numbers of the frames t.
        size: (H, W) to which the frames are resized.
        flow: Spec of the estimator, see
            :class:`~poodle_mm.evaluation.flow.methods.Method`.
        dpi: Pixels per inch.

    Returns:
        The files and the text.

    Raises:
        FileNotFoundError: If a video is missing.
        ValueError: If it is too short, a distance is negative, or the estimator is unknown.
    """
    if min(deltas) < 0:
        raise ValueError(f'--deltas are numbers of frames from 0 on, got {min(deltas)}')
    config = estimator_config(flow)
    register_all_modules()
    estimator = MODELS.build(config)
    sheet, rows = [], []
    for video in videos:
        for start in starts:
            frames = _read(video, [start + delta for delta in deltas], size)
            first = _read(video, [start], size)
            shares, blends, hidden = [], [], []
            for frame in frames:
                there, back = estimator(first, frame[None])
                seen = visible_mask(there, back)
                shares.append(float(seen.float().mean()))
                blends.append(to_images(overlay(first, frame[None]))[0])
                hidden.append(tinted(first, ~seen)[0])
            name = f'{Path(video).name}, t = {start}'
            cells = [
                Cell(image, f'Δ = {delta}') for delta, image in zip(deltas, blends, strict=True)
            ]
            sheet.append(SheetRow(cells, f'{name}: t and t+Δ, half each'))
            cells = [
                Cell(image, f'Δ = {delta}: {share:.0%} seen in t+Δ')
                for delta, share, image in zip(deltas, shares, hidden, strict=True)
            ]
            sheet.append(SheetRow(cells, f'{name}: what of t has a counterpart'))
            rows += [
                dict(video=Path(video).name, start=start, delta=delta, share=share)
                for delta, share in zip(deltas, shares)
            ]
    lines = [
        ((HIDDEN,), 'no visible counterpart in t+Δ: out of the frame, or by the forward–backward '
         f'check of the flow ({flow}) at {size[1]}×{size[0]}'),
    ]  # fmt: skip
    text = shares_text(rows, flow)
    return write_analysis(out, draw_sheet(sheet, lines, least=4), rows, text, dpi), text


def overlay(a: Tensor, b: Tensor) -> Tensor:
    """Images (N, 3, H, W) in [0, 1], half each."""
    return (a + b) / 2


def shares_text(rows: Sequence[dict], flow: str) -> str:
    """Mean share of each distance in a line.

    Args:
        rows: Each with ``delta`` and ``share``.
        flow: Name of the estimator.
    """
    deltas = sorted({row['delta'] for row in rows})
    means = [np.mean([row['share'] for row in rows if row['delta'] == d]) for d in deltas]
    found = ', '.join(f'{mean:.0%} at Δ = {delta}' for delta, mean in zip(deltas, means))
    count = len(rows) // len(deltas)
    return f'Pixels of t with a counterpart in t+Δ (flow: {flow}; mean of {count}): {found}.'


def _read(video: str | Path, numbers: Sequence[int], size: tuple[int, int]) -> Tensor:
    """Frames (N, 3, H, W) in [0, 1] in the order of their numbers, a number also twice."""
    found = dict(zip(sorted({*numbers}), read_frames([video], numbers).values()))
    images = []
    for number in numbers:
        frame = found[number]
        images.append(crop_resize(frame, (0, 0, frame.shape[1], frame.shape[0]), size))
    return torch.from_numpy(np.stack(images)).movedim(-1, 1) / 255
