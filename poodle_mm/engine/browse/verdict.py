"""What the measures of many pairs say of the data and the config, in words."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from poodle_mm.engine.browse.rows import STATIC_LEVELS, STATIC_PIXELS, Row

LIMITS = dict(
    static=0.2,
    cut=0.02,
    unmatched=0.1,
    valid=0.3,
    valid_by_delta=0.2,
    left=0.9,
    fallback=0.1,
    enlarged=0.1,
    constant=0.01,
    unreadable=0.0,
)
"""Largest (of ``valid`` smallest) numbers that pass without a warning."""
ENLARGED = 2.0
"""Times by which a side grows from source to network, beyond which a crop counts as enlarged.

The paper's recipe goes up to 1.9 on BDD100K (area 0.16 of 1280 x 720 to 512 x 1024).
"""
_BINS = 5


@dataclass(frozen=True)
class Line:
    """A line of the verdict.

    Attributes:
        name: What it is about, a key of ``LIMITS``.
        text: The numbers.
        advice: Likely cause and key to change; empty while the limit is not passed.
    """

    name: str
    text: str
    advice: str = ''

    def __str__(self) -> str:
        return f'WARNING {self.text}. {self.advice}' if self.advice else f'ok      {self.text}'


@dataclass(frozen=True)
class Keys:
    """Config keys that the advice names.

    Attributes:
        dataset: Of the data set, or of each of a mixture.
        spacing: Name of the distance of two frames there.
        crop: Of the crop's range of areas or scales.
        flow: Of the flow; empty for methods without.
    """

    dataset: str
    spacing: str
    crop: str
    flow: str = ''

    @property
    def distance(self) -> str:
        """Key of the distance."""
        return f'{self.dataset}.{self.spacing}'


def verdict(
    rows: Sequence[Row], keys: Keys, unreadable: Mapping[str, str], num_files: int
) -> list[Line]:
    """Judge measured draws.

    Args:
        rows: Measures; what is None in all of them has no line.
        keys: Keys to name.
        unreadable: Reason by file that was left out.
        num_files: Number of all files.
    """
    makers: tuple[Callable[[Sequence[Row], Keys], Line | None], ...] = (
        _static, _cuts, _unmatched, _valid, _valid_by_delta, _left, _fallback, _enlarged, _constant,
    )  # fmt: skip
    lines = [line for make in makers if (line := make(rows, keys))]
    return [*lines, _unreadable(unreadable, num_files)]


def delta_bins(rows: Sequence[Row]) -> list[tuple[str, list[Row]]]:
    """Rows whose valid share is known by distance, in at most five bins of equal width."""
    known = [row for row in rows if row.valid is not None]
    if not known:
        return []
    distances = np.array([row.distance for row in known])
    low, high = int(distances.min()), int(distances.max())
    width = max(1, -(-(high - low + 1) // _BINS))
    bins = []
    for start in range(low, high + 1, width):
        end = min(start + width - 1, high)
        inside = [row for row in known if start <= row.distance <= end]
        if inside:
            bins.append((f'{start}' if start == end else f'{start}–{end}', inside))
    return bins


def _values(rows: Sequence[Row], name: str) -> np.ndarray:
    """An attribute of all rows that have it."""
    found = (getattr(row, name) for row in rows)
    return np.array([value for value in found if value is not None], float)


def _passed(name: str, value: float, advice: str) -> str:
    """The advice if a limit is passed."""
    smallest = name.startswith('valid')
    wrong = value < LIMITS[name] if smallest else value > LIMITS[name]
    return f'Limit {LIMITS[name]:.0%}. {advice}' if wrong else ''


def _share(rows: Sequence[Row], name: str, attribute: str, text: str, advice: str) -> Line | None:
    values = _values(rows, attribute)
    if not len(values):
        return None
    share = float(values.mean())
    return Line(name, text.format(share=share), _passed(name, share, advice))


def _static(rows: Sequence[Row], keys: Keys) -> Line | None:
    by_flow = any(row.motion is not None for row in rows)
    how = (
        f'median flow below {STATIC_PIXELS:g} pixel'
        if by_flow
        else f'frames that differ by less than {STATIC_LEVELS:g} grey level'
    )
    return _share(
        rows,
        'static',
        'static',
        f'static pairs: {{share:.1%}} ({how})',
        f'The camera stands, or frames are shown again: {keys.dataset}.min_motion=1 draws others; '
        f'slow motion: a larger {keys.distance}',
    )


def _cuts(rows: Sequence[Row], keys: Keys) -> Line | None:
    return _share(
        rows,
        'cut',
        'cut',
        'probable cuts: {share:.1%} (frames that do not match, and a jump between them)',
        f'The videos are edited: {keys.dataset}.filter_scene_cuts=True draws others',
    )


def _unmatched(rows: Sequence[Row], keys: Keys) -> Line | None:
    return _share(
        rows,
        'unmatched',
        'unmatched',
        'unmatched pairs: {share:.1%} (hardly any valid pixel, or no better after the warp)',
        f'The motion is too fast for the flow or leaves the crop, or there are cuts that no single '
        f'step shows: a smaller {keys.distance}, larger crops ({keys.crop}), another {keys.flow}',
    )


def _valid(rows: Sequence[Row], keys: Keys) -> Line | None:
    return _share(
        rows,
        'valid',
        'valid',
        'valid share: {share:.1%} of the pixels',
        f'Little is seen in both frames, or the flow does not fit: a smaller {keys.distance}, '
        f'larger crops ({keys.crop}), or another {keys.flow}',
    )


def _valid_by_delta(rows: Sequence[Row], keys: Keys) -> Line | None:
    bins = delta_bins(rows)
    if not bins:
        return None
    shares = [float(_values(inside, 'valid').mean()) for _, inside in bins]
    text = ', '.join(
        f'{name}: {share:.0%} ({len(inside)})' for (name, inside), share in zip(bins, shares)
    )
    low = [name for (name, _), share in zip(bins, shares) if share < LIMITS['valid_by_delta']]
    advice = f'Too far apart at {", ".join(low)} frames: lower the upper end of {keys.distance}'
    return Line(
        'valid_by_delta',
        f'valid share by Δ in frames (number of pairs): {text}',
        _passed('valid_by_delta', min(shares), advice),
    )


def _left(rows: Sequence[Row], keys: Keys) -> Line | None:
    """Of pairs that move and match: else it is about these."""
    good = [row for row in rows if row.motion is not None and not row.flags and row.before > 0]
    if not good:
        return None
    left = float(np.median([row.after / row.before for row in good]))
    return Line(
        'left',
        f'photometric difference left by the warp: {left:.0%} (median of the other pairs)',
        _passed(
            'left', left, f'The flow explains next to nothing of these videos: another {keys.flow}'
        ),
    )


def _fallback(rows: Sequence[Row], keys: Keys) -> Line | None:
    return _share(
        rows,
        'fallback',
        'fallback',
        'fallback subcrops: {share:.1%} (no valid centre: they do not follow the motion)',
        f'Points leave the crop: a smaller {keys.distance}, or a smaller '
        'model.data_preprocessor.subcrops.jitter',
    )


def _enlarged(rows: Sequence[Row], keys: Keys) -> Line | None:
    density = _values(rows, 'density')
    if not len(density):
        return None
    factors = density**-0.5
    share = float((factors > ENLARGED).mean())
    return Line(
        'enlarged',
        f'enlarged crops: {(factors > 1).mean():.1%}, beyond {ENLARGED:g} times a side '
        f'{share:.1%} (source pixels per network pixel: median {np.median(density):.2f}, least '
        f'{density.min():.2f})',
        _passed(
            'enlarged',
            share,
            'The network sees blur: larger crops or a smaller output size '
            f'({keys.crop}), or videos of a higher resolution',
        ),
    )


def _constant(rows: Sequence[Row], keys: Keys) -> Line | None:
    return _share(
        rows,
        'constant',
        'constant',
        'black or constant frames: {share:.1%}',
        f'Fades, black lead-ins or broken files: remove or cut them ({keys.dataset}.data_root; '
        'tools/check_data.py looks at files one by one)',
    )


def _unreadable(unreadable: Mapping[str, str], num_files: int) -> Line:
    share = len(unreadable) / max(num_files, 1)
    first = '; '.join(f'{file}: {reason}' for file, reason in [*unreadable.items()][:3])
    return Line(
        'unreadable',
        f'unreadable files: {len(unreadable)} of {num_files}' + (f' ({first})' if first else ''),
        _passed(
            'unreadable',
            share,
            'Damaged, empty, or shorter than the distance of the frames: repair or remove them; '
            'more than max_bad_share of the data set is an error',
        ),
    )
