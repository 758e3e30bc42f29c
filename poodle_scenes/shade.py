"""Colours: every surface's texture drawn through its homography, nearest first wins."""

from collections.abc import Iterator

import cv2
import numpy as np

from poodle_scenes.geometry import Camera, View, clip_near
from poodle_scenes.ground import GroundMap
from poodle_scenes.sky import look_up_sky
from poodle_scenes.texture import Texture

_SHIFT = 4  # fractional bits of polygon corners


def _soft(box: bool) -> np.ndarray:
    """Shadow mask, 0-1 float32 (64, 64)."""
    mask = np.zeros((64, 64), np.float32)
    if box:
        mask[7:-7, 7:-7] = 1
    else:
        cv2.circle(mask, (32, 32), 23, 1.0, -1)
    return cv2.GaussianBlur(mask, (0, 0), 4 if box else 6)


def draw_sky(panorama: np.ndarray, camera: Camera, size: tuple[int, int]) -> np.ndarray:
    """RGB uint8 (H, W, 3); looked up at a quarter of the resolution, for the sky is smooth."""
    height, width = size
    coarse = (height // 4, width // 4)
    small = camera.crop((0, 0, width, height), coarse)
    u = np.arange(coarse[1], dtype=np.float32)
    v = np.arange(coarse[0], dtype=np.float32)[:, None]
    m = np.linalg.inv(small.matrix).astype(np.float32)
    x, y, z = (m[i, 0] * u + m[i, 1] * v + m[i, 2] for i in range(3))
    colours = look_up_sky(panorama, x, y, z)
    return cv2.resize(colours, (width, height), interpolation=cv2.INTER_LINEAR)


def draw_ground(
    canvas: np.ndarray, inverse_depth: np.ndarray, ground: GroundMap, view: View
) -> None:
    """Draw the ground plane over the sky, coarser map rows for farther rows of the image."""
    height, width = inverse_depth.shape
    m = view.from_pixel[view.ground].astype(np.float32)
    u = np.arange(width, dtype=np.float32)
    v = np.arange(height, dtype=np.float32)[:, None]
    middle = m[2, 0] * width / 2 + m[2, 1] * v[:, 0] + m[2, 2]
    tilt = abs(float(m[2, 0])) * width / 2
    first = int(np.searchsorted(middle + tilt, 1 / 400))
    # Metres of ground between two image rows: depth² · slope of the inverse depth.
    apart = abs(float(m[2, 1])) / np.maximum(middle, 1e-3) ** 2
    levels = ground.level_of(apart)
    for level in np.unique(levels[first:]):
        rows = first + np.flatnonzero(levels[first:] == level)
        rows = slice(int(rows[0]), int(rows[-1]) + 1)
        inverse = (m[2, 0] * u + m[2, 2]) + m[2, 1] * v[rows]
        below = inverse > 1 / 400
        depth = 1 / np.where(below, inverse, 1)
        x = ((m[0, 0] * u + m[0, 2]) + m[0, 1] * v[rows]) * depth
        z = ((m[1, 0] * u + m[1, 2]) + m[1, 1] * v[rows]) * depth
        colours = ground.colours(x, z, int(level))
        np.copyto(inverse_depth[rows], inverse, where=below)
        cv2.copyTo(colours, below.view(np.uint8), canvas[rows])


def _windows(view: View, size: tuple[int, int]) -> Iterator[tuple[int, np.ndarray]]:
    """Drawn surfaces and the windows x0, y0, x1, y1 of the pixels in their boxes."""
    height, width = size
    low, high = np.floor(view.boxes[:, :2]), np.ceil(view.boxes[:, 2:]) + 1
    windows = np.clip(np.concatenate([low, high], axis=1), 0, (width, height) * 2).astype(np.intp)
    filled = (windows[view.drawn, 2:] > windows[view.drawn, :2]).all(axis=1)
    return zip(view.drawn[filled], windows[view.drawn[filled]])


def _spans(view: View) -> np.ndarray:
    """Longer side (N, 2) of each surface on the screen along s and along t, in pixels."""
    sides = np.linalg.norm(view.corners - np.roll(view.corners, -1, axis=1), axis=2)
    sides[(view.depths <= 0).any(axis=1)] = 1e6
    return np.maximum(sides[:, :2], sides[:, 2:])


def _to_texel(from_pixel: np.ndarray, texels: tuple[int, int], corner: tuple[int, int]):
    """Homography: pixel of the window → texel (centres integer)."""
    height, width = texels
    scale = np.array([[width, 0, -0.5], [0, height, -0.5], [0, 0, 1]])
    shift = np.array([[1, 0, corner[0]], [0, 1, corner[1]], [0, 0, 1]])
    return scale @ from_pixel @ shift


_WARP = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP


def draw_shadows(canvas: np.ndarray, view: View, boxes: np.ndarray, strength: float) -> None:
    """Darken the ground under the surfaces of ``view``; boxes: (N,) shape of each."""
    masks = [
        cv2.cvtColor(np.uint8(255 * (1 - strength * _soft(box))), cv2.COLOR_GRAY2RGB)
        for box in (False, True)
    ]
    for index, (x0, y0, x1, y1) in _windows(view, canvas.shape[:2]):
        warp = _to_texel(view.from_pixel[index], (64, 64), (x0, y0))
        size, white = (x1 - x0, y1 - y0), (255, 255, 255)
        factor = cv2.warpPerspective(
            masks[boxes[index]], warp, size, flags=_WARP, borderValue=white
        )
        patch = canvas[y0:y1, x0:x1]
        cv2.multiply(patch, factor, dst=patch, scale=1 / 255)


def draw_surfaces(
    canvas: np.ndarray, inverse_depth: np.ndarray, view: View, textures: list[Texture]
) -> None:
    """Draw all parallelograms into canvas (H, W, 3) and inverse_depth (H, W), float32."""
    height, width = canvas.shape[:2]
    spans = _spans(view)
    planes = view.from_pixel[:, 2].astype(np.float32)
    columns = np.arange(width, dtype=np.float32)
    rows = np.arange(height, dtype=np.float32)[:, None]
    for index, (x0, y0, x1, y1) in _windows(view, (height, width)):
        a, b, c = planes[index]
        inverse = (a * columns[x0:x1] + c) + b * rows[y0:y1]
        nearest = inverse_depth[y0:y1, x0:x1]
        mask = (inverse > nearest).view(np.uint8)
        inside = np.zeros_like(mask)
        polygon = np.clip(clip_near(view, index) - (x0, y0), -8000, 8000)
        polygon = np.round(polygon * (1 << _SHIFT)).astype(np.int32)
        cv2.fillConvexPoly(inside, polygon, 1, shift=_SHIFT)
        mask &= inside
        left, top, w, h = cv2.boundingRect(mask)
        if not w:
            continue
        part = (slice(top, top + h), slice(left, left + w))
        mask = mask[part]
        texture = textures[index].level(*spans[index])
        warp = _to_texel(view.from_pixel[index], texture.shape[:2], (x0 + left, y0 + top))
        patch = cv2.warpPerspective(
            texture, warp, (w, h), flags=_WARP, borderMode=cv2.BORDER_REPLICATE
        )
        if texture.shape[2] == 4:
            mask &= cv2.extractChannel(patch, 3) > 110
            patch = cv2.cvtColor(patch, cv2.COLOR_RGBA2RGB)
        cv2.copyTo(patch, mask, canvas[y0:y1, x0:x1][part])
        cv2.copyTo(inverse[part], mask, nearest[part])
