"""Exact flow for the pairs of a training on scenes."""

from pathlib import Path

import numpy as np
from mmcv.transforms import BaseTransform

from poodle_mm.registry import TRANSFORMS
from poodle_scenes.flow import exact_flow


@TRANSFORMS.register_module()
class LoadSceneFlow(BaseTransform):
    """Exact flow and visibility of a synthetic scene, from the description beside its video.

    After the crop it is evaluated at the crop's own pixels, which is exact also at the borders of
    objects; before it, on the full frame, from where the crop resamples it.

    Required keys: ``source``, ``frame_ids``, ``frames``. Added: ``flow``, float32 (2, 2, H, W), as
    ``LoadCachedFlow``'s, in pixels of the frames as they are now, and ``visible``, bool (2, H, W):
    the pixel of frame i is seen in the other one.

    Raises:
        FileNotFoundError: If no ``<stem>.json`` lies beside the video.
        ValueError: After a crop that differs between the frames (delta = 0).
    """

    def transform(self, results: dict) -> dict:
        """Compute the flow of one pair."""
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
