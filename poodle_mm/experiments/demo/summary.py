"""The demo's results in a table, in bars and in words: the first parts of its report."""

import platform
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

from markupsafe import Markup

from poodle_mm.engine.hooks.pair_visualization_hook import described, look
from poodle_mm.engine.pretrain import PretrainingResult
from poodle_mm.experiments.demo.readouts import PARTS, Readouts
from poodle_mm.experiments.report.document import Picture, picture_html
from poodle_mm.experiments.report.page import bars_html, markdown
from poodle_mm.experiments.report.readouts import class_bars
from poodle_mm.experiments.report.run_report import Section, write_page
from poodle_mm.experiments.report.runs import read_run
from poodle_mm.utils.tables import markdown_table, spread
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
_BAR_COLOURS = 7, 0  # grey, blue
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


def write_demo_report(
    metrics: Mapping,
    trained: PretrainingResult,
    readouts: Readouts,
    command: str,
    source: str,
    folder: Path,
) -> Path:
    """Write the report of the pretraining with the demo's results as its first parts.

    Args:
        metrics: Content of ``metrics.json``.
        trained: The pretraining; one of its pairs is drawn.
        readouts: The readouts' pictures.
        command: Command line that made the report.
        source: Folder of the data.
        folder: Folder of ``report.html`` and of ``figures``, which it holds, too.

    Returns:
        The report.
    """
    batch = next(iter(trained.runner.train_dataloader))
    batch = {name: batch[name][:2] for name in ('inputs', 'data_samples')}
    views, features = look(trained.runner.model, batch)
    pictures = {
        'Segmentation before and after': (
            'Held-out images, their labels and the predictions of the linear readouts.',
            draw_columns(readouts.segmentations, readouts.legend),
        ),
        'Features before and after': (
            'First three principal components of the frozen features as red, green and blue.',
            draw_columns(readouts.features, lines=[components_line(_COMPONENTS)]),
        ),
        'What the trained network sees': (
            'Two frames of one video: subcrops that follow the flow, the flow both ways, pixels '
            'without a counterpart, augmented views and the features of the trained network.',
            draw_pair(views, 0, features, described(trained.runner.model, trained.runner.iter)),
        ),
    }
    small = ', '.join(metrics['class_groups']['small']) or 'none'
    table = f'{_READOUT}\n\n{results_table(metrics)}\n\n{_MEANING.format(small=small)}'
    sections = [
        Section('result', f'Linear readout on the split {metrics["eval_split"]}', markdown(table)),
        Section('classes', 'Classes', class_sections(metrics)),
    ]
    for title, (text, figure) in pictures.items():
        name = title.lower().replace(' ', '-')
        picture = Picture(f'figures/{name}.png', title, figure)
        body = markdown(text) + picture_html(folder, picture)
        sections.append(Section(name, title, body))
    packages = ', '.join(f'{name} {version(name)}' for name in _PACKAGES)
    system = f'Python {platform.python_version()} on {platform.platform()}; {packages}'
    made = markdown(f'```\n{command}\n```\n\n{system}')
    sections.append(Section('made', 'How this was made', made))
    return write_page(
        folder / 'report.html',
        [read_run('pretraining', Path(trained.runner.work_dir))],
        'PooDLe demo',
        f'Self-supervised pretraining on video, then a linear readout. Data: {source}',
        _headline(metrics),
        sections,
    )


def class_sections(metrics: Mapping) -> Markup:
    """IoU of each class in ``metrics.json``, random against pretrained, by part of the network."""
    small = metrics['class_groups']['small']
    body = markdown('Which classes the pretraining helps: IoU in percent (S: small).')
    for part in (part for part in PARTS if part in metrics):
        scores = {
            weights: {
                f'{name} (S)' if name in small else name: score
                for name, score in metrics[part][weights]['per_class'].items()
            }
            for weights in ('random', 'pretrained')
        }
        found = class_bars(scores, _BAR_COLOURS)
        body += Markup('<h3>{}</h3>').format(PARTS[part]) + (bars_html(found) if found else '')
    return body


def _headline(metrics: Mapping) -> list[tuple[str, str]]:
    """The most important numbers: names and values."""
    tiles = []
    for part in (part for part in PARTS if part in metrics):
        before, after = (metrics[part][w]['miou'] for w in ('random', 'pretrained'))
        tiles.append((f'points of mIoU, {PARTS[part]}', f'{after - before:+.1f}'))
    return tiles
