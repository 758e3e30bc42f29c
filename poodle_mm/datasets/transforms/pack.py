"""The last transform: tensors."""

import cv2
import numpy as np
import torch
from mmcv.transforms import BaseTransform

from poodle_mm.datasets.frame_pair_sample import FrameClipSample, FramePairSample
from poodle_mm.registry import TRANSFORMS


@TRANSFORMS.register_module()
class PackFrameClip(BaseTransform):
    """Pack a clip into a tensor and a ``FrameClipSample``.

    Required keys: ``frames`` (list of N uint8 RGB (H, W, 3) of one shape), and those of
    ``meta_keys`` that there are.

    Args:
        meta_keys: Keys copied into the sample's meta information when present.

    Returns:
        ``dict(inputs=uint8 (N, 3, H, W), data_samples=FrameClipSample)``.
    """

    META_KEYS = (
        *('source', 'source_id', 'frame_ids', 'timestamps', 'ori_shape', 'crop_box', 'crop_box2'),
        *('seed', 'rejected'),
    )
    SAMPLE: type[FrameClipSample] = FrameClipSample

    def __init__(self, meta_keys: tuple[str, ...] = META_KEYS) -> None:
        self.meta_keys = tuple(meta_keys)

    def transform(self, results: dict) -> dict:
        """Pack one clip."""
        frames = results['frames']
        first = frames[0]
        for frame in frames:
            if frame.shape != first.shape:
                raise ValueError(
                    f'{results["source"]}: frames {results["frame_ids"]} differ in size: '
                    f'{first.shape[:2]} and {frame.shape[:2]}'
                )
        inputs = np.empty((len(frames), first.shape[2], *first.shape[:2]), first.dtype)
        # channels straight to their places: a tenth of the time of stacking and transposing
        for place, frame in zip(inputs, frames):
            cv2.split(frame, list(place))
        sample = self.SAMPLE()
        sample.set_metainfo({key: results[key] for key in self.meta_keys if key in results})
        return dict(inputs=torch.from_numpy(inputs), data_samples=sample)

    def __repr__(self) -> str:
        return f'{type(self).__name__}(meta_keys={self.meta_keys})'


@TRANSFORMS.register_module()
class PackFramePair(PackFrameClip):
    """Pack a pair into tensors and a ``FramePairSample``.

    Required keys: those of :class:`PackFrameClip`. Optional: ``flow`` (2, 2, H, W), ``visible``
    (2, H, W).

    Args:
        meta_keys: Keys copied into the sample's meta information when present.

    Returns:
        ``dict(inputs=uint8 (2, 3, H, W), data_samples=FramePairSample)``.
    """

    SAMPLE = FramePairSample

    def transform(self, results: dict) -> dict:
        """Pack one pair."""
        packed = super().transform(results)
        sample = packed['data_samples']
        if 'flow' in results:
            sample.flow = torch.as_tensor(results['flow'], dtype=torch.float32)
        if 'visible' in results:
            sample.visible = torch.as_tensor(results['visible'], dtype=torch.bool)
        return packed
