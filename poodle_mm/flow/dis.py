"""Dense inverse search: flow on the CPU without any weights."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import torch
from mmengine.structures import BaseDataElement
from torch import Tensor
from torchvision.transforms.v2.functional import rgb_to_grayscale

from poodle_mm.flow.base import FlowEstimator
from poodle_mm.registry import MODELS

PRESETS = dict(
    ultrafast=cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST,
    fast=cv2.DISOPTICAL_FLOW_PRESET_FAST,
    medium=cv2.DISOPTICAL_FLOW_PRESET_MEDIUM,
)


@MODELS.register_module()
class DISFlow(FlowEstimator):
    """OpenCV's dense inverse search (Kroeger et al., 2016).

    Needs no weights and runs on the CPU wherever the images are. It is exact to hundredths of a
    pixel where the motion is a translation and breaks where objects change their size much
    between the frames: good for tests, demos and slow cameras, not for the paper's figures.

    Its search reaches a few pixels on each scale, so that it loses fast motion. An estimator that
    finds fast motion coarsely, such as a small network at half the size, can give the start.

    Args:
        preset: ``'ultrafast'``, ``'fast'`` or ``'medium'`` (1.3, 2.6 and 13 ms for one direction
            at 256 x 512 on one core).
        initial: Config of the estimator whose flow the search starts from, for example
            ``dict(type='UFlow', weights='small')``; None: it starts from zero.
        size: (h, w) at which the flow is estimated; None for the size of the images.
        num_threads: Pairs worked on at once; None for ``torch.get_num_threads()``. Training sets
            ``opencv_num_threads=0``, so that these are all threads there are.
    """

    def __init__(
        self,
        preset: str = 'medium',
        size: tuple[int, int] | None = None,
        num_threads: int | None = None,
        initial: dict | None = None,
    ) -> None:
        super().__init__(size)
        if preset not in PRESETS:
            raise ValueError(f'DISFlow: preset {preset!r} is not one of {", ".join(PRESETS)}')
        if num_threads is not None and num_threads < 1:
            raise ValueError(f'DISFlow: num_threads must be at least 1, got {num_threads}')
        self.preset = preset
        self.num_threads = num_threads
        self.initial = MODELS.build(initial) if initial else None

    def estimate(
        self, a: Tensor, b: Tensor, samples: Sequence[BaseDataElement] | None
    ) -> tuple[Tensor, Tensor]:
        starts: Sequence = [None] * len(a)
        if self.initial is not None:
            both = torch.stack(self.initial(a, b, samples))
            starts = both.permute(1, 0, 3, 4, 2).contiguous().cpu().numpy()
        with ThreadPoolExecutor(self.num_threads or torch.get_num_threads()) as pool:
            flows = np.stack(list(pool.map(self._both_ways, to_grey(a), to_grey(b), starts)))
        return tuple(torch.from_numpy(flows).to(a.device).permute(1, 0, 4, 2, 3).contiguous())

    def _both_ways(self, a: np.ndarray, b: np.ndarray, start: np.ndarray | None) -> np.ndarray:
        """Flow (2, H, W, 2) from a start of that layout, which is overwritten.

        DIS works in buffers that it keeps: each call has an object of its own.
        """
        dis = cv2.DISOpticalFlow.create(PRESETS[self.preset])
        least = dis.getPatchSize() << dis.getFinestScale()
        if min(a.shape) < least:  # OpenCV may crash on such images
            raise ValueError(
                f'DISFlow: preset {self.preset!r} needs images of at least {least} x {least} '
                f'pixels, got {a.shape[0]} x {a.shape[1]}: give larger crops or a larger size'
            )
        there, back = (None, None) if start is None else start
        return np.stack([dis.calc(a, b, there), dis.calc(b, a, back)])


def to_grey(images: Tensor) -> np.ndarray:
    """RGB images (B, 3, H, W) in [0, 1] as OpenCV takes them: (B, H, W) uint8."""
    grey = rgb_to_grayscale(images)[:, 0] * 255
    return grey.round().clamp(0, 255).byte().cpu().numpy()
