"""Tables laid out like the paper's, ours above, the paper's rows below."""

from collections.abc import Mapping, Sequence

from poodle_mm.evaluation.published import (
    PUBLISHED,
    PUBLISHED_CLASSES,
    PUBLISHED_GROUPS,
    Row,
    select,
)
from poodle_mm.evaluation.suites import is_detection
from poodle_mm.utils.tables import markdown_table, spread

READOUT_TITLES = {
    'linear': 'Linear',
    'linear-encoder': 'Linear, encoder alone',
    'supervised': 'Trained with labels',
    'supervised-weighted': 'Trained with labels, weighted classes',
    'linear-weighted': 'Linear, weighted classes',
    'linear-encoder-weighted': 'Linear, encoder alone, weighted classes',
    **{f'linear-stage{n}': f'Linear, stage {n} alone' for n in (2, 3, 4)},
    'upernet': 'UperNet',
    'deeplabv3': 'DeepLab v3',
    'det-c4': 'Det C4',
    'det-fpn': 'Det FPN',
}
METRIC_TITLES = dict(miou='mIoU', acc='Acc', map='mAP', map50='mAP50')
GROUP_TITLES = dict(miou='All', small='Small', large='Large', rare='Rare', common='Common')


def markdown_tables(report: Mapping, edition: str = 'all') -> str:
    """The main table, class groups of each segmentation readout, and IoU per class.

    Several seeds of a row stand as mean ± standard deviation (n - 1); a dash means that nothing
    was measured (or, for a group, that it has no class). Classes are listed where the paper does:
    the linear readout on BDD100K.

    Args:
        report: Result of :func:`~poodle_mm.evaluation.evaluate.evaluate`.
        edition: Edition of the paper's rows, see :func:`~poodle_mm.evaluation.published.select`.
    """
    suite = report['suite']
    readouts = list(dict.fromkeys(r['readout'] for r in report['results']))
    columns = [
        (readout, metric)
        for readout in readouts
        for metric in (('map', 'map50') if is_detection(readout) else ('miou', 'acc'))
    ]
    tables = [(f'# {suite}', columns, METRIC_TITLES, PUBLISHED)]
    for readout in readouts:
        if not is_detection(readout):
            columns = [(readout, group) for group in GROUP_TITLES]
            published = PUBLISHED_GROUPS if readout == 'linear' else {}
            tables.append(
                (
                    f'## mIoU of class groups: {READOUT_TITLES[readout]}',
                    columns,
                    GROUP_TITLES,
                    published,
                )
            )
    if suite in PUBLISHED_CLASSES and 'linear' in readouts:
        columns = list(PUBLISHED_CLASSES[suite][0].scores)
        titles = {name: name for _, name in columns}
        tables.append(('## IoU per class: Linear', columns, titles, PUBLISHED_CLASSES))
    parts = []
    quoted = False
    for heading, columns, titles, published in tables:
        rows = select(published.get(suite, []), columns, edition)
        quoted |= bool(rows)
        parts += [heading, _table(report, columns, titles, rows)]
    if quoted:
        parts.append(
            "Rows with a source in brackets are the paper's, in its first version (arXiv 2024), "
            'its later one (ICLR 2025) or the talk; `*` = started from ImageNet weights.'
        )
    return '\n\n'.join(parts) + '\n'


def _table(
    report: Mapping, columns: Sequence[tuple[str, str]], titles: Mapping, published: Sequence[Row]
) -> str:
    several = len({readout for readout, _ in columns}) > 1
    head = [f'{READOUT_TITLES[r]}: {titles[m]}' if several else titles[m] for r, m in columns]
    rows, scores = [], {}
    for result in report['results']:
        metrics = result['metrics'].get('per_class', {}) | result['metrics']
        scores.setdefault(result['name'], []).append((result['readout'], metrics))
    for name, own in scores.items():
        found = [[s.get(metric) for r, s in own if r == readout] for readout, metric in columns]
        seeds = max(map(len, found))
        label = name if seeds == 1 else f'{name} ({seeds} seeds)'
        rows.append([label, *map(spread, found)])
    for row in published:
        epochs = '' if row.epochs == '-' else f', {row.epochs} epochs'
        label = f'{row.method} {row.arch}, {row.pretrain}{epochs} ({row.source})'
        cells = (spread([row.scores.get(column)]) for column in columns)
        rows.append([label.replace(', -', ''), *cells])
    return markdown_table(['', *head], rows)
