"""Curves of runs: thinned for a page, and drawn as plain SVG for readers without a script."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from poodle_mm.experiments.report.runs import Curve, LoggedRun

WIDTH, HEIGHT = 360, 190
LEFT, RIGHT, TOP, BOTTOM = 48, 10, 8, 22
COLOURS = 8
"""Colours of runs in the style sheet; more runs are dashed."""

_MOST_POINTS = 600  # of a curve on the page
_LARGEST = 1e30  # beyond it a value counts as no number
_SMOOTHED = 60  # values from which on a curve is drawn smoothed
_GROUPS = {
    'Losses': ('loss',),
    'Spread and rank of features (0: collapsed)': (
        'std_', 'rank_', 'token_', 'information', 'position', 'entropy',
    ),
    'Shares of pixels, subcrops, patches': (
        'valid_share', 'fallback_share', 'positive_share', 'mask', 'explained_variance',
        'object_overlap',
    ),
    'Optimisation': ('lr', 'momentum', 'grad'),
    'Time and memory': ('time', 'memory'),
}  # fmt: skip
_LOGARITHMIC = ('lr', 'grad_norm', '1 - momentum')


@dataclass(frozen=True)
class Chart:
    """A logged number of all runs.

    Attributes:
        name: Its name.
        group: Title of the charts among which it stands.
        series: A curve for each run, None where it logs no such number.
        logarithmic: Whether the vertical axis starts so.
        positive: Whether it may be so.
    """

    name: str
    group: str
    series: Sequence[Curve | None]
    logarithmic: bool
    positive: bool


def charts_of(runs: Sequence[LoggedRun]) -> list[Chart]:
    """A chart for each number that a run logs, in the order of the groups."""
    curves = [_shown(run.curves) for run in runs]
    groups = [*_GROUPS, 'Others']
    names = sorted(
        dict.fromkeys(name for of_run in curves for name in of_run),
        key=lambda name: groups.index(_group(name)),
    )
    charts = []
    for name in names:
        series = [_drawable(*of_run[name]) if name in of_run else None for of_run in curves]
        values = np.concatenate([curve[1] for curve in series if curve is not None])
        finite = values[np.isfinite(values)]
        positive = bool(len(finite)) and bool((finite > 0).any()) and not (finite < 0).any()
        log = positive and name in _LOGARITHMIC
        charts.append(Chart(name, _group(name), series, log, positive))
    return charts


def payload(runs: Sequence[LoggedRun], charts: Sequence[Chart]) -> dict:
    """What the page's script draws from: JSON in which null is a value that is no number."""
    return dict(
        runs=[run.label for run in runs],
        smooth=initial_smoothing(charts),
        box=[WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM],
        charts=[
            dict(
                name=chart.name,
                log=chart.logarithmic,
                series=[curve and _points(*curve) for curve in chart.series],
            )
            for chart in charts
        ],
    )


