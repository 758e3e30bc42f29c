"""The global crop."""

import logging

import cv2
import numpy as np
import torch
from mmcv.transforms import BaseTransform
from mmengine.logging import print_log

from poodle_mm.geometry.warp import crop_resize_flow
from poodle_mm.registry import TRANSFORMS

Box = tuple[int, int, int, int]


def draw_box(
    rng: np.random.Generator,
    shape: tuple[int, int],
    area: tuple[float, float],
    aspect: float | None = None,
) -> tuple[Box, bool]:
    """Draw a box of a random share of the frame's area at a random place.

    Args:
        rng: Source of randomness.
        shape: (H0, W0) of the frame.
        area: Range of the share of the frame's area, uniform.
        aspect: Width over height; None keeps the frame's own.

    Returns:
        (x0, y0, x1, y1), whole pixel edges inside of the frame, and whether the fixed aspect forced
        a smaller area than drawn.
    """
    height, width = shape
    share = rng.uniform(*area)
    ratio = width / height if aspect is None else aspect
    w = np.sqrt(share * width * height * ratio)
    h = w / ratio
    fit = min(1.0, width / w, height / h)
    clamped = fit < 1 - 1e-6
    w = min(max(round(w * fit), 1), width)
    h = min(max(round(h * fit), 1), height)
    x0 = int(rng.integers(width - w + 1))
    y0 = int(rng.integers(height - h + 1))
    return (x0, y0, x0 + w, y0 + h), clamped


def jitter_box(
    rng: np.random.Generator, box: Box, shape: tuple[int, int], share: float = 0.1
) -> Box:
    """Move a box by up to ``share`` of the frame's width and height; it stays inside."""
    height, width = shape
    x0, y0, x1, y1 = box
    dx, dy = np.round(rng.uniform(-share, share, size=2) * (width, height)).astype(int).tolist()
    dx = min(max(dx, -x0), width - x1)
    dy = min(max(dy, -y0), height - y1)
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
    """Cut the same random box from both frames and resize it (PooDLe §4.1).

    Required keys: ``frames``, ``ori_shape``, ``frame_ids``, ``rng``. Modified: ``frames``, ``flow``
    and ``visible`` when there. Added: ``crop_box`` and, where both frames are the same frame (or
    with ``always_jitter``), ``crop_box2``: then the second crop is shifted by up to ``jitter`` of
    the frame's size. For the same frame twice the exact flow from the first crop to the second is
    the constant ``(crop_box - crop_box2)`` scaled to the output.

    Args:
        area: Range of the crop's share of the frame's area, uniform.
        size: (H, W) of the output.
        aspect: Width over height of the crop; None keeps the frame's own, so that the resize may be
            anisotropic. An area that does not fit with a fixed aspect is clamped, with a warning.
        jitter: Largest shift of the second crop for delta = 0, share of the frame's size.
        always_jitter: Shift it for every delta. Not the paper's (it crops both frames at the same
            place): what a frame shows is then at another place of the other crop, so that features
            of the place alone do not solve the dense objective.

    Raises:
        ValueError: For a range or size without meaning.
    """

    def __init__(
        self,
        area: tuple[float, float],
        size: tuple[int, int],
        aspect: float | None = None,
        jitter: float = 0.1,
        always_jitter: bool = False,
    ) -> None:
        if not 0 < area[0] <= area[1] <= 1:
            raise ValueError(f'area must be 0 < min <= max <= 1, got {area}')
        if len(size) != 2 or min(size) < 1:
            raise ValueError(f'size must be two positive numbers (H, W), got {size}')
        if aspect is not None and aspect <= 0:
            raise ValueError(f'aspect (width / height) must be positive, got {aspect}')
        if not 0 <= jitter <= 1:
            raise ValueError(f'jitter is a share of the frame, 0 to 1, got {jitter}')
        self.area = tuple(area)
        self.size = tuple(size)
        self.aspect = aspect
        self.jitter = jitter
        self.always_jitter = always_jitter
        self._warned = False

    def transform(self, results: dict) -> dict:
        """Crop one pair."""
        rng, shape = results['rng'], results['ori_shape']
        box, clamped = draw_box(rng, shape, self.area, self.aspect)
        if clamped and not self._warned:
            self._warned = True
            print_log(
                f'PairRandomCrop: aspect {self.aspect} cannot give all areas of {self.area} in a '
                f'frame of {shape[1]}x{shape[0]}: clamped',
                logger='current',
                level=logging.WARNING,
            )
        box2 = box
        if self.always_jitter or results['frame_ids'][0] == results['frame_ids'][1]:
            box2 = jitter_box(rng, box, shape, self.jitter)
            results['crop_box2'] = box2
        results['crop_box'] = box
        boxes = (box, box2)
        results['frames'] = [crop_resize(f, b, self.size) for f, b in zip(results['frames'], boxes)]
        if 'flow' in results:
            results['flow'] = self._crop_flow(results['flow'], boxes)
        if 'visible' in results:
            results['visible'] = np.stack(
                [crop_nearest(v, b, self.size) for v, b in zip(results['visible'], boxes)]
            )
        return results

    def _crop_flow(self, flow: np.ndarray, boxes: tuple[Box, Box]) -> torch.Tensor:
        """Full-frame flow (2, 2, H0, W0) to (2, 2, H, W) in pixels of the crops."""
        corners = torch.tensor(boxes, dtype=torch.float32)
        cropped = crop_resize_flow(torch.as_tensor(flow, dtype=torch.float32), corners, self.size)
        shift = corners[0, :2] - corners[1, :2]
        scale = torch.tensor(self.size[::-1]) / (corners[0, 2:] - corners[0, :2])
        return cropped + (torch.stack([shift, -shift]) * scale)[:, :, None, None]

    def __repr__(self) -> str:
        return (
            f'{type(self).__name__}(area={self.area}, size={self.size}, aspect={self.aspect}, '
            f'jitter={self.jitter}, always_jitter={self.always_jitter})'
        )
