"""Norms of tokens: maps of several networks on the same images, and curves over a training."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from poodle_mm.visualization.curves import Curves, style
from poodle_mm.visualization.legend import add_legend
from poodle_mm.visualization.panels import WIDTH, show

CLAMP = 0.8
"""Quantile at which the second picture's norms are clamped (PooDLe, Figure 15)."""

_PANELS = dict(
    std_dense='spread of projections (0: collapsed)',
    rank_dense='effective rank, projections',
    rank_features='effective rank, features',
    token_norm='mean norm of tokens',
    token_norm_peak='largest norm / median',
    token_norm_outliers='share of tokens above 3 medians',
)
_LOGARITHMIC = {'token_norm', 'token_norm_peak'}
_SHADES = colormaps['viridis']
_GAP, _HEADING, _STRIP = 0.14, 0.28, 0.24  # inches


def norm_pictures(norms: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Shades of a map of norms, raw and clamped at the 80th percentile.

    Args:
        norms: (h, w), not negative; black is 0, the brightest shade the largest value shown.

    Returns:
        Two uint8 (h, w, 3).
    """
    pictures = []
    for top in (norms.max(), norms.flatten().quantile(CLAMP)):
        shades = _SHADES((norms.clamp(max=top) / top.clamp(min=1e-12)).numpy())
        pictures.append((shades[..., :3] * 255).round().astype(np.uint8))
    return pictures[0], pictures[1]


def draw_norm_maps(
    images: Sequence[np.ndarray],
    norms: Mapping[str, Sequence[Tensor]],
    notes: Mapping[str, str] | None = None,
) -> Figure:
    """Draw images and, for each network, the norms of its tokens raw and clamped (Figure 15).

    Each map has its own colour bar, from 0 to the brightest shade.

    Args:
        images: uint8 (H, W, 3), all of one size.
        norms: Name of a network to its map (h, w) of each image.
        notes: Name of a network to what stands beside it, e.g. its numbers.
    """
    height, width = images[0].shape[:2]
    panel = (WIDTH - _GAP) / (2 * len(images)) - _GAP
    photo = min(2 * panel + _GAP, 0.5 * WIDTH)
    low = panel * height / width
    block = _HEADING + _STRIP + low + _GAP
    total = photo * height / width + 2 * _GAP + len(norms) * block
    figure = Figure(figsize=(WIDTH, total), facecolor='white')

    def axes(left: float, top: float, wide: float, high: float) -> Axes:
        return figure.add_axes((left / WIDTH, 1 - (top + high) / total, wide / WIDTH, high / total))

    lefts = [_GAP + 2 * k * (panel + _GAP) for k in range(len(images))]
    for left, image in zip(lefts, images):
        show(axes(left, _GAP, photo, photo * height / width), image, interpolation=None)
    top = photo * height / width + 2 * _GAP
    for name, maps in norms.items():
        heading = axes(_GAP, top, WIDTH - 2 * _GAP, _HEADING)
        heading.set_axis_off()
        heading.text(0, 0.5, name, fontsize=11, va='center', weight='bold', color='#222222')
        note = (notes or {}).get(name, '')
        heading.text(1, 0.5, note, fontsize=9, va='center', ha='right', color='#333333')
        for left, each in zip(lefts, maps):
            tops = float(each.max()), float(each.flatten().quantile(CLAMP))
            for k, (picture, most) in enumerate(zip(norm_pictures(each), tops)):
                own = left + k * (panel + _GAP)
                show(axes(own, top + _HEADING + _STRIP, panel, low), picture, size=(height, width))
                _add_scale(axes(own, top + _HEADING, panel, _STRIP), ('raw', 'clamped')[k], most)
        top += block
    meaning = (
        'L2 norm of the last layer before a final norm, from 0 to the largest of the image; '
        'clamped: to its 80th percentile'
    )
    shades = [_SHADES(x)[:3] for x in np.linspace(0, 1, 9)]
    add_legend(figure, [(shades, meaning)])
    return figure


def _add_scale(axis: Axes, title: str, most: float) -> None:
    """A title on the left and a colour bar from 0 to ``most`` on the right, on one line."""
    axis.set(xlim=(0, 1), ylim=(0, 1))
    axis.set_axis_off()
    axis.text(0, 0.5, title, fontsize=9, va='center', color='#333333')
    bar = np.linspace(0, 1, 64)[None]
    axis.imshow(bar, cmap=_SHADES, extent=(0.46, 0.78, 0.3, 0.7), aspect='auto')
    axis.set(xlim=(0, 1), ylim=(0, 1))
    axis.text(0.44, 0.5, '0', fontsize=8, va='center', ha='right', color='#333333')
    number = f'{most:.0f}' if most >= 100 else f'{most:.3g}'
    axis.text(0.8, 0.5, number, fontsize=8, va='center', color='#333333')


def draw_token_curves(runs: Mapping[str, Curves]) -> Figure:
    """Draw spread, ranks and norms over the iterations, a line a run.

    Args:
        runs: Name of a run to its curves; numbers that are missing are left out.
    """
    figure = Figure(figsize=(14, 6.4), layout='constrained', facecolor='white')
    for axis, (name, title) in zip(figure.subplots(2, 3).flat, _PANELS.items(), strict=True):
        for number, (run, curves) in enumerate(runs.items()):
            if name in curves:
                axis.plot(*curves[name], color=colormaps['tab10'](number), label=run)
        style(axis, title)
        if name in _LOGARITHMIC:
            axis.set_yscale('log')
        else:
            axis.set_ylim(bottom=0)
        axis.set_xlabel('iteration')
    return figure
