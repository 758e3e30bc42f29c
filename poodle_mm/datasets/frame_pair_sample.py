"""Descriptions of a clip and of a pair of frames."""

from mmengine.structures import BaseDataElement
from torch import Tensor


def _tensor_field(name: str, doc: str) -> property:
    """A property that keeps a tensor among the data of a ``BaseDataElement``."""
    return property(
        lambda self: getattr(self, name),
        lambda self, value: self.set_field(value, name, dtype=Tensor),
        lambda self: delattr(self, name),
        doc,
    )


class FrameClipSample(BaseDataElement):
    """Origin of the N frames of a clip.

    Meta information:
        - ``source`` (str): path of the video file, or of the frames without their numbers.
        - ``source_id`` (str): the same relative to ``data_root`` with ``/``; the key of caches.
        - ``frame_ids`` (tuple[int, ...]): positions in the video, or the frames' own numbers.
        - ``timestamps`` (tuple[float, ...]): seconds from the first frame of the source.
        - ``ori_shape`` (tuple[int, int]): (H0, W0) of the full frame.
        - ``crop_box`` (tuple): (x0, y0, x1, y1) edges of frame 0's crop in the full frame.
        - ``crop_box2`` (tuple): edges of the other frames' crop; only present where it differs.
        - ``seed`` (int): 63 bits; everything random that later happens to the clip draws from it.
        - ``rejected`` (dict[str, int]): draws thrown away before this clip, by reason; only present
          where there were any.
    """


class FramePairSample(FrameClipSample):
    """Origin of one pair of frames and, where it is known, its flow.

    Frame 0 is t, frame 1 is t + delta; the meta information is that of :class:`FrameClipSample`.
    """

    flow = _tensor_field(
        '_flow',
        '(2, 2, H, W) float32, ``[0]`` t to t + delta, ``[1]`` back, pixels of the H x W crop.',
    )
    visible = _tensor_field(
        '_visible', '(2, H, W) bool: pixels of a frame that are seen in the other one, where known.'
    )
