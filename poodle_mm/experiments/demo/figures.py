"""Plots of the demo's report; each function returns a matplotlib figure."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from mmengine.logging import HistoryBuffer

from poodle_mm.experiments.report import BLUE, GREY, ORANGE, TEAL, style

PARTS = dict(encoder='encoder', encoder_sdm='encoder + SDM')
"""Parts of the network that are read out, as ``metrics.json`` and as people call them."""

_PANELS = {
    'losses': dict(loss_dense=BLUE, loss_pool=ORANGE),
    'std of normalised projections (0 = collapsed)': dict(std_dense=BLUE, std_pool=ORANGE),
    'share of pixels / subcrops': dict(valid_share=TEAL, fallback_share=GREY),
    'learning rate and 1 - target momentum': dict(lr=BLUE, momentum=ORANGE),
}


def draw_curves(scalars: Mapping[str, HistoryBuffer]) -> Figure:
    """Losses, spread of the projections and share of valid pixels over the iterations.

    Args:
        scalars: The message hub's ``log_scalars`` of a finished training.
    """
    figure = Figure(figsize=(14, 3.4), layout='constrained')
    for axis, (title, lines) in zip(figure.subplots(1, len(_PANELS)), _PANELS.items()):
        for name, colour in lines.items():
            if f'train/{name}' not in scalars:
                continue
            values, _ = scalars[f'train/{name}'].data
            label = name.replace('_', ' ')
            if name == 'momentum':
                values, label = 1 - values, '1 - momentum'
            steps = np.arange(1, len(values) + 1)
            window = max(1, len(values) // 50)
            smooth = np.convolve(values, np.ones(window) / window, mode='valid')
            axis.plot(steps, values, color=colour, alpha=0.2 if window > 1 else 1, linewidth=0.8)
            axis.plot(steps[window - 1 :], smooth, color=colour, label=label, linewidth=1.8)
        style(axis, title)
        axis.set_xlabel('iteration')
        if 'learning' in title:
            axis.set_yscale('log')
        else:
            axis.set_ylim(bottom=0)
    return figure


def draw_classes(metrics: Mapping) -> Figure:
    """IoU of each class, random against pretrained, for each part of the network.

    Args:
        metrics: Content of ``metrics.json``.
    """
    parts = [part for part in PARTS if part in metrics]
    small = metrics['class_groups']['small']
    figure = Figure(figsize=(14, 2.9 * len(parts)), layout='constrained')
    for axis, part in zip(figure.subplots(len(parts), 1, squeeze=False)[:, 0], parts):
        random, pretrained = (metrics[part][w]['per_class'] for w in ('random', 'pretrained'))
        names = [name for name, score in random.items() if score is not None]
        names.sort(key=lambda name: -(pretrained[name] or 0))
        at = np.arange(len(names))
        axis.bar(at - 0.2, [random[n] for n in names], 0.38, color='#c3c8d0', label='random')
        after = [pretrained[n] or 0 for n in names]
        axis.bar(at + 0.2, after, 0.38, color=BLUE, label='pretrained')
        labels = [f'{name} (S)' if name in small else name for name in names]
        axis.set_xticks(at, labels, rotation=30, ha='right')
        style(axis, f'IoU of each class in %, {PARTS[part]}  (S = small)')
        axis.grid(visible=False)
    return figure
