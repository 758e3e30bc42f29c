"""The two frames that make a pair."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

STARTS = ('any', 'keyframes')


@dataclass(frozen=True)
class PairRule:
    """Distance of the two frames of a pair, and which frames may come first.

    Attributes:
        delta: Smallest and largest distance, both included.
        unit: ``'frames'`` (numbers) or ``'seconds'``.
        starts: ``'any'`` or ``'keyframes'``.

    Raises:
        ValueError: For a value without meaning.
    """

    delta: tuple[float, float]
    unit: str = 'frames'
    starts: str = 'any'

    def __post_init__(self) -> None:
        low, high = self.delta
        if not 0 <= low <= high:
            raise ValueError(f'delta must be 0 <= min <= max, got {self.delta}')
        if self.unit not in ('frames', 'seconds'):
            raise ValueError(f"delta_unit must be 'frames' or 'seconds', got {self.unit!r}")
        if self.unit == 'frames' and (low != int(low) or high != int(high)):
            raise ValueError(f'delta in frames must be whole numbers, got {self.delta}')
        if self.starts not in STARTS:
            raise ValueError(f'starts must be one of {STARTS}, got {self.starts!r}')

    def __str__(self) -> str:
        return f'{self.delta} {self.unit}'


def partner_ranges(
    axis: np.ndarray,
    delta: tuple[float, float],
    tolerance: float = 0.0,
    starts: Sequence[int] | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """The runs of frames that lie ``delta`` after each of some frames.

    Args:
        axis: (N,) increasing frame numbers or seconds.
        delta: Smallest and largest distance, both included, same unit.
        tolerance: Slack on both ends, for times that never hit a distance exactly. However large,
            a frame is its own partner at delta 0 only, and an earlier frame never is one.
        starts: (S,) positions of the frames that come first; None is all.

    Returns:
        Two (S,) int arrays: first partner and one past the last; equal where there is none.
    """
    low, high = delta
    slack = tolerance + 1e-6
    positions = np.arange(len(axis)) if starts is None else np.asarray(starts)
    first = np.searchsorted(axis, axis[positions] + low - slack, side='left')
    stop = np.searchsorted(axis, axis[positions] + high + slack, side='right')
    earliest = positions + (low > 0)
    return np.maximum(first, earliest), np.maximum(stop, earliest)


def draw_pair(
    rng: np.random.Generator,
    axis: np.ndarray,
    delta: tuple[float, float],
    tolerance: float = 0.0,
    starts: Sequence[int] | None = None,
) -> tuple[int, int] | None:
    """Draw a pair: the first frame uniform among those with a partner, then the partner uniform.

    The arguments are those of :func:`partner_ranges`.

    Returns:
        Two positions in ``axis``, or None where no pair exists.
    """
    first, stop = partner_ranges(axis, delta, tolerance, starts)
    candidates = np.flatnonzero(stop > first)
    if not len(candidates):
        return None
    choice = rng.choice(candidates)
    start = int(choice if starts is None else starts[choice])
    return start, int(rng.integers(first[choice], stop[choice]))
