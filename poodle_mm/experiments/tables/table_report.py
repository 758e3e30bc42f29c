"""A table of the paper with our figures beside its own."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from poodle_mm.evaluation.table import GROUP_TITLES, METRIC_TITLES, READOUT_TITLES
from poodle_mm.experiments import report as reports
from poodle_mm.experiments.ablations.folders import read_result
from poodle_mm.experiments.ablations.runs import Run
from poodle_mm.experiments.tables.rows import Column, TableRow
from poodle_mm.utils.files import write_json
from poodle_mm.utils.tables import markdown_table, spread

_SUITES = {
    'bdd100k': 'BDD100K',
    'cityscapes': 'Cityscapes',
    'ade20k': 'ADE20K',
    'wt-sem': 'WT-Sem',
}
_HEADINGS = {
    1: 'Table 1: readouts on BDD100K and Cityscapes',
    2: 'Table 2: ADE20K, and WT-Sem of the later paper',
    3: 'Table 3: class groups, linear readout on BDD100K',
    5: 'Table 5: ImageNet pretraining',
    6: 'Table 6: IoU per class, linear readout on BDD100K',
}


def collect(rows: Sequence[TableRow], runs: Mapping[TableRow, Sequence[Run]]) -> list[dict]:
    """Scores of what is done.

    Args:
        rows: Rows of a table.
        runs: Runs of each, several of one key being its seeds.

    Returns:
        A dict for each row: ``label``, ``paper`` (``'suite readout metric'`` to percent) and
        ``ours``: key of the source to seed to the same of ours.
    """
    found = []
    for row in rows:
        ours: dict[str, dict[str, dict[str, float]]] = {}
        for run in runs.get(row, ()):
            if result := read_result(run):
                scores = _scores(result, run, row.paper)
                ours.setdefault(run.variant.key, {})[str(run.seed)] = scores
        paper = {' '.join(column): value for column, value in row.paper.items()}
        found.append(dict(label=row.label, paper=paper, ours=ours))
    return found


def table(rows: Sequence[Mapping]) -> str:
    """The rows as Markdown: the paper's line, and below it a line for each source of ours.

    Args:
        rows: Result of :func:`collect`.
    """
    columns = list(dict.fromkeys(column for row in rows for column in row['paper']))
    several = [len({column.split(' ')[i] for column in columns}) > 1 for i in (0, 1)]
    lines = []
    for row in rows:
        printed = [spread([row['paper'].get(column)]) for column in columns]
        lines.append([f'{row["label"]} (paper)', *printed])
        for key, seeds in row['ours'].items():
            cells = [spread([s.get(column) for s in seeds.values()]) for column in columns]
            lines.append([key + (f' ({len(seeds)} seeds)' if len(seeds) > 1 else ''), *cells])
    return markdown_table(['', *(_title(column, several) for column in columns)], lines)


def write_table(
    number: int, rows: Sequence[Mapping], waiting: Iterable[str], folder: Path
) -> list[Path]:
    """Write ``table<number>.json``, ``.md`` and ``.html``.

    Args:
        number: Number of the table.
        rows: Result of :func:`collect`.
        waiting: Lines on what is not done.
        folder: Folder of the files.

    Returns:
        The files but for the JSON, Markdown first.
    """
    name = f'table{number}'
    write_json(folder / f'{name}.json', dict(table=number, rows=rows), indent=2)
    text = (
        "Percent. The paper's figures, and below them ours: a config's, trained here, or those of "
        'published weights, read out here; a dash: not printed, or not measured.'
    )
    parts = [f'# {_HEADINGS[number]}', text, table(rows)]
    if lines := list(waiting):
        parts += ['## Not here yet', '\n'.join(lines)]
    return reports.write_report(folder, name, parts)


def _scores(result: Mapping, run: Run, columns: Iterable[Column]) -> dict[str, float]:
    (first,) = run.readout['suite']
    suites = result.get('suites', {first: result['metrics']})
    found = {}
    for column in columns:
        suite, readout, metric = column
        metrics = suites.get(suite, {}).get(readout, {})
        value = (metrics.get('per_class', {}) | metrics).get(metric)
        if value is not None:
            found[' '.join(column)] = value
    return found


def _title(column: str, several: Sequence[bool]) -> str:
    """Words of a column; suite and readout only where there are several."""
    suite, readout, metric = column.split(' ', 2)
    words = [_SUITES[suite]] if several[0] else []
    words += [READOUT_TITLES[readout]] if several[1] else []
    titles = METRIC_TITLES if several[1] else METRIC_TITLES | GROUP_TITLES
    return ': '.join([' '.join(words), titles.get(metric, metric)]).removeprefix(': ')
