"""Flow that comes with a sample."""

from mmcv.transforms import BaseTransform

from poodle_mm.datasets.flow_cache import flow_cache_path, read_flow
from poodle_mm.registry import TRANSFORMS


@TRANSFORMS.register_module()
class LoadCachedFlow(BaseTransform):
    """Flow of this very pair from a folder that ``tools/cache_flow.py`` wrote; before the crop.

    Required keys: ``source``, ``source_id``, ``frame_ids``, ``ori_shape``. Added: ``flow``, float32
    (2, 2, H0, W0), ``[0]`` t to t + delta, ``[1]`` back, pixels of the full frame.

    Args:
        root: Folder of the cache.

    Raises:
        FileNotFoundError: If the pair was not cached.
        ValueError: If the file is damaged or belongs to frames of another size.
    """

    def __init__(self, root: str) -> None:
        self.root = root

    def transform(self, results: dict) -> dict:
        """Load the flow of one pair."""
        path = flow_cache_path(self.root, results['source_id'], results['frame_ids'])
        flow = read_flow(path)
        if flow.shape[-2:] != tuple(results['ori_shape']):
            raise ValueError(
                f'{path}: flow of {flow.shape[-2:]} (H, W) does not belong to frames of '
                f'{results["ori_shape"]}; delete the cache or name the right one'
            )
        results['flow'] = flow
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}(root={self.root!r})'
