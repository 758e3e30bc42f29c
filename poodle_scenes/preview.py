"""One picture of what the scenes give: frame, labels, flow and visibility."""

from pathlib import Path

import cv2
import numpy as np

from poodle_mm.catalog import STREET_CLASSES, STREET_PALETTE
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
        size: (H, W) of each frame in pixels.
    """
    import torch

    from poodle_mm.visualization import images
    from poodle_mm.visualization.panels import draw_columns

    scenes = [build_scene(seed, size, num_frames=frame + gap + 1) for seed in seeds]
    views = [render_frame(scene, frame / scene.spec.fps) for scene in scenes]
    motion = [exact_flow(scene, frame, frame + gap) for scene in scenes]
    frames, labels = (np.stack(part) for part in zip(*views))
    flow, visible = (torch.from_numpy(np.stack(part)) for part in list(zip(*motion))[0:3:2])
    # What has left the picture may have gone very far: it would pale all the rest.
    longest = flow.norm(dim=1)[visible].quantile(0.98)
    photos = torch.from_numpy(frames).movedim(-1, 1) / 255
    seconds = gap / scenes[0].spec.fps
    present = np.unique(labels[labels < len(STREET_CLASSES)])
    figure = draw_columns(
        {
            'frame': frames,
            'labels': images.label_colours(labels, STREET_PALETTE),
            f'flow to the frame {seconds:.1f} s later': images.flow_colours(flow, longest),
            'what is still visible there': images.tinted(photos, ~visible),
        },
        names={STREET_CLASSES[n]: STREET_PALETTE[n] for n in present},
        lines=[
            (images.flow_hues(), images.FLOW_MEANING),
            ((images.HIDDEN,), 'occluded in the later frame, or outside of it'),
        ],
        fastest=longest.item(),
    )
    picture = images.rendered(figure)[..., ::-1]
    write_image(path, picture, [cv2.IMWRITE_PNG_COMPRESSION, 9])
