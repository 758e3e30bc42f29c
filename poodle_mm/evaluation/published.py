"""The paper's rows by suite and edition, to stand beside ours."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from poodle_mm.evaluation import published_tables as printed

#: Editions and what the tables call them: first version, later version, talk.
EDITIONS = dict(seed='arXiv 2024', iclr='ICLR 2025', talk='talk')


class Row(NamedTuple):
    """A row of the paper.

    Attributes:
        method, arch, epochs, pretrain: Words as printed, ``-`` where there are none; ``*`` =
            started from ImageNet weights. ``method`` of an ablation: its number or varied range.
        table: Number of the table; None where there is none or it is not known.
        scores: ``(readout, metric)`` to percent; what is not printed is left out.
        edition: Name in ``EDITIONS``; they differ in places, see ``docs/downstream.md``.
    """

    method: str
    arch: str
    epochs: str
    pretrain: str
    table: int | None
    scores: dict[tuple[str, str], float]
    edition: str

    @property
    def source(self) -> str:
        """``'Table 2, ICLR 2025'``, or the edition alone."""
        edition = EDITIONS[self.edition]
        return edition if self.table is None else f'Table {self.table}, {edition}'

    def same_run(self, other: 'Row') -> bool:
        """Whether both can be one pretraining: epochs that are not printed may be any."""
        epochs = {self.epochs, other.epochs} - {'-'}
        return self[:2] == other[:2] and self.pretrain == other.pretrain and len(epochs) < 2


def select(
    rows: Iterable[Row], columns: Sequence[tuple[str, str]], edition: str = 'all'
) -> list[Row]:
    """Rows with scores in these columns; of those that say the same, the first.

    Rows of one pretraining that differ stay, one below the other.

    Args:
        rows: Rows of a suite.
        columns: ``(readout, metric)`` of the table.
        edition: Name in ``EDITIONS``, or ``'all'``.

    Raises:
        ValueError: If there is no such edition.
    """
    if edition not in ('all', *EDITIONS):
        raise ValueError(f'unknown edition {edition!r}: take one of {[*EDITIONS, "all"]}')
    chosen = []
    for row in rows:
        shown = {c: row.scores[c] for c in columns if c in row.scores}
        if edition not in ('all', row.edition) or not shown:
            continue
        same = [i for i, other in enumerate(chosen) if row.same_run(other)]
        if not any(shown.items() <= chosen[i].scores.items() for i in same):
            chosen.insert(same[-1] + 1 if same else len(chosen), row)
    return chosen


def _by_suite(*tables: printed.Table) -> dict[str, list[Row]]:
    """The tables' rows under each suite of which they have a score."""
    suites = {}
    for table in tables:
        for line in table.text.strip().splitlines():
            method, arch, epochs, pretrain, *values = line.split()
            found = {}
            for column, value in zip(table.columns, values, strict=True):
                if column is not None and value != '-':
                    suite, *readout_and_metric = column
                    found.setdefault(suite, {})[tuple(readout_and_metric)] = float(value)
            for suite, scores in found.items():
                row = Row(method, arch, epochs, pretrain, table.number, scores, table.edition)
                suites.setdefault(suite, []).append(row)
    return suites


#: Main rows by suite: mIoU, pixel accuracy and mAP of the readouts.
PUBLISHED = _by_suite(*printed.READOUT_TABLES)
#: mIoU of groups of classes, by suite.
PUBLISHED_GROUPS = _by_suite(*printed.GROUP_TABLES)
#: IoU of each class, by suite.
PUBLISHED_CLASSES = _by_suite(*printed.CLASS_TABLES)
#: Linear readouts on BDD100K after 40 epochs, by study.
PUBLISHED_ABLATIONS = {
    'table 4': _by_suite(printed.TABLE_4)['bdd100k'],
    'subcrop area': _by_suite(printed.SUBCROP_AREA)['bdd100k'],
}
