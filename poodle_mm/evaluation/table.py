"""Tables laid out like the paper's, ours above, the paper's rows below."""

from collections.abc import Mapping, Sequence

import numpy as np

from poodle_mm.evaluation.bdd100k import BDD100K_CLASSES
from poodle_mm.evaluation.published import (
    PUBLISHED,
    PUBLISHED_CLASSES,
    PUBLISHED_GROUPS,
    Row,
    select,
)

_TITLES = {
    'linear': 'Linear',
    'linear-encoder': 'Linear, encoder alone',
    'upernet': 'UperNet',
    'det-c4': 'Det C4',
    'det-fpn': 'Det FPN',
}
_METRICS = dict(miou='mIoU', acc='Acc', map='mAP', map50='mAP50')
_GROUPS = dict(miou='All', small='Small', large='Large', rare='Rare', common='Common')


def markdown_tables(report: Mapping, edition: str = 'all') -> str:
    """The main table, class groups of each segmentation readout, and IoU per class.

    Several seeds of a row stand as mean ± standard deviation (n - 1); a dash means that nothing
    was measured (or, for a group, that it has no class). Classes are listed where the paper does:
    the linear readout on BDD100K.

    Args:
        report: What :func:`~poodle_mm.evaluation.evaluate.evaluate` returns.
        edition: Which of the paper's rows, see :func:`~poodle_mm.evaluation.published.select`.
    """
    suite = report['suite']
    readouts = list(dict.fromkeys(r['readout'] for r in report['results']))
    columns = [
        (readout, metric)
        for readout in readouts
        for metric in (('map', 'map50') if readout.startswith('det') else ('miou', 'acc'))
    ]
    rows = select(PUBLISHED.get(suite, []), columns, edition)
    parts = [f'# {suite}', _table(report, columns, _METRICS, rows)]
    quoted = bool(rows)
    for readout in readouts:
        if readout.startswith('det'):
            continue
        columns = [(readout, group) for group in _GROUPS]
        rows = PUBLISHED_GROUPS.get(suite, []) if readout == 'linear' else []
        rows = select(rows, columns, edition)
        quoted |= bool(rows)
        parts += [
            f'## mIoU of class groups: {_TITLES[readout]}',
            _table(report, columns, _GROUPS, rows),
        ]
    if suite in PUBLISHED_CLASSES and 'linear' in readouts:
        columns = [('linear', name) for name in BDD100K_CLASSES]
        rows = select(PUBLISHED_CLASSES[suite], columns, edition)
        quoted |= bool(rows)
        names = {name: name for name in BDD100K_CLASSES}
        parts += ['## IoU per class: Linear', _table(report, columns, names, rows)]
    if quoted:
        parts.append(
            "Rows with a source in brackets are the paper's, in its first version (arXiv 2024), "
            'its later one (ICLR 2025) or the talk; `*` = started from ImageNet weights.'
        )
    return '\n\n'.join(parts) + '\n'


def spread(values: Sequence[float | None], digits: int = 1) -> str:
    """``mean ± std`` of several values, a number of one, a dash of none."""
    values = [v for v in values if v is not None]
    if not values:
        return '–'
    if len(values) == 1:
        return f'{values[0]:.{digits}f}'
    return f'{np.mean(values):.{digits}f} ± {np.std(values, ddof=1):.{digits}f}'


def _table(
    report: Mapping, columns: Sequence[tuple[str, str]], titles: Mapping, published: Sequence[Row]
) -> str:
    several = len({readout for readout, _ in columns}) > 1
    head = [f'{_TITLES[r]}: {titles[m]}' if several else titles[m] for r, m in columns]
    rows = [['', *head], ['---'] + ['---:'] * len(head)]
    names = dict.fromkeys(result['name'] for result in report['results'])
    for name in names:
        found = {
            (readout, metric): [
                _score(result['metrics'], metric)
                for result in report['results']
                if result['name'] == name and result['readout'] == readout
            ]
            for readout, metric in columns
        }
        seeds = max(map(len, found.values()))
        label = name if seeds == 1 else f'{name} ({seeds} seeds)'
        rows.append([label, *(spread(found[column]) for column in columns)])
    for row in published:
        epochs = '' if row.epochs == '-' else f', {row.epochs} epochs'
        label = f'{row.method} {row.arch}, {row.pretrain}{epochs} ({row.source})'
        cells = (spread([row.scores.get(column)]) for column in columns)
        rows.append([label.replace(', -', ''), *cells])
    return '\n'.join('| ' + ' | '.join(row) + ' |' for row in rows)


def _score(metrics: Mapping, metric: str) -> float | None:
    """A figure of a readout, or the IoU of a class."""
    return metrics[metric] if metric in metrics else metrics.get('per_class', {}).get(metric)
