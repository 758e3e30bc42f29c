"""Pictures of what the network sees: tensors in, a figure out; no files, no pyplot state."""

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import ConnectionPatch, Rectangle
from torch import Tensor
from torchvision.utils import flow_to_image

from poodle_mm.geometry.warp import pixel_grid, sample_bilinear

_IMAGENET_MEAN = torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)
_IMAGENET_STD = torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)
_NAMES = ('t', 't+Δ')
_COLOURS = ('#ff4d4d', '#ffc61a', '#59d927', '#2ec7ff', '#c27dff', '#ff8c33', '#ff66c4', '#3be0c0')
_WIDTH, _GAP, _TITLE = 14.0, 0.14, 0.26  # inches


def draw_pair(
    views: dict[str, Tensor], index: int = 0, features: dict[str, Tensor] | None = None
) -> Figure:
    """Draw one pair of a batch; frame t fills the left half, frame t+Δ the right half.

    From top to bottom: the crops with the boxes of the subcrops whose online frame is t, the two of
    a pair in one colour and joined by a line (dashed: no valid centre was found); the subcrops; the
    flow to the other frame; the other frame fetched by this flow, which looks like this frame where
    the flow is right; the pixels without a visible counterpart; the dense view; features as
    colours.

    Args:
        views: What ``FramePairPreprocessor`` returns (see ``docs/architecture.md``).
        index: Which pair of the batch.
        features: Name to float (2, B, C, h, w) maps of the dense views.

    Returns:
        A figure 14 inches wide; ``figure.savefig(path)`` writes it.
    """
    views = {name: value.detach().cpu() for name, value in views.items()}
    frames, flow = views['frames'][:, index], views['flow'][:, index]
    visible = views['visible'][:, index]
    subcrops = views['subcrops'][:, 0, index] if 'subcrops' in views else None

    speed = flow.norm(dim=1).flatten(1).quantile(0.99, dim=1)
    columns = [
        (
            [f'flow to {_NAMES[1 - i]}, up to {speed[i]:.0f} pixels' for i in (0, 1)],
            _flow_colours(flow, speed.max()),
        ),
        ([f'{_NAMES[1 - i]} fetched by this flow' for i in (0, 1)], _fetch(frames, flow, visible)),
        (
            [f'{1 - share:.0%} without a visible counterpart' for share in _shares(visible)],
            _to_image(_tint(frames, ~visible)),
        ),
        (['dense view'] * 2, _to_image(_denormalise(views['dense'][:, index]))),
    ]
    for name, maps in (features or {}).items():
        columns.append(([f'{name} features'] * 2, feature_pca(maps[:, index])))

    height, width = frames.shape[-2:]
    aspect = height / width
    rows = (len(columns) + 1) // 2
    num = 0 if subcrops is None else subcrops.shape[1]
    total = _row_height(2, aspect) + rows * _row_height(4, aspect) + _GAP
    total += _row_height(2 * num, subcrops.shape[-2] / subcrops.shape[-1]) if num else 0
    figure = Figure(figsize=(_WIDTH, total), facecolor='white')
    pages = _Rows(figure)

    axes = pages.add(2, aspect)
    for i, image in enumerate(_to_image(frames)):
        _show(axes[i], image, f'frame {_NAMES[i]}', (height, width))
    if num:
        pairs = (views[name][:, 0, index] for name in ('boxes', 'box_frames'))
        _join_boxes(axes, *pairs, views['fallback'][0, index])
        images = _to_image(_denormalise(subcrops.flatten(0, 1)))
        small = pages.add(2 * num, subcrops.shape[-2] / subcrops.shape[-1])
        for k, (axis, image) in enumerate(zip(small, images, strict=True)):
            _show(axis, image, 'subcrops' if k % num == 0 else '')
            axis.spines[:].set(visible=True, color=_colour(k % num), linewidth=3)
    for row in range(rows):
        axes = pages.add(4, aspect)
        for axis in axes:
            axis.set_axis_off()
        for slot, (titles, images) in enumerate(columns[2 * row : 2 * row + 2]):
            for i in (0, 1):
                _show(axes[2 * i + slot], images[i], titles[i], (height, width))
        if row == 0:
            _arrows(axes[0], flow[0])
            _arrows(axes[2], flow[1])
    return figure


def feature_pca(features: Tensor) -> np.ndarray:
    """First three principal components of feature vectors as red, green and blue.

    The components are those of all maps together, so that colours compare across the maps. Each
    is stretched between its 2nd and 98th percentile; its sign makes the loading of largest size
    positive. The same features give the same colours everywhere.

    Args:
        features: (N, C, h, w) float.

    Returns:
        uint8 (N, h, w, 3); uniform grey where the features do not vary.
    """
    maps = features.detach().float().cpu()
    vectors = maps.movedim(1, -1).flatten(0, 2)
    vectors = vectors - vectors.mean(dim=0)
    with torch.random.fork_rng(devices=[]):  # pca_lowrank draws from the global generator
        torch.manual_seed(0)
        loadings = torch.pca_lowrank(vectors, q=min(6, *vectors.shape), center=False)[2][:, :3]
    strongest = loadings.abs().argmax(dim=0, keepdim=True)
    scores = vectors @ (loadings * loadings.gather(0, strongest).sign())
    low, high = scores.quantile(torch.tensor([0.02, 0.98]), dim=0)
    # Where nothing varies, rounding noise must not be stretched to colours.
    flat = high - low <= 1e-6 * maps.abs().max()
    scores = torch.where(flat, 0.5, (scores - low) / (high - low).clamp(min=1e-30))
    colours = torch.full((len(vectors), 3), 0.5)
    colours[:, : scores.shape[1]] = scores.clamp(0, 1)
    return (colours * 255).round().byte().unflatten(0, (maps.shape[0], *maps.shape[2:])).numpy()


