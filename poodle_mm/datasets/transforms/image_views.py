"""Views of single frames, made by the image pipelines of OpenMMLab."""

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import cv2
import numpy as np
import torch
from mmcv.transforms import BaseTransform, Compose

from poodle_mm.registry import TRANSFORMS

_OF_THE_PAIR = ('frames', 'rng', 'flow', 'visible')
_OF_EACH_FRAME = ('frame_ids', 'timestamps')


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seed the global generators of ``random``, NumPy and torch (CPU) within.

    Each gets a stream of its own from ``seed``, a non-negative number of any size. Afterwards they
    go on from where they were.
    """
    before = random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002
    own = np.random.SeedSequence(seed).generate_state(3, np.uint64)
    try:
        random.seed(int(own[0]))
        np.random.seed(own[1:2].view(np.uint32))  # noqa: NPY002
        # torch.manual_seed would also seed the GPUs, which restoring the state does not undo
        torch.default_generator.manual_seed(int(own[2]))
        yield
    finally:
        random.setstate(before[0])
        np.random.set_state(before[1])  # noqa: NPY002
        torch.set_rng_state(before[2])


@TRANSFORMS.register_module()
class ImageViews(BaseTransform):
    """Run pipelines for single images on the frames of a pair.

    ``mmpretrain.MultiView`` for a pair: a list of views is left for ``mmpretrain.PackInputs``, so
    that methods that know nothing of video train on its frames. OpenMMLab's transforms draw from
    the global generators of ``random``, NumPy and torch. These are seeded with the pair's ``seed``
    and restored, so that a sample still depends on its key alone.

    Required keys: ``frames`` (two uint8 RGB (H0, W0, 3)), ``source``, ``seed``, ``rng``,
    ``frame_ids``, ``timestamps``. Removed: ``frames``, ``rng``, ``flow``, ``visible``. Modified:
    ``frame_ids`` and ``timestamps``, one entry a view. Added: ``img``, ``img_path`` (the source),
    ``img_shape``. A pipeline finds the frame in ``img``, uint8 BGR (H0, W0, 3), and nothing that
    another one left.

    Args:
        pipelines: One a view. Several leave the list of their ``img`` in ``img``. A single one may
            do anything, also pack: what it returns is the result.
        frames: The views' frames: ``'first'``, all of frame t, as methods for images are published;
            ``'random'``, all of frame t or all of t + delta; ``'pair'``, the first view of t and
            the second of t + delta, positives in time.
        scope: Scope of transforms that name none.
        view_keys: What several pipelines leave for each view besides ``img``: such a key holds a
            list, an entry a view, None where a pipeline left nothing.

    Raises:
        ValueError: For a wrong argument, or if one of several pipelines leaves no ``img``.
    """

    FRAMES = ('first', 'random', 'pair')

    def __init__(
        self,
        pipelines: Sequence[Sequence[dict | Callable]],
        frames: str = 'first',
        scope: str = 'mmpretrain',
        view_keys: Sequence[str] = (),
    ) -> None:
        if not pipelines:
            raise ValueError('ImageViews needs at least one pipeline')
        if frames not in self.FRAMES:
            raise ValueError(f'frames must be one of {self.FRAMES}, got {frames!r}')
        if frames == 'pair' and len(pipelines) != 2:
            raise ValueError(f"frames='pair' needs two pipelines, got {len(pipelines)}")
        self.frames = frames
        self.scope = scope
        self.view_keys = tuple(view_keys)
        with TRANSFORMS.switch_scope_and_registry(scope):
            self.pipelines = [Compose(list(pipeline)) for pipeline in pipelines]

    def transform(self, results: dict) -> dict:
        """Make the views of one pair."""
        chosen = self._choose(results['rng'])
        passed = {key: value for key, value in results.items() if key not in _OF_THE_PAIR}
        for key in _OF_EACH_FRAME:
            passed[key] = tuple(results[key][i] for i in chosen)
        images = [_image(results, i) for i in chosen]
        with seeded(results['seed']):
            views = [run({**passed, **image}) for run, image in zip(self.pipelines, images)]
        if len(views) == 1:
            return views[0]
        if not all(view and 'img' in view for view in views):
            raise ValueError(
                'each of several pipelines of ImageViews must leave its view in img: put the '
                'packing transform after ImageViews, not into its pipelines'
            )
        of_views = {key: [view.get(key) for view in views] for key in ('img', *self.view_keys)}
        return {**passed, **images[0], **of_views}

    def _choose(self, rng: np.random.Generator) -> list[int]:
        """0 (frame t) or 1 (t + delta) for each view."""
        if self.frames == 'pair':
            return [0, 1]
        frame = int(rng.integers(2)) if self.frames == 'random' else 0
        return [frame] * len(self.pipelines)

    def __repr__(self) -> str:
        return (
            f'{type(self).__name__}(pipelines={self.pipelines}, frames={self.frames!r}, '
            f'scope={self.scope!r}, view_keys={self.view_keys})'
        )


def _image(results: dict, index: int) -> dict:
    """A frame as OpenMMLab's loading transforms leave it."""
    image = cv2.cvtColor(results['frames'][index], cv2.COLOR_RGB2BGR)
    return dict(img=image, img_path=results['source'], img_shape=image.shape[:2])