def thin(steps: np.ndarray, values: np.ndarray, most: int = _MOST_POINTS) -> Curve:
    """A curve of at most about ``most`` points that keeps its peaks and values that are no numbers.

    Args:
        steps, values: The curve.
        most: Number of points.
    """
    if len(steps) <= most:
        return steps, values
    kept = {0, len(steps) - 1}
    for part in np.array_split(np.arange(len(steps)), most // 3):
        finite = np.isfinite(values[part])
        if not finite.all():
            kept.add(int(part[~finite][0]))
        if finite.any():
            good = part[finite]
            kept |= {int(good[values[good].argmin()]), int(good[values[good].argmax()])}
    index = sorted(kept)
    return steps[index], values[index]


def smoothed(values: np.ndarray, weight: float) -> np.ndarray:
    """Exponential moving average with ``weight`` for the past, without the bias of its start."""
    if not weight:
        return values
    out, total, mass = np.full(len(values), np.nan), 0.0, 0.0
    for n, value in enumerate(values.tolist()):
        if math.isfinite(value):
            total, mass = weight * total + (1 - weight) * value, weight * mass + 1 - weight
            out[n] = total / mass
    return out


def initial_smoothing(charts: Sequence[Chart]) -> float:
    """Weight with which curves are drawn at first: 0 for short ones."""
    longest = max((len(c[0]) for chart in charts for c in chart.series if c is not None), default=0)
    return 0.0 if longest < _SMOOTHED else 0.8


def ticks(low: float, high: float, about: int = 4) -> list[float]:
    """Round numbers between two others: multiples of 1, 2 or 5 times a power of ten."""
    if not high > low:
        return [low]
    raw = (high - low) / about
    power = 10 ** math.floor(math.log10(raw))
    step = next(f * power for f in (1, 2, 5, 10) if f * power >= raw * 0.999)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [n * step for n in range(first, last + 1)]


def static_svg(chart: Chart, weight: float) -> str:
    """Content of the chart's ``<svg>``: axes and a line for each run; numbers alone, no text."""
    curves = [(n, c) for n, c in enumerate(chart.series) if c is not None and len(c[0])]
    values = np.concatenate([_usable(curve[1], chart.logarithmic) for _, curve in curves])
    if not len(values):
        return ''
    x0, x1 = (f([f(curve[0]) for _, curve in curves]) for f in (min, max))
    y0, y1 = _limits(values, chart.logarithmic)

    def at_x(x: float) -> float:
        return LEFT + (x - x0) / max(x1 - x0, 1) * (WIDTH - LEFT - RIGHT)

    def at_y(y: float) -> float:
        y = math.log10(y) if chart.logarithmic else y
        return HEIGHT - BOTTOM - (y - y0) / (y1 - y0) * (HEIGHT - TOP - BOTTOM)

    parts = []
    # decades; where there are hardly any, round numbers
    marks = range(math.ceil(y0), math.floor(y1) + 1) if chart.logarithmic else ()
    shown = [10.0**n for n in marks] if len(marks) > 1 else []
    for y in shown or _axis(y0, y1, chart.logarithmic):
        parts.append(
            f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{at_y(y):.1f}" '
            f'y2="{at_y(y):.1f}"/><text class="ty" x="{LEFT - 6}" y="{at_y(y) + 3.5:.1f}">{y:.3g}'
            '</text>'
        )
    for x in ticks(float(x0), float(x1), 5):
        parts.append(
            f'<text class="tx" x="{at_x(x):.1f}" y="{HEIGHT - 6}">{short(x)}</text>'
        )  # fmt: skip
    for number, (steps, raw) in curves:
        layers = [('line', smoothed(raw, weight))]
        layers = [('raw', raw), *layers] if weight else layers
        for kind, line in layers:
            if path := ''.join(_path(steps, line, at_x, at_y, chart.logarithmic)):
                parts.append(f'<path class="{kind} {run_class(number)}" d="{path}"/>')
        for x in steps[~np.isfinite(raw)][:50].tolist():
            parts.append(
                f'<text class="broken" x="{at_x(x):.1f}" y="{HEIGHT - BOTTOM - 3}">×</text>'
            )
    return ''.join(parts)


def run_class(number: int) -> str:
    """Style classes of a run's colour, and dashes where the colours begin again."""
    return f'c{number % COLOURS}' + (' dashed' if number >= COLOURS else '')


def short(number: float) -> str:
    """A number of iterations in few characters: 12k, 1.5M."""
    for unit, name in ((1e6, 'M'), (1e3, 'k')):
        if abs(number) >= unit:
            return f'{number / unit:.4g}{name}'
    return f'{number:.4g}'


def _shown(curves: Mapping[str, Curve]) -> dict[str, Curve]:
    return {
        ('1 - momentum' if name == 'momentum' else name): (
            steps,
            1 - values if name == 'momentum' else values,
        )
        for name, (steps, values) in curves.items()
    }


def _drawable(steps: np.ndarray, values: np.ndarray) -> Curve:
    return thin(steps, np.where(np.abs(values) < _LARGEST, values, np.nan))


def _group(name: str) -> str:
    return next((g for g, parts in _GROUPS.items() if any(p in name for p in parts)), 'Others')


def _points(steps: np.ndarray, values: np.ndarray) -> list[list]:
    digits = [float(f'{v:.4g}') if math.isfinite(v) else None for v in values.tolist()]
    return [steps.tolist(), digits]


def _usable(values: np.ndarray, logarithmic: bool) -> np.ndarray:
    values = values[np.isfinite(values)]
    return values[values > 0] if logarithmic else values


def _limits(values: np.ndarray, logarithmic: bool) -> tuple[float, float]:
    low, high = float(values.min()), float(values.max())
    if logarithmic:
        low, high = math.log10(low), math.log10(high)
    elif low >= 0:
        low = 0.0
    room = 0.05 * (high - low) or 0.5 * abs(high) or 0.5
    return low - (room if logarithmic or low else 0), high + room


def _axis(low: float, high: float, logarithmic: bool) -> list[float]:
    return ticks(10**low, 10**high, 3) if logarithmic else ticks(low, high)


def _path(steps, values, at_x, at_y, logarithmic: bool) -> Iterator[str]:
    pen = 'M'
    for x, y in zip(steps.tolist(), values.tolist()):
        if not math.isfinite(y) or (logarithmic and y <= 0):
            pen = 'M'
            continue
        yield f'{pen}{at_x(x):.1f} {at_y(y):.1f}'
        pen = 'L'
