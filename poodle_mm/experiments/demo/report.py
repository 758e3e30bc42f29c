"""What the demo's report shows and says."""

import platform
from collections.abc import Mapping
from importlib.metadata import version

from poodle_mm.engine.hooks.pair_visualization_hook import look
from poodle_mm.engine.pretrain import PretrainingResult
from poodle_mm.experiments.demo.figures import PARTS, draw_classes, draw_curves
from poodle_mm.experiments.demo.readouts import Readouts
from poodle_mm.experiments.report import Picture
from poodle_mm.utils.tables import markdown_table, spread
from poodle_mm.visualization.pair import draw_pair
from poodle_mm.visualization.panels import draw_columns

_PACKAGES = (
    'poodle_mm', 'torch', 'torchvision', 'onedl-mmengine', 'onedl-mmsegmentation',
    'onedl-mmpretrain', 'opencv-python', 'av',
)  # fmt: skip
_COLUMNS = dict(miou='mIoU', acc='accuracy', small='Small', large='Large')

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
    """Scores of all readouts, and how much the pretraining changed them, in Markdown.

    Args:
        metrics: Content of ``metrics.json``.
    """
    rows = []
    for part, name in PARTS.items():
        if part not in metrics:
            continue
        pairs = [[metrics[part][w][key] for w in ('random', 'pretrained')] for key in _COLUMNS]
        for n, weights in enumerate(('random', 'pretrained')):
            rows.append([f'{name}, {weights}', *(spread([pair[n]]) for pair in pairs)])
        changes = ['–' if None in pair else f'{pair[1] - pair[0]:+.1f}' for pair in pairs]
        rows.append([f'**{cell}**' for cell in ('change', *changes)])
    return markdown_table(['weights', *_COLUMNS.values()], rows)


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
    pictures = {
        'Pretraining': (
            'Losses fall while the projections stay spread out; a collapsed network would have a '
            'small loss and a spread of zero.',
            draw_curves(trained.runner.message_hub.log_scalars),
        ),
        'What the network sees': (
            'Two frames of one video: subcrops that follow the flow, the flow both ways, pixels '
            'without a counterpart, augmented views and the features of the trained network.',
            draw_pair(views, features=features),
        ),
        'Segmentation before and after': (
            'Held-out images, their labels and the predictions of the linear readouts.',
            draw_columns(readouts.segmentations, readouts.legend),
        ),
        'Features before and after': (
            'First three principal components of the frozen features as red, green and blue.',
            draw_columns(readouts.features),
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
    """The numbers that are seen first, as a list."""
    lines = [
        f'**{metrics[part]["pretrained"]["miou"] - metrics[part]["random"]["miou"]:+.1f}** points '
        f'of mIoU, {name}'
        for part, name in PARTS.items()
        if part in metrics
    ]
    lines += [
        f'**{metrics["pretrain_seconds"] / 60:.1f} min** of pretraining',
        f'**{metrics["pairs"]:,}** pairs of frames seen',
        f'**{metrics["pairs_per_second"]:.0f}** pairs per second',
    ]
    return '\n'.join(f'- {line}' for line in lines)
