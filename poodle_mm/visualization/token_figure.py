"""Norms of tokens: maps of several networks on the same images, and curves over a training."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure
from torch import Tensor

from poodle_mm.visualization.curves import Curves, style
from poodle_mm.visualization.legend import add_legend
from poodle_mm.visualization.panels import show, stacked

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


def draw_norm_maps(images: Sequence[np.ndarray], norms: Mapping[str, Sequence[Tensor]]) -> Figure:
    """Draw images and, for each network, the norms of its tokens raw and clamped (Figure 15).

    Args:
        images: uint8 (H, W, 3), all of one size.
        norms: Name of a network to its map (h, w) of each image.
    """
    height, width = images[0].shape[:2]
    above, *rows = stacked([(2 * len(images), height / width)] * (1 + len(norms)))
    for photo, blank, image in zip(above[::2], above[1::2], images):
        show(photo, image)
        blank.set_axis_off()
    for axes, (name, maps) in zip(rows, norms.items()):
        pictures = [picture for each in maps for picture in norm_pictures(each)]
        titles = [name, 'clamped', *[''] * len(pictures)]
        for axis, picture, title in zip(axes, pictures, titles):
            show(axis, picture, title, (height, width))
    meaning = (
        'L2 norm of the last layer before a final norm, from 0 to the largest of the image; '
        'clamped: to its 80th percentile'
    )
    shades = [_SHADES(x)[:3] for x in np.linspace(0, 1, 9)]
    add_legend(above[0].figure, [(shades, meaning)])
    return above[0].figure


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
