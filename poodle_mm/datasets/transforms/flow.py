"""Flow that comes with a sample."""

from functools import cached_property

import torch
from mmcv.transforms import BaseTransform

from poodle_mm.datasets.flow_cache import find_flow, read_flow
from poodle_mm.datasets.flow_note import noted_size
from poodle_mm.geometry.warp import crop_resize_flow
from poodle_mm.registry import TRANSFORMS


@TRANSFORMS.register_module()
class LoadCachedFlow(BaseTransform):
    """Flow of this very pair from a folder that ``tools/cache_flow.py`` wrote; before the crop.

    In which format it is kept is seen; at which size, says ``estimator.json`` there.

    Required keys: ``source``, ``source_id``, ``frame_ids``, ``ori_shape``. Added: ``flow``, float32
    (2, 2, H0, W0), ``[0]`` t to t + delta, ``[1]`` back, pixels of the full frame.

    Args:
        root: Folder of the cache.

    Raises:
        FileNotFoundError: If the pair was not cached.
        ValueError: If a file is damaged or belongs to frames of another size.
    """

    def __init__(self, root: str) -> None:
        self.root = root

    @cached_property
    def _size(self) -> tuple[int, int] | None:
        return noted_size(self.root)

    def transform(self, results: dict) -> dict:
        """Load the flow of one pair."""
        path = find_flow(self.root, results['source_id'], results['frame_ids'])
        flow, shape = read_flow(path), tuple(results['ori_shape'])
        height, width = flow.shape[-2:]
        if (height, width) != (self._size or shape):
            raise ValueError(
                f'{path}: flow of {height, width} (H, W) does not belong to frames of {shape}'
                f'{f" in a cache of size {self._size}" if self._size else ""}; '
                'delete the cache or name the right one'
            )
        if (height, width) != shape:
            box = (0, 0, width, height)
            flow = crop_resize_flow(torch.from_numpy(flow), box, shape).numpy()
        results['flow'] = flow
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}(root={self.root!r})'
