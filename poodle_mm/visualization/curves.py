"""Curves of a training over its iterations, and the look of all plots."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

Curves = Mapping[str, tuple[np.ndarray, np.ndarray]]
"""Name of a logged number to its iterations and its values."""

BLUE, ORANGE, TEAL, GREY = COLOURS = ('#2563eb', '#ea7317', '#0f9488', '#8a8f98')

_PANELS = {
    'losses': dict(
        loss_dense=BLUE, loss_pool=ORANGE, loss_class=BLUE, loss_patch=ORANGE, loss_masked=BLUE,
        loss_local=ORANGE, loss=TEAL,
    ),
    'spread of projections (0: collapsed)': dict(std_dense=BLUE, std_pool=ORANGE),
    'shares of pixels, subcrops': dict(valid_share=TEAL, fallback_share=GREY),
    'outputs: entropy, information': dict(
        teacher_entropy=BLUE, student_entropy=ORANGE, information=TEAL, information_patch=GREY
    ),
    'positives, reconstruction, objects': dict(
        positive_share=TEAL, explained_variance=TEAL, object_overlap=BLUE, mask_share=ORANGE
    ),
    'rate, 1 - momentum': dict(lr=BLUE, momentum=ORANGE),
    'gradient': dict(grad_norm=TEAL),
}  # fmt: skip
_LOGARITHMIC = {'lr', 'grad_norm'}


def draw_curves(runs: Mapping[str, Curves]) -> Figure:
    """Losses, statistics of the method, rate and, where logged, norm of the gradient.

    One run has its plots side by side. Several have a column each with one scale for all runs.

    Args:
        runs: Name of a run to its curves; numbers that are missing are left out.
    """
    known = set().union(*runs.values())
    shown = {title: lines for title, lines in _PANELS.items() if known & set(lines)}
    if len(runs) == 1:
        figure = Figure(figsize=(14, 3.4), layout='constrained', facecolor='white')
        axes = figure.subplots(1, len(shown), squeeze=False).T
    else:
        figure = Figure(figsize=(14, 2.1 * len(shown)), layout='constrained', facecolor='white')
        axes = figure.subplots(len(shown), len(runs), sharex='all', sharey='row', squeeze=False)
    for number, ((title, lines), row) in enumerate(zip(shown.items(), axes)):
        for (run, curves), axis in zip(runs.items(), row):
            for name, colour in lines.items():
                if name in curves:
                    _draw(axis, name, *curves[name], colour)
            style(axis, title if number or len(runs) == 1 else f'{run}: {title}')
            if _LOGARITHMIC & set(lines):
                axis.set_yscale('log')
        filled = [axis for axis in row if axis.lines]  # an empty one would set limits of its own
        if not _LOGARITHMIC & set(lines) and min(axis.dataLim.y0 for axis in filled) >= 0:
            for axis in filled:
                axis.set_ylim(bottom=0)
    for axis in axes[:, 0] if len(runs) == 1 else axes[-1]:
        axis.set_xlabel('iteration')
    return figure


def style(axis: Axes, title: str) -> None:
    """Give a plot the reports' look: a small title, no box, a faint grid, a bare legend."""
    axis.set_title(title, fontsize=10, loc='left')
    axis.spines[['top', 'right']].set_visible(False)
    axis.grid(alpha=0.25)
    if axis.get_legend_handles_labels()[0]:
        axis.legend(frameon=False, fontsize=9)


def _draw(axis: Axes, name: str, steps: np.ndarray, values: np.ndarray, colour: str) -> None:
    """Draw a curve, and over it its moving average if it is long."""
    label = name.replace('_', ' ')
    if name == 'momentum':
        values, label = 1 - values, '1 - momentum'
    window = max(1, len(values) // 50)
    smooth = np.convolve(values, np.ones(window) / window, mode='valid')
    axis.plot(steps, values, color=colour, alpha=0.2 if window > 1 else 1, linewidth=0.8)
    axis.plot(steps[window - 1 :], smooth, color=colour, label=label, linewidth=1.8)
