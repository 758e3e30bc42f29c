"""Figure 10's toy simulation: subcrops that show a disc, exact over all their places."""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from poodle_mm.experiments.figures.output import write_analysis
from poodle_mm.geometry.subcrop_hits import box_size, centred_disc, hit_share

SIZE = (256, 512)
AREAS = (0.02, 0.04, 0.06, 0.08)
THRESHOLDS = (0.05, 0.1)
"""Least share of a subcrop that is object: the paper's, and its project page's."""
_SOURCE = {0.05: ' (paper)', 0.1: ' (project page)'}
_NAMED = (1, 4, 15, 40)  # percent of the frame that the line of text tells of


def hits_by_share(
    shares: Sequence[float],
    areas: Sequence[float] = AREAS,
    thresholds: Sequence[float] = THRESHOLDS,
    aspect: float = 1.0,
    size: tuple[int, int] = SIZE,
) -> tuple[Tensor, Tensor]:
    """Probability that a subcrop hits a centred disc, averaged over the areas of the subcrops.

    Args:
        shares: Shares of the frame that the disc covers, in (0, 1]; N.
        areas: Subcrops' shares of the frame.
        thresholds: Least shares of a subcrop that are object; T.
        aspect: Width over height of the subcrops.
        size: (H, W) of the frame in pixels.

    Returns:
        (N) shares of the discs' pixels, and (N, T) probabilities, float64.

    Raises:
        ValueError: For shares outside of the range, or subcrops that do not fit.
    """
    boxes = [box_size(size, area, aspect) for area in areas]
    pixels, hits = [], []
    for share in shares:
        disc = centred_disc(size, share)
        pixels.append(disc.double().mean())
        hits.append(torch.stack([hit_share(disc, box, thresholds) for box in boxes]).mean(dim=0))
    return torch.stack(pixels), torch.stack(hits)


def write_toy_subcrops(
    out: str | Path,
    areas: Sequence[float] = AREAS,
    thresholds: Sequence[float] = THRESHOLDS,
    aspect: float = 1.0,
    size: tuple[int, int] = SIZE,
    steps: int = 100,
) -> tuple[str, list[Path]]:
    """Simulate discs of 1/steps to all of the frame, and write figure, numbers and text.

    Args:
        out: Path of the files without an ending.
        areas, thresholds, aspect, size: See :func:`hits_by_share`.
        steps: Number of discs.

    Returns:
        The line of text, and the files.

    Raises:
        ValueError: As :func:`hits_by_share`, or for thresholds outside of (0, 1].
    """
    from poodle_mm.visualization.hit_curves import draw_hits  # matplotlib takes a second

    if not all(0 < each <= 1 for each in thresholds):
        raise ValueError(f'thresholds are shares of a subcrop in (0, 1], got {[*thresholds]}')
    pixels, hits = hits_by_share(
        [(i + 1) / steps for i in range(steps)], areas, thresholds, aspect, size
    )
    names = {each: f'≥ {each:.0%} of the subcrop{_SOURCE.get(each, "")}' for each in thresholds}
    rows = [
        {'pixels_percent': round(100 * share, 3)}
        | {f'hit_{each:g}_percent': round(100 * p, 3) for each, p in zip(thresholds, row)}
        for share, row in zip(pixels.tolist(), hits.tolist())
    ]
    kind = 'square' if aspect == 1 else f'aspect {aspect:g}'
    figure = draw_hits(
        (100 * pixels).tolist(),
        {names[each]: (100 * hits[:, i]).tolist() for i, each in enumerate(thresholds)},
        _example(areas, thresholds[0], aspect, size),
        (
            f'disc of 9 % of {size[0]} × {size[1]} pixels; hit: {thresholds[0]:.0%} of a subcrop',
            f'{kind} subcrops of {", ".join(f"{100 * a:g}" for a in areas)} % of the frame',
        ),
    )
    near = [int((pixels - share / 100).abs().argmin()) for share in _NAMED]
    told = '; '.join(
        f'{100 * pixels[i]:.1f} % of the frame: '
        + ', '.join(f'{100 * p:.1f} %' for p in hits[i].tolist())
        for i in near
    )
    text = (
        f'Probability that a subcrop hits a centred disc ({kind} subcrops of '
        f'{", ".join(f"{a:g}" for a in areas)} of a {size[0]} x {size[1]} frame, all places, '
        f'thresholds {", ".join(f"{t:.0%}" for t in thresholds)}): {told}.'
    )
    return text, write_analysis(out, figure, rows, text)


def _example(
    areas: Sequence[float], threshold: float, aspect: float, size: tuple[int, int]
) -> tuple:
    """Disc of 9 %, subcrops about its rim, and which of them hit."""
    disc = centred_disc(size, 0.09)
    boxes, hit = [], []
    places = ((0.04, 0.1), (0.3, 0.62), (0.52, 0.3), (0.66, 0.05), (0.14, 0.5), (0.92, 0.75))
    for number, (x, y) in enumerate(places):
        height, width = box_size(size, areas[number % len(areas)], aspect)
        x0, y0 = round(x * (size[1] - width)), round(y * (size[0] - height))
        boxes.append([x0, y0, x0 + width, y0 + height])
        inside = disc[y0 : y0 + height, x0 : x0 + width]
        hit.append(inside.double().mean() >= threshold)
    return disc.numpy(), torch.tensor(boxes).numpy(), torch.tensor(hit).numpy()
