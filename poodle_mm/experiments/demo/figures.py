"""Pictures of the demo's report; each function returns a matplotlib figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from mmengine.logging import HistoryBuffer
from numpy.typing import NDArray

if TYPE_CHECKING:  # it imports MMSegmentation
    from poodle_mm.experiments.demo.readouts import Readouts

_NAMES = dict(encoder='encoder', encoder_sdm='encoder + SDM')
_GREY = '#8a8f98'
_BLUE = '#2563eb'
_ORANGE = '#ea7317'
_TEAL = '#0f9488'


def draw_curves(scalars: Mapping[str, HistoryBuffer]) -> Figure:
    """Losses, spread of the projections and share of valid pixels over the iterations.

    Args:
        scalars: The message hub's ``log_scalars`` of a finished training.
    """
    panels = {
        'losses': dict(loss_dense=_BLUE, loss_pool=_ORANGE),
        'std of normalised projections (0 = collapsed)': dict(std_dense=_BLUE, std_pool=_ORANGE),
        'share of pixels / subcrops': dict(valid_share=_TEAL, fallback_share=_GREY),
        'learning rate and 1 - target momentum': dict(lr=_BLUE, momentum=_ORANGE),
    }
    figure = Figure(figsize=(14, 3.4), layout='constrained')
    for axis, (title, lines) in zip(figure.subplots(1, len(panels)), panels.items()):
        for name, colour in lines.items():
            if f'train/{name}' not in scalars:
                continue
            values, _ = scalars[f'train/{name}'].data
            values = 1 - values if name == 'momentum' else values
            steps = np.arange(1, len(values) + 1)
            label = '1 - momentum' if name == 'momentum' else name.replace('_', ' ')
            window = max(1, len(values) // 50)
            smooth = np.convolve(values, np.ones(window) / window, mode='valid')
            axis.plot(steps, values, color=colour, alpha=0.2 if window > 1 else 1, linewidth=0.8)
            axis.plot(steps[window - 1 :], smooth, color=colour, label=label, linewidth=1.8)
        axis.set_title(title, fontsize=10, loc='left')
        axis.set_xlabel('iteration')
        axis.spines[['top', 'right']].set_visible(False)
        axis.grid(alpha=0.25)
        axis.legend(frameon=False, fontsize=9)
        axis.set_yscale('log' if 'learning' in title else 'linear')
        if 'learning' not in title:
            axis.set_ylim(bottom=0)
    return figure


def draw_segmentations(readouts: Readouts) -> Figure:
    """Images, ground truth, and what each readout predicts with random and pretrained weights."""
    columns = [('image', readouts.images), ('ground truth', _painted(readouts, readouts.truth))]
    for part, maps in readouts.predictions.items():
        for weights in ('random', 'pretrained'):
            columns.append((f'{_NAMES[part]}, {weights}', _painted(readouts, maps[weights])))
    figure = _grid(columns)
    present = np.unique(np.concatenate([t.ravel() for t in readouts.truth]))
    figure.legend(
        handles=[
            Patch(color=readouts.palette[i] / 255, label=readouts.classes[i])
            for i in present
            if i < len(readouts.classes)
        ],
        loc='outside lower center',
        ncols=10,
        frameon=False,
        fontsize=9,
    )
    return figure


def draw_features(readouts: Readouts) -> Figure:
    """Images and the first three principal components of their features as colours."""
    columns = [('image', readouts.images)]
    for part, maps in readouts.pca.items():
        for weights in ('random', 'pretrained'):
            columns.append((f'{_NAMES[part]}, {weights}', list(maps[weights])))
    return _grid(columns)


def draw_classes(readouts: Readouts) -> Figure:
    """IoU of each class, random against pretrained, for each part of the network."""
    parts = readouts.metrics
    figure = Figure(figsize=(14, 2.9 * len(parts)), layout='constrained')
    small = set(readouts.groups['small'])
    for axis, (part, metrics) in zip(
        figure.subplots(len(parts), 1, squeeze=False)[:, 0], parts.items()
    ):
        scores = {w: np.array(list(metrics[w]['per_class'].values())) for w in metrics}
        names = np.array(list(metrics['random']['per_class']))
        shown = np.flatnonzero(np.isfinite(scores['random']))
        shown = shown[np.argsort(-scores['pretrained'][shown])]
        at = np.arange(len(shown))
        axis.bar(at - 0.2, scores['random'][shown], 0.38, color='#c3c8d0', label='random')
        axis.bar(at + 0.2, scores['pretrained'][shown], 0.38, color=_BLUE, label='pretrained')
        axis.set_xticks(
            at, [f'{n} (S)' if n in small else n for n in names[shown]], rotation=30, ha='right'
        )
        axis.set_title(
            f'IoU of each class in %, {_NAMES[part]}  (S = small)', fontsize=10, loc='left'
        )
        axis.spines[['top', 'right']].set_visible(False)
        axis.legend(frameon=False)
    return figure


def _painted(readouts: Readouts, maps: Sequence[NDArray]) -> list[NDArray]:
    """Class ids to colours; unlabelled pixels are white."""
    lut = np.full((256, 3), 255, np.uint8)
    lut[: len(readouts.palette)] = readouts.palette
    return [lut[m] for m in maps]


def _grid(columns: Sequence[tuple[str, Sequence[NDArray]]]) -> Figure:
    rows = len(columns[0][1])
    height, width = columns[0][1][0].shape[:2]
    panel = 14 / len(columns)
    figure = Figure(figsize=(14, rows * panel * height / width + 0.9), layout='constrained')
    axes = figure.subplots(rows, len(columns), squeeze=False)
    for column, (title, images) in enumerate(columns):
        axes[0, column].set_title(title, fontsize=10)
        for axis, image in zip(axes[:, column], images):
            axis.imshow(image, extent=(0, width, height, 0), interpolation='nearest')
            axis.set_axis_off()
    return figure
