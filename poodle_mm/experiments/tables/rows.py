"""Rows of the paper's Tables 1, 2, 3, 5 and 6, and where each comes from here."""

from collections.abc import Iterable
from dataclasses import dataclass

from poodle_mm.checkpoints.released_weights import RELEASED, Printed
from poodle_mm.evaluation.published import PUBLISHED, PUBLISHED_CLASSES, PUBLISHED_GROUPS, Row

# Configs that pretrain a row; {} is '_release' or nothing, the recipes of PooDLe and FlowE.
_CONFIGS: dict[Printed, str] = {
    ('DenseCL', 'R50', '800', 'BDD'): 'densecl_r50_bdd_224x224_800e',
    ('DenseCL', 'R50', '100', 'BDD'): 'densecl_r50_bdd_224x224_100e',
    ('FlowE', 'R50', '100', 'BDD'): 'flowe_r50_bdd{}',
    ('PixPro', 'R50', '100', 'BDD'): 'pixpro_r50_bdd_224x224_100e',
    ('DINO', 'R50', '100', 'BDD'): 'dino_r50_bdd_224x224_100e',
    ('DINO', 'ViT-S', '300', 'BDD'): 'dino_vit-s16_bdd_224x224_300e',
    ('iBOT', 'ViT-S', '800', 'BDD'): 'ibot_vit-s16_bdd_224x224_800e',
    ('DoRA', 'ViT-S', '200', 'BDD'): 'dora_vit-s16_bdd_224x224_200e',
    ('PooDLe', 'R50', '100', 'BDD'): 'poodle_r50_bdd{}',
    ('PooDLe', 'R50', '100', 'BDD*'): 'poodle_r50_bdd-in1k{}',
    ('PixPro', 'R50', '100', 'WT-Venice'): 'pixpro_r50_wt-venice_224x224_100e',
    ('DINO', 'R50', '100', 'WT-Venice'): 'dino_r50_wt-venice_224x224_100e',
    ('DINO', 'ViT-S', '100', 'WT-Venice'): 'dino_vit-s16_wt-venice_224x224_100e',
    ('iBOT', 'ViT-S', '100', 'WT-Venice'): 'ibot_vit-s16_wt-venice_224x224_100e',
    ('DoRA', 'ViT-S', '100', 'WT-Venice'): 'dora_vit-s16_wt-venice_224x224_100e',
    ('DoRA', 'ViT-S', '100', 'WT-all'): 'dora_vit-s16_wt-all_224x224_100e',
    ('MAE', 'ViT-S', '-', 'WT-Venice'): 'mae_vit-s16_wt-venice_224x224_300e',
    ('MAE', 'ViT-S', '-', 'WT-all'): 'mae_vit-s16_wt-all_224x224_300e',
    ('PooDLe', 'R50', '20', 'WT-Venice'): 'poodle_r50_wt-venice{}',
    ('PooDLe', 'R50', '20', 'WT-all'): 'poodle_r50_wt-all{}',
}
_PAPER_NAMES = {'poodle_r50_bdd-in1k': 'poodle_r50_bdd_in1k'}

Column = tuple[str, str, str]
"""Suite, readout and metric."""


@dataclass(frozen=True, eq=False)
class TableRow:
    """A printed row.

    Attributes:
        printed: Method, architecture, epochs and data.
        paper: What is printed, percent.
    """

    printed: Printed
    paper: dict[Column, float]

    @property
    def label(self) -> str:
        """The words of the paper."""
        method, arch, epochs, data = self.printed
        return (
            f'{method} {arch}'
            + (f', {epochs} ep.' if epochs != '-' else '')
            + (f', {data}' if data != '-' else '')
        )

    @property
    def readouts(self) -> dict[str, list[str]]:
        """Suite to the readouts of which there are scores."""
        found: dict[str, list[str]] = {}
        for suite, readout, _ in self.paper:
            if readout not in found.setdefault(suite, []):
                found[suite].append(readout)
        return found


@dataclass(frozen=True)
class Source:
    """Where a row comes from: a config, published weights, or neither (random weights).

    Attributes:
        key: Name of the config, of the weights, or ``'scratch'``; for ``--rows``.
        config: Name of the config that pretrains it.
        weights: Name of published weights.
    """

    key: str
    config: str | None = None
    weights: str | None = None


def table_rows(number: int) -> list[TableRow]:
    """Rows of a table in the paper's order; Table 2's with the later paper's WT-Sem and rows.

    Raises:
        ValueError: If there is no such table of results here.
    """
    tables = {1: PUBLISHED, 2: PUBLISHED, 5: PUBLISHED, 3: PUBLISHED_GROUPS, 6: PUBLISHED_CLASSES}
    if number not in tables:
        raise ValueError(f'Table {number} is none of {sorted(tables)}')
    rows: list[tuple[Row, dict[Column, float]]] = []
    editions = ('seed', 'iclr') if number == 2 else ('seed',)
    for edition in editions:
        for suite, printed in tables[number].items():
            for row in printed:
                if (row.table, row.edition) == (number, edition):
                    _add(rows, suite, row)
    return [TableRow(_run_of(row), scores) for row, scores in rows]


def sources_of(row: TableRow, recipe: str = 'release') -> list[Source]:
    """The config that pretrains a row, then published weights; empty if there is neither.

    Args:
        row: Row.
        recipe: ``'release'`` or ``'paper'``, for rows of PooDLe and FlowE.
    """
    if row.printed[0] == 'Scratch':
        return [Source('scratch')]
    found = []
    if template := _CONFIGS.get(row.printed):
        name = template.format('_release' if recipe == 'release' else '')
        name = _PAPER_NAMES.get(name, name)
        found.append(Source(name, config=name))
    released = (w.name for w in RELEASED.values() if w.row == row.printed)
    return found + [Source(name, weights=name) for name in released]


def _add(rows: list[tuple[Row, dict]], suite: str, row: Row) -> None:
    """Join what both suites, or both editions, print of one pretraining."""
    scores = {(suite, *column): value for column, value in row.scores.items()}
    for other, found in rows:
        if other.same_run(row):
            found |= {column: v for column, v in scores.items() if column not in found}
            return
    rows.append((row, scores))


def _run_of(row: Row) -> Printed:
    """The row's pretraining; epochs that a table does not print are those of Table 1."""
    printed = (row.method, row.arch, row.epochs, row.pretrain)
    return printed if row.epochs != '-' else _with_epochs(printed, PUBLISHED['bdd100k'])


def _with_epochs(printed: Printed, rows: Iterable[Row]) -> Printed:
    method, arch, _, pretrain = printed
    for row in rows:
        if row.table == 1 and (row.method, row.arch, row.pretrain) == (method, arch, pretrain):
            return (method, arch, row.epochs, pretrain)
    return printed
