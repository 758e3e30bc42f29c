"""Base of the flow estimators: frozen, float32, any resolution, nothing to train or save."""

from abc import ABCMeta, abstractmethod
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from mmengine.structures import BaseDataElement
from torch import Tensor, nn

from poodle_mm.geometry.warp import crop_resize_flow


class FlowEstimator(nn.Module, metaclass=ABCMeta):
    """Frozen optical flow between the two frames of pairs, in both directions.

    It is called inside the data preprocessor: under ``torch.no_grad`` and in float32, also when
    the training step runs under autocast. It has no parameters, buffers or checkpoint keys: a
    subclass that needs a network builds it in a ``functools.cached_property``, which PyTorch does
    not register, so that optimizer, EMA, DDP, ``model.train()``, ``model.half()`` and checkpoints
    pass it by; it is then moved to the device of the images when it is used.

    Args:
        size: (h, w) at which the flow is estimated, or None for the size of the images. The flow
            is brought back to the grid and the pixels of the images.
    """

    def __init__(self, size: tuple[int, int] | None = None) -> None:
        super().__init__()
        if size is not None and (len(size) != 2 or min(size) < 1):
            raise ValueError(f'{type(self).__name__}: size is (height, width), got {size}')
        self.size = size and tuple(size)

    @torch.no_grad()
    def forward(
        self, a: Tensor, b: Tensor, samples: Sequence[BaseDataElement] | None = None
    ) -> tuple[Tensor, Tensor]:
        """Flow from each frame to the other.

        Args:
            a: (B, 3, H, W) frames t, RGB in [0, 1].
            b: (B, 3, H, W) frames t + Δ.
            samples: The B ``FramePairSample`` of the pairs; only :class:`CachedFlow` needs them.

        Returns:
            ``(flow_ab, flow_ba)``, each (B, 2, H, W) float32, channels (du, dv) in pixels of the
            H x W grid: pixel (u, v) of frame a is found in frame b at (u + du, v + dv).
        """
        if a.shape != b.shape or a.dim() != 4 or a.shape[1] != 3:
            raise ValueError(
                f'{type(self).__name__} takes two batches (B, 3, H, W), '
                f'got {tuple(a.shape)} and {tuple(b.shape)}'
            )
        shape = a.shape[-2:]
        with torch.autocast(a.device.type, enabled=False):
            a, b = a.float(), b.float()
            if self.size is None or self.size == shape:
                return self.estimate(a, b, samples)
            a, b = resize_images(a, self.size), resize_images(b, self.size)
            box = (0, 0, self.size[1], self.size[0])
            flow_ab, flow_ba = self.estimate(a, b, samples)
            return crop_resize_flow(flow_ab, box, shape), crop_resize_flow(flow_ba, box, shape)

    @abstractmethod
    def estimate(
        self, a: Tensor, b: Tensor, samples: Sequence[BaseDataElement] | None
    ) -> tuple[Tensor, Tensor]:
        """:meth:`forward` on float32 images that have the working size already."""


def resize_images(images: Tensor, size: tuple[int, int]) -> Tensor:
    """Images (B, 3, H, W) at the working size (h, w): bilinear, averaging where they shrink."""
    return F.interpolate(images, size, mode='bilinear', align_corners=False, antialias=True)
