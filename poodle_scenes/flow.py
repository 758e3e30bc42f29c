"""Exact optical flow and true visibility between two frames of a scene.

Every surface is a plane, so it moves between two images by a homography; a pixel's flow is that of
the surface it shows. Nothing is interpolated or matched.
"""

from pathlib import Path

import numpy as np

from poodle_scenes.geometry import View
from poodle_scenes.raster import cast, rasterize
from poodle_scenes.scene import Scene, load_scene

_SAME_DEPTH = 1e-4  # relative
_ROUNDING = 1e-6  # pixels
_REACH = 8  # image sides


def exact_flow(
    scene: Scene | str | Path,
    frame_a: int,
    frame_b: int,
    crop_box: tuple[float, float, float, float] | None = None,
    size: tuple[int, int] | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Flow both ways between two frames, and which pixels of each can be seen in the other.

    Args:
        scene: a scene or the path of its JSON description.
        frame_a, frame_b: frame numbers (0-based).
        crop_box: (x0, y0, x1, y1) edges in pixels of the full frame; default the full frame.
        size: (H, W) to which the crop is resized; default the crop's own, rounded. The flow is
            evaluated at the centres of these pixels, not resampled.

    Returns:
        - ``flow_ab``: float32 (2, H, W), (du, dv) in pixels of the H×W grid: the point that pixel
          (u, v) of frame a shows is at (u + du, v + dv) in frame b. Limited to 8 times the longer
          side; points that pass behind the camera get that limit's order of magnitude.
        - ``flow_ba``: float32 (2, H, W), the same from b to a.
        - ``visible_ab``: bool (H, W), the pixel of frame a lands inside frame b
          (``0 <= u <= W-1``, ``0 <= v <= H-1``) and is not hidden there.
        - ``visible_ba``: bool (H, W), the same from b to a.

    Raises:
        FileNotFoundError: the JSON description does not exist.
        ValueError: a frame number outside the scene, or an empty crop.
    """
    if not isinstance(scene, Scene):
        scene = load_scene(scene)
    for frame in (frame_a, frame_b):
        if not 0 <= frame < scene.spec.num_frames:
            raise ValueError(
                f'frame {frame} is outside scene {scene.spec.seed}, '
                f'which has frames 0 to {scene.spec.num_frames - 1}'
            )
    height, width = scene.spec.size
    box = crop_box or (0, 0, width, height)
    if not (box[2] > box[0] and box[3] > box[1]):
        raise ValueError(f'empty crop_box {box}: give (x0, y0, x1, y1) with x0 < x1 and y0 < y1')
    size = size or (round(box[3] - box[1]), round(box[2] - box[0]))

    views = [scene.view(frame / scene.spec.fps, box, size) for frame in (frame_a, frame_b)]
    buffers = [rasterize(view, scene.alpha, size) for view in views]
    flow_ab, visible_ab = _one_way(scene, *views, *buffers[0])
    flow_ba, visible_ba = _one_way(scene, *views[::-1], *buffers[1])
    return flow_ab, flow_ba, visible_ab, visible_ba


def _one_way(
    scene: Scene, a: View, b: View, ids: np.ndarray, inverse_depth: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Flow (2, H, W) and visibility (H, W) of view a's pixels in view b."""
    height, width = ids.shape
    # (u, v, 1) → (s, t, 1) / depth_a → depth_b / depth_a * (u', v', 1)
    homographies = b.to_pixel @ a.from_pixel
    present, which = np.unique(ids, return_inverse=True)
    h = homographies[present].reshape(-1, 9).T[:, which.reshape(ids.shape)]
    u = np.arange(width, dtype=np.float64)
    v = np.arange(height, dtype=np.float64)[:, None]
    x, y, depth_ratio = (h[i] * u + h[i + 1] * v + h[i + 2] for i in (0, 3, 6))
    before = depth_ratio > 1e-3
    depth_ratio = np.maximum(depth_ratio, 1e-3)
    limit = _REACH * max(ids.shape)
    flow = np.clip(np.stack([x / depth_ratio - u, y / depth_ratio - v]), -limit, limit)
    points = flow + np.stack(np.broadcast_arrays(u, v))
    last = np.array([width - 1, height - 1])[:, None, None]
    inside = before & ((points >= -_ROUNDING) & (points <= last + _ROUNDING)).all(axis=0)
    nearest = cast(b, scene.alpha, np.maximum(points[:, inside].T, 0))
    visible = inside.copy()
    expected = (inverse_depth / depth_ratio)[inside]
    # The point's own surface, or one that touches it there, may be the nearest; nothing nearer.
    visible[inside] = nearest <= expected * (1 + _SAME_DEPTH) + 1e-9
    return flow.astype(np.float32), visible
