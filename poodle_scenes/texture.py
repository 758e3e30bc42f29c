"""Procedural textures: painted on first use, filtered for the size at which they are seen."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import ArrayLike

Painted = tuple[np.ndarray, np.ndarray | None]
"""(uint8 (h, w, 3) or, with cut-out, (h, w, 4); bool (h, w) of what shines by itself, or None)."""

_WHOLE: set[Callable[..., Painted]] = set()


def whole(painter: Callable[..., Painted]) -> Callable[..., Painted]:
    """Mark a painter whose textures fill their surface, so that flow need not paint them."""
    _WHOLE.add(painter)
    return painter


@dataclass(eq=False)
class Texture:
    """One texture of a scene.

    Attributes:
        painter: ``painter(rng, **params) -> Painted``.
        seed, params: seed of the painter's generator, and its parameters.
        light: (3,) factor on everything that does not shine by itself.
        flip: whether to mirror the columns.
    """

    painter: Callable[..., Painted]
    seed: int
    params: dict
    light: np.ndarray
    flip: bool = False

    def __post_init__(self) -> None:
        self._levels: dict[tuple[int, int], np.ndarray] = {}

    def _paint(self) -> Painted:
        image, glow = self.painter(np.random.default_rng(self.seed), **self.params)
        if self.flip:
            image, glow = image[:, ::-1], None if glow is None else glow[:, ::-1]
        return image, glow

    @cached_property
    def image(self) -> np.ndarray:
        """uint8 (h, w, 3 or 4), lit."""
        image, glow = self._paint()
        lit = np.clip(image[..., :3] * self.light.astype(np.float32), 0, 255).astype(np.uint8)
        if glow is not None:
            lit[glow] = image[glow][:, :3]
        return np.ascontiguousarray(np.concatenate([lit, image[..., 3:]], axis=2))

    @cached_property
    def alpha(self) -> np.ndarray | None:
        """bool (h, w), or None when the texture fills its surface."""
        if self.painter in _WHOLE:
            return None
        image = self.__dict__.get('image')
        if image is None:
            image, _ = self._paint()
        return image[..., 3] > 127 if image.shape[2] == 4 else None

    def level(self, columns: float, rows: float) -> np.ndarray:
        """The texture halved along each axis until it suits that many pixels on the screen."""
        height, width = self.image.shape[:2]
        key = (_halvings(height, rows), _halvings(width, columns))
        if key == (0, 0):
            return self.image
        if key not in self._levels:
            size = (max(width >> key[1], 1), max(height >> key[0], 1))
            self._levels[key] = cv2.resize(self.image, size, interpolation=cv2.INTER_AREA)
        return self._levels[key]


def _halvings(texels: int, pixels: float) -> int:
    return min(max(int(texels / max(pixels, 1.0)), 1).bit_length(), texels.bit_length()) - 1


def draw(rng: np.random.Generator, shares: dict[str, float]) -> str:
    """A key of the shares, which sum to 1."""
    return str(rng.choice(list(shares), p=list(shares.values())))


def colour(rng: np.random.Generator, palette: list, spread: float = 18) -> np.ndarray:
    """A colour (3,) near one of the palette's."""
    base = np.asarray(palette[rng.integers(len(palette))], np.float32)
    return np.clip(base + rng.normal(0, spread, 3) * 0.5 + rng.normal(0, spread), 4, 250)


def sheet(h: int, w: int, fill: ArrayLike, channels: int = 3) -> np.ndarray:
    """A float32 canvas (h, w, channels); with 4 channels the cut-out starts empty."""
    canvas = np.zeros((h, w, channels), np.float32)
    canvas[..., :3] = fill
    return canvas


def finish(canvas: np.ndarray, glow: np.ndarray | None = None) -> Painted:
    """float32 canvas → uint8, with the mask of what shines."""
    return np.clip(canvas, 0, 255).astype(np.uint8), glow


def opaque(fill: Iterable[float]) -> tuple[float, ...]:
    """RGB → RGBA for OpenCV's drawing."""
    return (*map(float, fill), 255.0)


def polygon(canvas: np.ndarray, points: Iterable, fill: Iterable[float]) -> None:
    """Fill a polygon of (column, row) points with RGB on a canvas with cut-out."""
    cv2.fillPoly(canvas, [np.asarray(points, np.int32)], opaque(fill))


def fade(rows: int, top: float, bottom: float) -> np.ndarray:
    """Factor (rows, 1, 1) from the canvas's top to its bottom, float32."""
    return np.linspace(top, bottom, rows, dtype=np.float32)[:, None, None]


def noise(
    rng: np.random.Generator, shape: tuple[int, int], grains: tuple[tuple[int, float], ...]
) -> np.ndarray:
    """Smooth float32 noise (H, W): a sum of (grain in texels, amplitude) octaves."""
    total = np.zeros(shape, np.float32)
    for grain, amplitude in grains:
        coarse = (max(shape[0] // grain, 2), max(shape[1] // grain, 2))
        field = rng.standard_normal(coarse, dtype=np.float32) * np.float32(amplitude)
        total += cv2.resize(field, shape[::-1], interpolation=cv2.INTER_LINEAR)
    return total


def roughen(canvas: np.ndarray, rng: np.random.Generator, *grains: tuple[int, float]) -> None:
    """Add :func:`noise` to a canvas's colours."""
    canvas[..., :3] += noise(rng, canvas.shape[:2], grains)[..., None]


def write(
    canvas: np.ndarray, text: str, at: tuple[int, int], size: float, ink: Sequence[float], bold: int
) -> None:
    """Write text on a float32 canvas; ``at`` = (column, row) of its lower left corner."""
    mask = np.zeros(canvas.shape[:2], np.uint8)
    cv2.putText(mask, text, at, cv2.FONT_HERSHEY_SIMPLEX, size, 255, bold)
    canvas[mask > 100] = ink[: canvas.shape[2]]
