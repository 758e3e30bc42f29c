"""Frames, flow and labels as pictures: uint8 RGB (..., H, W, 3)."""

import math
from collections.abc import Sequence

import numpy as np
import torch
from matplotlib import colormaps
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from torch import Tensor
from torchvision.utils import flow_to_image

from poodle_mm.catalog import IMAGENET_MEAN, IMAGENET_STD
from poodle_mm.geometry.consistency import warp_image

SUBCROP_COLOURS = (
    '#ff4d4d', '#ffc61a', '#59d927', '#2ec7ff', '#c27dff', '#ff8c33', '#ff66c4', '#3be0c0',
)  # fmt: skip
"""A colour a pair of subcrops."""
HIDDEN = (0.9, 0.15, 0.2)
"""Red over pixels without a visible counterpart."""
FLOW_MEANING = (
    'flow: the hue is the direction of motion, as seen from the centre of the wheel, white no '
    'motion; full colour: as fast as the rim, or faster'
)
"""What :func:`flow_colours` shows, for legends."""
UNKNOWN = (0.75, 0.75, 0.75)
LARGEST_ERROR = 64.0
WARP_ERROR_SCALE = colormaps['inferno'](np.linspace(0, 1, 24))[:, :3].tolist()
"""Colours of 0 to ``LARGEST_ERROR`` grey levels."""
WARP_ERROR_MEANING = (
    f'0 to {LARGEST_ERROR:.0f} grey levels of 255, mean of the three colours; grey, and not in the '
    'mean: without a visible counterpart'
)
"""What :func:`warp_error_colours` shows, for legends."""
_BELOW_3 = '#313695', '#4575b4', '#74add1', '#abd9e9', '#e0f3f8'
_ABOVE_3 = '#fee090', '#fdae61', '#f46d43', '#d73027', '#a50026'
ENDPOINT_SCALE = [to_rgb(colour) for colour in _BELOW_3 + _ABOVE_3]
"""Colours of endpoint errors: below 3/16 pixel, below twice as much, and so on; above 48."""


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
    """Pictures of (N, 3, H, W) images, dimmed and red where (N, H, W) is true, or by how much."""
    red = torch.tensor(HIDDEN).view(3, 1, 1)
    return to_images(torch.lerp(images, red, 0.65 * where[:, None].to(images.dtype)))


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
    return paled(warp_image(frames.flip(0), flow)[0], visible)


def paled(images: Tensor, visible: Tensor) -> np.ndarray:
    """Pictures of (N, 3, H, W) images, pale where (N, H, W) is false, or by how much."""
    hidden = 1 - visible[:, None].to(images.dtype)
    return to_images(torch.lerp(images, torch.ones(()), 0.7 * hidden))


def warp_error_colours(error: Tensor, visible: Tensor) -> np.ndarray:
    """Colours of (N, H, W) errors in grey levels by ``WARP_ERROR_SCALE``; grey where hidden.

    Args:
        error: Grey levels, 0 to 255.
        visible: (N, H, W) bool or in [0, 1]: how much a pixel counts.
    """
    colours = torch.from_numpy(colormaps['inferno']((error / LARGEST_ERROR).clamp(0, 1).numpy()))
    unknown = torch.tensor(UNKNOWN, dtype=colours.dtype)
    mixed = torch.lerp(unknown, colours[..., :3], visible[..., None].to(colours.dtype))
    return to_images(mixed.movedim(-1, 1))


def grey_levels(error: Tensor, visible: Tensor) -> str:
    """Mean of an (H, W) error over what is visible, for titles."""
    mean = float((error * visible).sum() / visible.sum())
    return f'{mean:.1f} grey levels' if math.isfinite(mean) else 'unknown'


def endpoint_colours(error: Tensor, known: Tensor) -> np.ndarray:
    """Colours of (N, H, W) endpoint errors in pixels by ``ENDPOINT_SCALE``; grey where unknown.

    A colour is twice the error of the one before it, and red begins at 3 pixels, as in KITTI.
    """
    steps = (error / 3).clamp(min=1e-6).log2().floor().long() + 5
    colours = torch.tensor(ENDPOINT_SCALE)[steps.clamp(0, 9)]
    colours[~known] = torch.tensor(UNKNOWN)
    return to_images(colours.movedim(-1, 1))


def label_colours(labels: np.ndarray, palette: Sequence[Sequence[int]]) -> np.ndarray:
    """Class ids, uint8 (..., H, W), in the colours of a palette; others are white."""
    colours = np.full((256, 3), 255, np.uint8)
    colours[: len(palette)] = palette
    return colours[labels]
