"""Views of the frames of a clip, made by the image pipelines of OpenMMLab."""

from collections.abc import Callable, Sequence

import cv2
import numpy as np
import torch
from mmcv.transforms import BaseTransform, Compose
from torch import Tensor

from poodle_mm.datasets.frame_pair_sample import FrameClipSample
from poodle_mm.datasets.transforms.image_views import seeded
from poodle_mm.datasets.transforms.pack import PackFrameClip
from poodle_mm.registry import TRANSFORMS


@TRANSFORMS.register_module()
class ClipViews(BaseTransform):
    """Global views of a whole clip and local views of each of its frames (DoRA §4), packed.

    A global view is one draw of ``clip`` for all frames: the same crop, mirroring and colours, so
    that objects move from frame to frame as they did before. A local view is drawn for itself.
    OpenMMLab's transforms draw from the global generators, which are seeded with the clip's
    ``seed`` and restored.

    Required keys: ``frames`` (N uint8 RGB (H0, W0, 3) of one shape), ``seed``, and those of
    ``PackFrameClip.META_KEYS`` that there are. A pipeline finds the frame in ``img``, uint8 BGR,
    and leaves its view there.

    Args:
        clip: Pipeline of a global view.
        local: Pipeline of a local view.
        num_clips: Global views (V).
        num_locals: Local views of each frame (L).
        scope: Scope of transforms that name none.

    Returns:
        ``dict(inputs=[V uint8 (N, 3, H, W), and with L > 0 uint8 (N, L, 3, h, w)],
        data_samples=FrameClipSample)``, RGB.

    Raises:
        ValueError: For a wrong argument, or if the frames differ in size.
    """

    def __init__(
        self,
        clip: Sequence[dict | Callable],
        local: Sequence[dict | Callable] = (),
        num_clips: int = 1,
        num_locals: int = 6,
        scope: str = 'mmpretrain',
    ) -> None:
        if num_clips < 1 or num_locals < 0:
            raise ValueError(
                'ClipViews needs num_clips >= 1 and num_locals >= 0, got '
                f'{num_clips} and {num_locals}'
            )
        self.num_clips = num_clips
        self.num_locals = num_locals
        self.scope = scope
        with TRANSFORMS.switch_scope_and_registry(scope):
            self.clip, self.local = Compose(list(clip)), Compose(list(local))

    def transform(self, results: dict) -> dict:
        """Make and pack the views of one clip."""
        frames = results['frames']
        shapes = {frame.shape for frame in frames}
        if len(shapes) > 1:
            raise ValueError(f'{results["source"]}: the frames of a clip differ: {sorted(shapes)}')
        images = [cv2.cvtColor(frame, cv2.COLOR_RGB2BGR) for frame in frames]
        rng = np.random.default_rng([results['seed'], 1])
        seeds = rng.integers(2**63, size=self.num_clips).tolist()
        views = [torch.stack([_view(self.clip, i, seed) for i in images]) for seed in seeds]
        if self.num_locals:
            seeds = rng.integers(2**63, size=(len(images), self.num_locals)).tolist()
            views.append(
                torch.stack(
                    [
                        torch.stack([_view(self.local, image, seed) for seed in own])
                        for image, own in zip(images, seeds)
                    ]
                )
            )
        sample = FrameClipSample()
        keys = [key for key in PackFrameClip.META_KEYS if key in results]
        sample.set_metainfo({key: results[key] for key in keys})
        return dict(inputs=views, data_samples=sample)

    def __repr__(self) -> str:
        return (
            f'{type(self).__name__}(clip={self.clip}, local={self.local}, '
            f'num_clips={self.num_clips}, num_locals={self.num_locals}, scope={self.scope!r})'
        )


def _view(pipeline: Compose, image: np.ndarray, seed: int) -> Tensor:
    """(3, H, W) uint8 RGB of what a pipeline makes of a frame with a seed of its own."""
    with seeded(seed):
        view = pipeline(dict(img=image.copy(), img_shape=image.shape[:2]))['img']
    return torch.from_numpy(np.ascontiguousarray(view[..., ::-1].transpose(2, 0, 1)))
