"""Frames, flow and labels as pictures: uint8 RGB (..., H, W, 3)."""

from collections.abc import Sequence

import numpy as np
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from torch import Tensor
from torchvision.utils import flow_to_image

from poodle_mm.catalog import IMAGENET_MEAN, IMAGENET_STD
from poodle_mm.geometry.warp import pixel_grid, sample_bilinear

HIDDEN = (0.9, 0.15, 0.2)
"""Red over pixels without a visible counterpart."""
FLOW_MEANING = (
    'flow: the hue is the direction of motion, as seen from the centre of the wheel, white no '
    'motion; full colour: as fast as the rim, or faster'
)
"""What :func:`flow_colours` shows, for legends."""


def to_images(images: Tensor) -> np.ndarray:
    """(N, 3, H, W) in [0, 1] to uint8 (N, H, W, 3)."""
    return (images.clamp(0, 1) * 255).round().byte().movedim(1, -1).numpy()


def denormalised(images: Tensor) -> np.ndarray:
    """Pictures of (N, 3, H, W) images that were normalised by ImageNet's mean and deviation."""
    mean, std = (torch.tensor(x).view(3, 1, 1) for x in (IMAGENET_MEAN, IMAGENET_STD))
    return to_images(images * std + mean)


def rendered(figure: Figure) -> np.ndarray:
    """Pixels of a figure, uint8 (h, w, 3)."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def tinted(images: Tensor, where: Tensor) -> np.ndarray:
    """Pictures of (N, 3, H, W) images, dimmed and red where (N, H, W) is true."""
    red = torch.tensor(HIDDEN).view(3, 1, 1)
    return to_images(torch.where(where[:, None], 0.35 * images + 0.65 * red, images))


def flow_colours(flow: Tensor, longest: Tensor) -> np.ndarray:
    """Colours of (N, 2, H, W) flow: direction as hue, length as strength, full from ``longest`` on.

    :func:`flow_wheel` shows them.
    """
    length = flow.norm(dim=1, keepdim=True)
    clipped = flow * (longest / length.clamp(min=1e-6)).clamp(max=1)
    # torchvision scales by the longest vector that it finds: let it find one of that length.
    ruler = torch.zeros_like(clipped[..., :1])
    ruler[:, 0] = longest
    return flow_to_image(torch.cat([clipped, ruler], dim=-1))[..., :-1].movedim(1, -1).numpy()


def flow_wheel(size: int = 201) -> np.ndarray:
    """Colours of flow, uint8 (size, size, 3): seen from the centre, a place has its own direction.

    The rim has full strength; beyond it all is white.
    """
    steps = torch.linspace(-1, 1, size)
    flow = torch.stack(torch.meshgrid(steps, steps, indexing='xy'))
    colours = flow_colours(flow[None], torch.tensor(1.0))[0]
    colours[(flow.norm(dim=0) > 1).numpy()] = 255
    return colours


def flow_hues() -> np.ndarray:
    """Colours of flow to the right, down, left and up, float (4, 3) in [0, 1]."""
    middle, last = 10, 19
    wheel = flow_wheel(2 * middle + 1)
    return wheel[(middle, last, middle, 1), (last, middle, 1, middle)] / 255


def fetched(frames: Tensor, flow: Tensor, visible: Tensor) -> np.ndarray:
    """Backward-warp each frame of a pair to the other; white where nothing visible is there."""
    points = pixel_grid(flow.shape[-2:]) + flow.movedim(1, -1)
    found = sample_bilinear(frames.flip(0), points)
    return to_images(torch.where(visible[:, None], found, 0.3 * found + 0.7))


def label_colours(labels: np.ndarray, palette: Sequence[Sequence[int]]) -> np.ndarray:
    """Class ids, uint8 (..., H, W), in the colours of a palette; others are white."""
    colours = np.full((256, 3), 255, np.uint8)
    colours[: len(palette)] = palette
    return colours[labels]
