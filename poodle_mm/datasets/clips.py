"""The frames that make a clip: a chain of frames, each a given distance after the one before."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

STARTS = ('any', 'keyframes')


@dataclass(frozen=True)
class ClipRule:
    """Number of frames of a clip, their distances, and which frames may come first.

    Attributes:
        spacing: Smallest and largest distance of a frame from the one before, both included.
        unit: ``'frames'`` (numbers) or ``'seconds'``.
        starts: ``'any'`` or ``'keyframes'``.
        num_frames: Frames of a clip; 2 make a pair.
        argument: What the user calls the spacing, for messages.

    Raises:
        ValueError: For a value without meaning.
    """

    spacing: tuple[float, float]
    unit: str = 'frames'
    starts: str = 'any'
    num_frames: int = 2
    argument: str = 'spacing'

    def __post_init__(self) -> None:
        low, high = self.spacing
        name = self.argument
        if not 0 <= low <= high:
            raise ValueError(f'{name} must be 0 <= min <= max, got {self.spacing}')
        if self.unit not in ('frames', 'seconds'):
            raise ValueError(f"{name}_unit must be 'frames' or 'seconds', got {self.unit!r}")
        if self.unit == 'frames' and (low != int(low) or high != int(high)):
            raise ValueError(f'{name} in frames must be whole numbers, got {self.spacing}')
        if self.starts not in STARTS:
            raise ValueError(f'starts must be one of {STARTS}, got {self.starts!r}')
        if self.num_frames < 1 or self.num_frames != int(self.num_frames):
            raise ValueError(f'num_frames must be a positive number, got {self.num_frames}')

    @property
    def noun(self) -> str:
        """What the frames make, for messages."""
        return 'pair' if self.num_frames == 2 else f'clip of {self.num_frames} frames'

    @property
    def length(self) -> str:
        """Smallest distance of the first and the last frame, for messages."""
        times = '' if self.num_frames == 2 else f'{self.num_frames - 1} x '
        return f'{times}{self.argument} = {self.spacing[0]} {self.unit}'

    def shortest(self, frames: np.ndarray, seconds: np.ndarray) -> np.ndarray | float:
        """Length that a video must have, in the rule's unit, where it has so many of both.

        A frame more than the distances; a second needs no more than a second, and each further
        distance may fall short by half a frame.
        """
        links, low = self.num_frames - 1, self.spacing[0]
        if self.unit == 'frames':
            return links * low + 1
        return links * low - max(links - 1, 0) * 0.5 * seconds / np.maximum(frames, 1)

    def none_found(self, frames: int, keyframes: int | None = None) -> str:
        """Say that a file has no clip among its frames, or none that begins at a keyframe."""
        if self.num_frames == 2:
            first = 'no two' if keyframes is None else f'none of {keyframes} keyframes and one'
        else:
            first = f'no {self.num_frames}'
            if keyframes is not None:
                first += f' that begin at one of {keyframes} keyframes'
        return f'{first} of its {frames} frames are {self} apart'

    def __str__(self) -> str:
        return f'{self.spacing} {self.unit}'


def partner_ranges(
    axis: np.ndarray,
    spacing: tuple[float, float],
    tolerance: float = 0.0,
    starts: Sequence[int] | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """The runs of frames that lie ``spacing`` after each of some frames.

    Args:
        axis: (N,) increasing frame numbers or seconds.
        spacing: Smallest and largest distance, both included, same unit.
        tolerance: Slack on both ends, for times that never hit a distance exactly. However large,
            a frame is its own partner at spacing 0 only, and an earlier frame never is one.
        starts: (S,) positions of the frames that come first; None is all.

    Returns:
        Two (S,) int arrays: first partner and one past the last; equal where there is none.
    """
    low, high = spacing
    slack = tolerance + 1e-6
    positions = np.arange(len(axis)) if starts is None else np.asarray(starts)
    first = np.searchsorted(axis, axis[positions] + low - slack, side='left')
    stop = np.searchsorted(axis, axis[positions] + high + slack, side='right')
    earliest = positions + (low > 0)
    return np.maximum(first, earliest), np.maximum(stop, earliest)


def _counts(
    axis: np.ndarray, spacing: tuple[float, float], links: int, tolerance: float
) -> list[np.ndarray]:
    """For k = 0 ... ``links`` - 1: of the first i frames, how many have k more after them?

    (N + 1,) each, so that a difference counts the frames of a run that a clip may go on with.
    """
    counts = [np.arange(len(axis) + 1)]
    if links > 1:
        first, stop = partner_ranges(axis, spacing, tolerance)
    for _ in range(links - 1):
        goes_on = counts[-1][stop] > counts[-1][first]
        counts.append(np.concatenate([[0], np.cumsum(goes_on)]))
    return counts


def clip_starts(
    axis: np.ndarray,
    spacing: tuple[float, float],
    num_frames: int = 2,
    tolerance: float = 0.0,
    starts: Sequence[int] | None = None,
) -> np.ndarray:
    """Positions of the frames that a whole clip begins with, those of ``starts`` if given.

    The arguments are those of :func:`draw_clip`.
    """
    positions = np.arange(len(axis)) if starts is None else np.asarray(starts, np.int64)
    if num_frames == 1:
        return positions
    count = _counts(axis, spacing, num_frames - 1, tolerance)[-1]
    first, stop = partner_ranges(axis, spacing, tolerance, positions)
    return positions[count[stop] > count[first]]


def draw_clip(
    rng: np.random.Generator,
    axis: np.ndarray,
    spacing: tuple[float, float],
    num_frames: int = 2,
    tolerance: float = 0.0,
    starts: Sequence[int] | None = None,
) -> tuple[int, ...] | None:
    """Draw a clip.

    The first frame is uniform among those that a whole clip begins with; each further one is
    uniform among the partners of the one before from which the rest can follow.

    Args:
        rng: Source of randomness.
        axis, spacing, tolerance, starts: Arguments of :func:`partner_ranges`.
        num_frames: Frames of a clip.

    Returns:
        Positions in ``axis``, or None where no clip exists.
    """
    candidates = clip_starts(axis, spacing, num_frames, tolerance, starts)
    if not len(candidates):
        return None
    clip = [int(rng.choice(candidates))]
    for count in reversed(_counts(axis, spacing, num_frames - 1, tolerance)[: num_frames - 1]):
        (first,), (stop,) = partner_ranges(axis, spacing, tolerance, clip[-1:])
        rank = rng.integers(count[first], count[stop])
        clip.append(int(np.searchsorted(count, rank, side='right')) - 1)
    return tuple(clip)
