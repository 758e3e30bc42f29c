"""What every estimator has to beat: no motion, one motion for all, and OpenCV's classic."""

from abc import abstractmethod
from collections.abc import Sequence

import cv2
import numpy as np
import torch
from mmengine.structures import BaseDataElement
from torch import Tensor

from poodle_mm.flow.base import FlowEstimator
from poodle_mm.flow.dis import to_grey
from poodle_mm.registry import MODELS


class _OnTheCPU(FlowEstimator):
    """An estimator of grey uint8 images, one direction after the other."""

    def estimate(
        self, a: Tensor, b: Tensor, samples: Sequence[BaseDataElement] | None
    ) -> tuple[Tensor, Tensor]:
        grey = [to_grey(x) for x in (a, b)]
        ways = (zip(*grey), zip(*grey[::-1]))
        flows = [np.stack([self.one_way(x, y) for x, y in way]) for way in ways]
        return tuple(torch.from_numpy(f).to(a.device).movedim(-1, 1).contiguous() for f in flows)

    @abstractmethod
    def one_way(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """Float32 (H, W, 2) from a to b."""


@MODELS.register_module()
class ZeroFlow(_OnTheCPU):
    """No motion."""

    def one_way(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return np.zeros((*a.shape, 2), np.float32)


@MODELS.register_module()
class TranslationFlow(_OnTheCPU):
    """One motion for all pixels, found by phase correlation in a Hann window."""

    def one_way(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        window = cv2.createHanningWindow(a.shape[::-1], cv2.CV_32F)
        if a.min() == a.max() or b.min() == b.max():  # nothing to correlate: half the image wide
            return np.zeros((*a.shape, 2), np.float32)
        motion, _ = cv2.phaseCorrelate(a.astype(np.float32), b.astype(np.float32), window)
        return np.broadcast_to(np.float32(motion), (*a.shape, 2)).copy()


@MODELS.register_module()
class FarnebackFlow(_OnTheCPU):
    """OpenCV's polynomial expansion (Farnebäck, 2003).

    Args:
        levels: Levels of the pyramid, each half of the one before.
        window: Side of the averaging window, pixels.
        iterations: Iterations a level.
        size: (h, w) at which the flow is estimated; None for the size of the images.
    """

    def __init__(
        self,
        levels: int = 5,
        window: int = 21,
        iterations: int = 3,
        size: tuple[int, int] | None = None,
    ) -> None:
        super().__init__(size)
        self.options = dict(pyr_scale=0.5, levels=levels, winsize=window, iterations=iterations)
        self.options |= dict(poly_n=7, poly_sigma=1.5, flags=cv2.OPTFLOW_FARNEBACK_GAUSSIAN)

    def one_way(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return cv2.calcOpticalFlowFarneback(a, b, None, **self.options)
