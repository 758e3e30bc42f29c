"""The global crop."""

import math
from statistics import NormalDist

import cv2
import numpy as np
import torch
from mmcv.transforms import BaseTransform

from poodle_mm.geometry.warp import crop_resize_flow
from poodle_mm.registry import TRANSFORMS
from poodle_mm.utils.errors import warn

Box = tuple[int, int, int, int]

MAX_STRETCH = 1.5
"""4:3 to 2:1; more is warned of."""


def draw_share(
    rng: np.random.Generator, area: tuple[float, float], normal: tuple[float, float] | None = None
) -> float:
    """Draw a share of a frame's area: uniform in ``area``, or normal and truncated to it.

    ``normal`` is (mean, standard deviation) before the truncation.
    """
    if normal is None:
        return rng.uniform(*area)
    # by the inverse of the distribution function: one draw, however narrow the range
    law = NormalDist(*normal)
    probability = rng.uniform(*(law.cdf(limit) for limit in area))
    share = law.inv_cdf(probability) if 0 < probability < 1 else normal[0]
    return min(max(share, area[0]), area[1])


def share_of_scale(
    rng: np.random.Generator,
    shape: tuple[int, int],
    scale: tuple[float, float],
    size: tuple[int, int],
    short_side: int,
) -> float:
    """Draw the share of a frame (H0, W0) that a window ``size`` (H, W) covers.

    The frame is resized to a short side of ``short_side * s`` pixels, s uniform in ``scale``. The
    window may exceed it: a share above 1 or a side that does not fit.
    """
    factor = rng.uniform(*scale) * short_side / min(shape)
    return size[0] * size[1] / (factor**2 * shape[0] * shape[1])


def place_box(
    rng: np.random.Generator, shape: tuple[int, int], share: float, aspect: float | None = None
) -> tuple[Box, bool]:
    """Put a box of a share of the frame's area at a random place.

    Args:
        shape: (H0, W0) of the frame.
        share: Share of the frame's area.
        aspect: Width over height; None is the frame's own.

    Returns:
        (x0, y0, x1, y1), whole pixel edges inside of the frame, and whether the box had to be made
        smaller to fit.
    """
    height, width = shape
    ratio = width / height if aspect is None else aspect
    w = np.sqrt(share * width * height * ratio)
    h = w / ratio
    fit = min(1.0, width / w, height / h)
    w = min(max(round(w * fit), 1), width)
    h = min(max(round(h * fit), 1), height)
    x0 = int(rng.integers(width - w + 1))
    y0 = int(rng.integers(height - h + 1))
    return (x0, y0, x0 + w, y0 + h), fit < 1 - 1e-6


def jitter_box(
    rng: np.random.Generator, box: Box, shape: tuple[int, int], share: float = 0.1
) -> Box:
    """Move a box by up to ``share`` of the frame's width and height; it stays inside."""
    height, width = shape
    x0, y0, x1, y1 = box
    shift = np.round(rng.uniform(-share, share, size=2) * (width, height)).astype(int)
    dx, dy = np.clip(shift, (-x0, -y0), (width - x1, height - y1)).tolist()
    return x0 + dx, y0 + dy, x1 + dx, y1 + dy


def crop_resize(image: np.ndarray, box: Box, size: tuple[int, int]) -> np.ndarray:
    """Cut a box and resize it to ``size`` (H, W): averaging when it shrinks, else bilinear."""
    x0, y0, x1, y1 = box
    height, width = size
    shrinks = width <= x1 - x0 and height <= y1 - y0
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return cv2.resize(image[y0:y1, x0:x1], (width, height), interpolation=interpolation)


def crop_nearest(mask: np.ndarray, box: Box, size: tuple[int, int]) -> np.ndarray:
    """Cut a box of a mask and resize it to ``size`` (H, W), nearest pixel centre."""
    rows, columns = (
        np.floor(low + (np.arange(n) + 0.5) * (high - low) / n).astype(int)
        for low, high, n in ((box[1], box[3], size[0]), (box[0], box[2], size[1]))
    )
    return mask[np.ix_(rows, columns)]


