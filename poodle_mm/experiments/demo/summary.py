"""The demo's results in a table, in plots and in words: the parts of its report."""

import platform
from collections.abc import Mapping
from importlib.metadata import version

import numpy as np
from matplotlib.figure import Figure

from poodle_mm.engine.hooks.pair_visualization_hook import described, look
from poodle_mm.engine.pretrain import PretrainingResult
from poodle_mm.experiments.demo.readouts import PARTS, Readouts
from poodle_mm.experiments.report import Picture
from poodle_mm.utils.tables import markdown_table, spread
from poodle_mm.visualization.curves import BLUE, draw_curves, style
from poodle_mm.visualization.legend import components_line
from poodle_mm.visualization.pair import draw_pair
from poodle_mm.visualization.panels import draw_columns

_PACKAGES = (
    'poodle_mm', 'torch', 'torchvision', 'onedl-mmengine', 'onedl-mmsegmentation',
    'onedl-mmpretrain', 'opencv-python', 'av',
)  # fmt: skip
_COLUMNS = dict(miou='mIoU', acc='accuracy', small='Small', large='Large')
_COMPONENTS = (
    "a column's maps together as red, green, blue: colours compare down a column, not across"
)
_READOUT = """
One 1×1 convolution is trained on frozen features to name the class of every pixel. The only
difference between the rows of a pair is the pretraining, which saw no label. Batch-norm statistics
are measured on clean training images for both.
""".strip()
_MEANING = """
**mIoU**: intersection over union of prediction and ground truth in percent, averaged over the
classes; every class counts the same, however few pixels it has. **accuracy**: share of labelled
pixels that are right; large classes such as road and sky dominate it. **Small**: mIoU over classes
that cover at most 1 % of the pixels on average in the training images in which they appear; here:
{small}. **Large**: mIoU over the other classes. **encoder**: the ResNet alone, its last two stages
dilated to stride 8; **encoder + SDM**: with the spatial decoder that was trained with it.

A few minutes on a small network show that the method learns, not how good it is: the paper trains
a ResNet-50 for 100 passes over 70,000 videos. Random weights are a fair baseline, not an empty one:
on random filters one linear layer already separates sky, road and trees by colour and texture.
""".strip()


def results_table(metrics: Mapping) -> str:
    """Scores of all readouts in ``metrics.json``, and their change by pretraining, in Markdown."""
    rows = []
    for part in (part for part in PARTS if part in metrics):
        pairs = [[metrics[part][w][key] for w in ('random', 'pretrained')] for key in _COLUMNS]
        for n, weights in enumerate(('random', 'pretrained')):
            rows.append([f'{PARTS[part]}, {weights}', *(spread([pair[n]]) for pair in pairs)])
        changes = ['–' if None in pair else f'{pair[1] - pair[0]:+.1f}' for pair in pairs]
        rows.append([f'**{cell}**' for cell in ('change', *changes)])
    return markdown_table(['weights', *_COLUMNS.values()], rows)


def draw_classes(metrics: Mapping) -> Figure:
    """IoU of each class in ``metrics.json``, random against pretrained, by part of the network."""
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


def report_parts(
    metrics: Mapping, trained: PretrainingResult, readouts: Readouts, command: str, source: str
) -> list[str | Picture]:
    """Parts of the report, see :func:`~poodle_mm.experiments.report.write_report`.

    Args:
        metrics: Content of ``metrics.json``.
        trained: The pretraining; one of its pairs is drawn.
        readouts: The readouts' pictures.
        command: Command line that made the report.
        source: Folder of the data.
    """
    batch = next(iter(trained.runner.train_dataloader))
    batch = {name: batch[name][:2] for name in ('inputs', 'data_samples')}
    views, features = look(trained.runner.model, batch)
    history = trained.runner.message_hub.log_scalars
    values = {name.removeprefix('train/'): buffer.data[0] for name, buffer in history.items()}
    curves = {name: (np.arange(1, len(v) + 1), v) for name, v in values.items()}
    pictures = {
        'Pretraining': (
            'Losses fall while the projections stay spread out; a collapsed network would have a '
            'small loss and a spread of zero.',
            draw_curves(dict(pretraining=curves)),
        ),
        'What the network sees': (
            'Two frames of one video: subcrops that follow the flow, the flow both ways, pixels '
            'without a counterpart, augmented views and the features of the trained network.',
            draw_pair(views, 0, features, described(trained.runner.model, trained.runner.iter)),
        ),
        'Segmentation before and after': (
            'Held-out images, their labels and the predictions of the linear readouts.',
            draw_columns(readouts.segmentations, readouts.legend),
        ),
        'Features before and after': (
            'First three principal components of the frozen features as red, green and blue.',
            draw_columns(readouts.features, lines=[components_line(_COMPONENTS)]),
        ),
        'Classes': ('Which classes the pretraining helps.', draw_classes(metrics)),
    }
    sections = []
    for title, (text, figure) in pictures.items():
        file = f'figures/{title.lower().replace(" ", "-")}.png'
        sections += [f'## {title}', text, Picture(file, title, figure)]
    packages = ', '.join(f'{name} {version(name)}' for name in _PACKAGES)
    return [
        '# PooDLe demo',
        f'Self-supervised pretraining on video, then a linear readout. Data: `{source}`',
        _headline(metrics),
        f'## Linear readout on the split *{metrics["eval_split"]}*',
        _READOUT,
        results_table(metrics),
        *sections,
        '## What the numbers mean',
        _MEANING.format(small=', '.join(metrics['class_groups']['small']) or 'none'),
        '## How this was made',
        f'```\n{command}\n```',
        f'Python {platform.python_version()} on {platform.platform()}; {packages}',
    ]


def _headline(metrics: Mapping) -> str:
    """The most important numbers, as a list."""
    lines = []
    for part in (part for part in PARTS if part in metrics):
        before, after = (metrics[part][w]['miou'] for w in ('random', 'pretrained'))
        lines.append(f'**{after - before:+.1f}** points of mIoU, {PARTS[part]}')
    lines += [
        f'**{metrics["pretrain_seconds"] / 60:.1f} min** of pretraining',
        f'**{metrics["pairs"]:,}** pairs of frames seen',
        f'**{metrics["pairs_per_second"]:.0f}** pairs per second',
    ]
    return '\n'.join(f'- {line}' for line in lines)