class _Rows:
    """Rows of equal panels from the top of a figure downwards; the middle gap is twice as wide."""

    def __init__(self, figure: Figure) -> None:
        self.figure = figure
        self.height = self.top = figure.get_figheight()

    def add(self, count: int, aspect: float) -> list[Axes]:
        panel = _panel_width(count)
        self.top -= _row_height(count, aspect)
        return [
            self.figure.add_axes((
                (_GAP + k * (panel + _GAP) + (_GAP if k >= count // 2 else 0)) / _WIDTH,
                self.top / self.height,
                panel / _WIDTH,
                panel * aspect / self.height,
            ))
            for k in range(count)
        ]  # fmt: skip


def _panel_width(count: int) -> float:
    return (_WIDTH - _GAP * (count + 2)) / count


def _row_height(count: int, aspect: float) -> float:
    return _TITLE + _panel_width(count) * aspect


def _show(axis: Axes, image: np.ndarray, title: str, size: tuple[int, int] | None = None) -> None:
    """Show an image in axes whose coordinates are edges of a crop of ``size`` (H, W)."""
    height, width = size or image.shape[:2]
    axis.set_axis_on()
    axis.imshow(image, extent=(0, width, height, 0), aspect='auto', interpolation='nearest')
    axis.set(xticks=[], yticks=[], xlim=(0, width), ylim=(height, 0))
    axis.spines[:].set_visible(False)
    axis.set_title(title, loc='left', fontsize=10, pad=3, color='#333333')


def _join_boxes(axes: list[Axes], boxes: Tensor, frames: Tensor, fallback: Tensor) -> None:
    """Draw (2, K, 4) boxes on their frames and a line between the centres of each pair."""
    for k in range(boxes.shape[1]):
        style = dict(color=_colour(k), linestyle='--' if fallback[k] else '-')
        centres = []
        both = [axes[frame] for frame in frames[:, k].tolist()]
        for axis, (x0, y0, x1, y1) in zip(both, boxes[:, k].tolist(), strict=True):
            # A dark rim keeps bright boxes readable on a bright sky.
            for line in (dict(color='black', linewidth=3.5, alpha=0.5), style | dict(linewidth=2)):
                axis.add_patch(Rectangle((x0, y0), x1 - x0, y1 - y0, fill=False, **line))
            centres.append(((x0 + x1) / 2, (y0 + y1) / 2))
            axis.plot(*centres[-1], 'o', color=style['color'], markersize=6, mec='black')
        axes[1].add_artist(
            ConnectionPatch(
                *centres, 'data', 'data', axesA=both[0], axesB=both[1], linewidth=1.2, **style
            )
        )


def _arrows(axis: Axes, flow: Tensor, across: int = 16) -> None:
    """Draw a (2, H, W) flow as arrows in true length, about ``across`` of them side by side."""
    step = max(1, flow.shape[-1] // across)
    start = step // 2
    du, dv = flow[:, start::step, start::step].numpy()
    v, u = np.mgrid[start : flow.shape[-2] : step, start : flow.shape[-1] : step]
    axis.quiver(
        u + 0.5, v + 0.5, du, dv, angles='xy', scale_units='xy', scale=1, width=0.004, alpha=0.6
    )


def _colour(k: int) -> str:
    return _COLOURS[k % len(_COLOURS)]


def _shares(visible: Tensor) -> list[float]:
    return visible.float().mean(dim=(1, 2)).tolist()


def _to_image(images: Tensor) -> np.ndarray:
    """(N, 3, H, W) in [0, 1] to uint8 (N, H, W, 3)."""
    return (images.clamp(0, 1) * 255).round().byte().movedim(1, -1).numpy()


def _denormalise(images: Tensor) -> Tensor:
    return images * _IMAGENET_STD + _IMAGENET_MEAN


def _tint(images: Tensor, where: Tensor) -> Tensor:
    """Dim (N, 3, H, W) images and colour them red where (N, H, W) is true."""
    red = torch.tensor([0.9, 0.15, 0.2]).view(3, 1, 1)
    return torch.where(where[:, None], 0.35 * images + 0.65 * red, images)


def _flow_colours(flow: Tensor, longest: Tensor) -> np.ndarray:
    """Colour wheel of (2, 2, H, W) flow; vectors above ``longest`` count as that long."""
    length = flow.norm(dim=1, keepdim=True)
    clipped = flow * (longest / length.clamp(min=1e-6)).clamp(max=1)
    return flow_to_image(clipped).movedim(1, -1).numpy()


def _fetch(frames: Tensor, flow: Tensor, visible: Tensor) -> np.ndarray:
    """Backward-warp each frame to the other; white where nothing visible is there."""
    points = pixel_grid(flow.shape[-2:]) + flow.movedim(1, -1)
    fetched = sample_bilinear(frames.flip(0), points)
    return _to_image(torch.where(visible[:, None], fetched, 0.3 * fetched + 0.7))