@TRANSFORMS.register_module()
class PairRandomCrop(BaseTransform):
    """Cut the same random box from both frames, or all of a clip, and resize it (PooDLe §4.1).

    Required keys: ``frames``, ``ori_shape``, ``frame_ids``, ``rng``. Modified: ``frames``, ``flow``
    and ``visible`` when there. Added: ``crop_box`` and, where both frames are the same frame (or
    with ``always_jitter``), ``crop_box2``: then the second crop is shifted by up to ``jitter`` of
    the frame's size. For the same frame twice the exact flow from the first crop to the second is
    the constant ``(crop_box - crop_box2)`` scaled to the output.

    Either ``scale`` or ``area`` says how large the crop is. The released code's law is the scale:
    both frames are resized to a short side of ``short_side`` times s, s uniform, and ``size`` is
    cut, which distorts nothing. 512 x 1024 with s in (0.75, 1.25) covers 0.16 to 0.45 of a 16:9
    frame, 0.27 on average, as the paper states; 256 x 512 a quarter of that.

    Args:
        size: (H, W) of the output.
        scale: Range of s. The crop has the aspect of ``size``, to whole pixels; one that does not
            fit into the frame is made smaller, with a warning.
        short_side: Pixels; 1080 with ``scale`` = 1 cuts ``size`` from a 1080p frame as it is.
        area: Range of the crop's share of the frame's area, uniform.
        area_normal: (mean, standard deviation) of a normal law of the share, truncated to ``area``
            (the later paper's crop study); None: uniform.
        aspect: Width over height of the crop, with ``area``; None keeps the frame's own, so that
            the resize may be anisotropic (a stretch above 1.5 is warned of). An area that does not
            fit with a fixed aspect is clamped, with a warning.
        jitter: Largest shift of the second crop for delta = 0, share of the frame's size.
        always_jitter: Shift it for every delta. Not the paper's (it crops both frames at the same
            place): what a frame shows is then at another place of the other crop, so that features
            of the place alone do not solve the dense objective.

    Raises:
        ValueError: For a range or size without meaning.
    """

    def __init__(
        self,
        size: tuple[int, int],
        area: tuple[float, float] | None = None,
        scale: tuple[float, float] | None = None,
        short_side: int = 1080,
        area_normal: tuple[float, float] | None = None,
        aspect: float | None = None,
        jitter: float = 0.1,
        always_jitter: bool = False,
    ) -> None:
        if (area is None) == (scale is None):
            raise ValueError(
                f'PairRandomCrop takes either scale or area, got scale={scale} and area={area}: '
                'set the other one to None'
            )
        if scale is not None and not 0 < scale[0] <= scale[1]:
            raise ValueError(f'scale must be 0 < min <= max, got {scale}')
        if scale is not None and (aspect is not None or area_normal is not None):
            raise ValueError('aspect and area_normal belong to area: with scale they have no use')
        if short_side < 1:
            raise ValueError(f'short_side must be at least 1 pixel, got {short_side}')
        if area is not None and not 0 < area[0] <= area[1] <= 1:
            raise ValueError(f'area must be 0 < min <= max <= 1, got {area}')
        if len(size) != 2 or min(size) < 1:
            raise ValueError(f'size must be two positive numbers (H, W), got {size}')
        if aspect is not None and aspect <= 0:
            raise ValueError(f'aspect (width / height) must be positive, got {aspect}')
        if not 0 <= jitter <= 1:
            raise ValueError(f'jitter is a share of the frame, 0 to 1, got {jitter}')
        if area_normal is not None and not (
            area[0] <= area_normal[0] <= area[1] and area_normal[1] > 0
        ):
            raise ValueError(
                f'area_normal is (mean, standard deviation > 0) with the mean in area = {area}, '
                f'got {area_normal}'
            )
        self.area, self.scale = area and tuple(area), scale and tuple(scale)
        self.short_side = short_side
        self.area_normal = area_normal and tuple(area_normal)
        self.size = tuple(size)
        self.aspect = aspect
        self.jitter = jitter
        self.always_jitter = always_jitter
        self._warned: set[str] = set()

    def transform(self, results: dict) -> dict:
        """Crop one pair."""
        rng, shape = results['rng'], results['ori_shape']
        if self.scale is None:
            aspect, share = self.aspect, draw_share(rng, self.area, self.area_normal)
        else:
            aspect = self.size[1] / self.size[0]
            share = share_of_scale(rng, shape, self.scale, self.size, self.short_side)
        box, clamped = place_box(rng, shape, share, aspect)
        if clamped:
            self._warn_once('clamped', self._what_does_not_fit(shape, aspect))
        if self.scale is None:
            self._warn_of_stretch(shape)
        box2 = box
        if self.always_jitter or results['frame_ids'][:1] == results['frame_ids'][1:2]:
            box2 = jitter_box(rng, box, shape, self.jitter)
            results['crop_box2'] = box2
        results['crop_box'] = box
        boxes = box, *[box2] * (len(results['frames']) - 1)
        results['frames'] = [crop_resize(f, b, self.size) for f, b in zip(results['frames'], boxes)]
        if 'flow' in results:
            results['flow'] = self._crop_flow(results['flow'], boxes)
        if 'visible' in results:
            results['visible'] = np.stack(
                [crop_nearest(v, b, self.size) for v, b in zip(results['visible'], boxes)]
            )
        return results

    def _what_does_not_fit(self, shape: tuple[int, int], aspect: float) -> str:
        height, width = shape
        sides = min(height, round(width / aspect)), min(width, round(height * aspect))
        largest = max(sides[0], 1), max(sides[1], 1)
        frame, most = f'{width}x{height}', f'{largest[1]}x{largest[0]}'
        if self.scale is None:
            share = largest[0] * largest[1] / (height * width)
            return (
                f'of areas {self.area}, those above {share:.2g} do not fit into a frame of {frame} '
                f'at aspect {aspect:g}: these crops are {most}'
            )
        low, high = self.scale
        least = self.size[0] / largest[0] * min(shape) / self.short_side
        share = min((least - low) / (high - low), 1) if high > low else 1
        return (
            f'{self.size[1]}x{self.size[0]} does not fit into a frame of {frame} at scales '
            f'below {least:.2g} of {self.scale}: {share:.0%} of its crops are the largest there '
            f'is, {most}; with short_side={math.ceil(self.short_side * least / low)} all fit'
        )

    def _warn_of_stretch(self, shape: tuple[int, int]) -> None:
        stretch = self.size[1] / self.size[0] / (self.aspect or shape[1] / shape[0])
        stretch = max(stretch, 1 / stretch)
        if stretch > MAX_STRETCH:
            height, width = self.size
            self._warn_once(
                'stretched',
                f'crops of a frame of {shape[1]}x{shape[0]} are stretched {stretch:.1f} times to '
                f'{width}x{height}: set aspect={width / height:g}, or scale instead of area',
            )

    def _warn_once(self, kind: str, message: str) -> None:
        if kind not in self._warned:
            self._warned.add(kind)
            warn(f'PairRandomCrop: {message}')

    def _crop_flow(self, flow: np.ndarray, boxes: tuple[Box, Box]) -> torch.Tensor:
        """Full-frame flow (2, 2, H0, W0) to (2, 2, H, W) in pixels of the crops."""
        corners = torch.tensor(boxes, dtype=torch.float32)
        cropped = crop_resize_flow(torch.as_tensor(flow, dtype=torch.float32), corners, self.size)
        shift = corners[0, :2] - corners[1, :2]
        scale = torch.tensor(self.size[::-1]) / (corners[0, 2:] - corners[0, :2])
        return cropped + (torch.stack([shift, -shift]) * scale)[:, :, None, None]

    def __repr__(self) -> str:
        return (
            f'{type(self).__name__}(size={self.size}, area={self.area}, scale={self.scale}, '
            f'short_side={self.short_side}, area_normal={self.area_normal}, '
            f'aspect={self.aspect}, jitter={self.jitter}, always_jitter={self.always_jitter})'
        )
