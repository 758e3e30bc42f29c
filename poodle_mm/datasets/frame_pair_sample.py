"""What travels with a pair of frames."""

from mmengine.structures import BaseDataElement
from torch import Tensor


class FramePairSample(BaseDataElement):
    """Origin of one pair of frames and, where it is known, its flow.

    Frame 0 is t, frame 1 is t + delta.

    Meta information:
        - ``source`` (str): path of the video file, or of the frames without their numbers.
        - ``source_id`` (str): the same relative to ``data_root`` with ``/``; the key of caches.
        - ``frame_ids`` (tuple[int, int]): positions in the video, or the frames' own numbers.
        - ``timestamps`` (tuple[float, float]): seconds from the first frame of the source.
        - ``ori_shape`` (tuple[int, int]): (H0, W0) of the full frame.
        - ``crop_box`` (tuple): (x0, y0, x1, y1) edges of frame 0's crop in the full frame.
        - ``crop_box2`` (tuple): edges of frame 1's crop; only present where it differs.
        - ``seed`` (int): 63 bits; everything random that later happens to the pair draws from it.
        - ``rejected`` (dict[str, int]): draws thrown away before this pair, by reason; only present
          where there were any.
    """

    @property
    def flow(self) -> Tensor:
        """(2, 2, H, W) float32, ``[0]`` t to t + delta, ``[1]`` back, pixels of the H x W crop."""
        return self._flow

    @flow.setter
    def flow(self, value: Tensor) -> None:
        self.set_field(value, '_flow', dtype=Tensor)

    @flow.deleter
    def flow(self) -> None:
        del self._flow

    @property
    def visible(self) -> Tensor:
        """(2, H, W) bool: the pixel of frame i is seen in the other frame (exact, if known)."""
        return self._visible

    @visible.setter
    def visible(self, value: Tensor) -> None:
        self.set_field(value, '_visible', dtype=Tensor)

    @visible.deleter
    def visible(self) -> None:
        del self._visible
