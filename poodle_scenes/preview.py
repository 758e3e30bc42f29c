"""One picture of what the scenes give: frame, labels, flow and visibility."""

from pathlib import Path

import cv2
import numpy as np

from poodle_mm.catalog import STREET_PALETTE
from poodle_mm.utils.files import write_image
from poodle_scenes.flow import exact_flow
from poodle_scenes.scene import build_scene, render_frame


def draw_preview(
    path: str | Path,
    seeds: tuple[int, ...] = (20, 8),
    frame: int = 10,
    gap: int = 5,
    size: tuple[int, int] = (176, 320),
) -> None:
    """Draw one row per scene: frame, labels, flow to ``gap`` frames later, what stays visible.

    Args:
        path: the PNG to write.
        seeds: the scenes.
        frame: frame number.
        gap: frames between the two frames of the flow.
        size: (H, W) of each tile in pixels.
    """
    import torch
    from torchvision.utils import flow_to_image

    palette = np.uint8(STREET_PALETTE)
    rows = []
    for seed in seeds:
        scene = build_scene(seed, size, num_frames=frame + gap + 1)
        rgb, labels = render_frame(scene, frame / scene.spec.fps)
        flow, _, visible, _ = exact_flow(scene, frame, frame + gap)
        # What has left the picture may have gone very far: it would pale all the rest.
        limit = np.quantile(np.hypot(*flow)[visible], 0.98)
        flow = flow * np.minimum(1, limit / np.maximum(np.hypot(*flow), 1e-6))
        colours = flow_to_image(torch.from_numpy(flow)).permute(1, 2, 0).numpy()
        shown = np.where(visible[..., None], rgb, np.uint8((215, 60, 60)))
        rows.append(np.concatenate([rgb, palette[labels], colours, shown], axis=1))
    write_image(path, np.concatenate(rows)[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 9])
