"""Flow that comes with a sample."""

from pathlib import Path

import numpy as np
from mmcv.transforms import BaseTransform

from poodle_mm.registry import TRANSFORMS

from ..flow_cache import flow_cache_path, read_flow


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


@TRANSFORMS.register_module()
class LoadSceneFlow(BaseTransform):
    """Exact flow and visibility of a synthetic scene, from the description beside its video.

    After the crop it is evaluated at the crop's own pixels, which is exact also at the borders of
    objects; before it, on the full frame, from where the crop resamples it.

    Required keys: ``source``, ``frame_ids``, ``frames``. Added: ``flow``, float32 (2, 2, H, W), as
    :class:`LoadCachedFlow`'s, in pixels of the frames as they are now, and ``visible``, bool
    (2, H, W): the pixel of frame i is seen in the other one.

    Raises:
        FileNotFoundError: If no ``<stem>.json`` lies beside the video.
        ValueError: After a crop that differs between the frames (delta = 0).
    """

    def transform(self, results: dict) -> dict:
        """Compute the flow of one pair."""
        from ..scenes import exact_flow

        description = Path(results['source']).with_suffix('.json')
        if not description.is_file():
            raise FileNotFoundError(
                f'{description}: LoadSceneFlow needs the scene that {results["source"]} shows; '
                'only synthetic scenes have exact flow'
            )
        if 'crop_box2' in results:
            raise ValueError('put LoadSceneFlow before PairRandomCrop when delta can be 0')
        forward, backward, *visible = exact_flow(
            description,
            *results['frame_ids'],
            crop_box=results.get('crop_box'),
            size=results['frames'][0].shape[:2],
        )
        results['flow'] = np.stack([forward, backward])
        results['visible'] = np.stack(visible)
        return results
