"""IoU of each class of several runs as bars, beside the paper's rows (PooDLe, Table 6)."""

from collections.abc import Sequence
from pathlib import Path

from poodle_mm.evaluation.class_scores import GROUPS, ClassScores, Score, read_class_scores, score
from poodle_mm.evaluation.published import PUBLISHED_CLASSES, Row
from poodle_mm.evaluation.published_tables import BDD100K_GROUPS
from poodle_mm.experiments.figures.output import write_analysis
from poodle_mm.utils.tables import spread
from poodle_mm.visualization.class_bars import draw_class_bars

_MEANS = 'means of the groups'


def write_class_iou(
    out: str | Path,
    results: Sequence[str],
    readout: str = 'linear',
    groups: str | Path | None = None,
    paper: Sequence[str] = (),
) -> tuple[str, list[Path]]:
    """Draw the classes' IoU, small and large classes apart, rare ones marked.

    Args:
        out: Argument of :func:`~poodle_mm.experiments.figures.output.write_analysis`.
        results, readout, groups: Arguments of
            :func:`~poodle_mm.evaluation.class_scores.read_class_scores`.
        paper: Methods of the paper's Table 6 to stand beside, or ``'all'``.

    Returns:
        The line of text and the files.

    Raises:
        FileNotFoundError, ValueError: As ``read_class_scores``; or if the paper has no such
            method, or other classes.
    """
    scores = read_class_scores(results, readout, groups)
    printed = {_title(row): row for row in paper_rows(scores.classes, paper)}
    table = {run: _scores_of(scores, run) for run in scores.runs}
    quoted = {name: _printed(row) for name, row in printed.items()}
    rows = []
    for run, own in (table | quoted).items():
        for place, found in own.items():
            kinds = _groups_of(place, BDD100K_GROUPS if run in quoted else scores.groups)
            row = dict(run=run, kind='group' if place in ('all', *GROUPS) else 'class', name=place)
            row |= dict(groups=' '.join(kinds), mean=found.mean, std=found.std)
            rows.append(row | dict(seeds=len(found.values)))
    figure = draw_class_bars(
        {
            **{f'{size} classes': _ordered(scores, size) for size in ('small', 'large')},
            _MEANS: ['all', *GROUPS],
        },
        {
            run: {_label(scores, k): (v.mean, v.std, v.values) for k, v in own.items()}
            for run, own in (table | quoted).items()
        },
        list(quoted),
        _MEANS,
        _caption(scores, readout, bool(quoted)),
    )
    words = '; '.join(
        f'{run}: ' + ', '.join(f'{g} {spread(own[g].values)}' for g in ('all', *GROUPS))
        for run, own in (table | quoted).items()
    )
    text = f'IoU per class of the readout {readout}, percent. {words}.'
    return text, write_analysis(out, figure, rows, text)


def paper_rows(classes: Sequence[str], methods: Sequence[str]) -> list[Row]:
    """Rows of the paper's Table 6.

    Args:
        classes: Names that must be those of the table, in any order.
        methods: Method as printed, or with its pretraining as ``'PooDLe BDD*'``; or ``'all'``.

    Raises:
        ValueError: If the classes are others, or there is no such method.
    """
    if not methods:
        return []
    rows = PUBLISHED_CLASSES['bdd100k']
    if {name for _, name in rows[0].scores} != set(classes):
        raise ValueError("the paper's Table 6 has the 19 classes of BDD100K, these results others")
    chosen = []
    for method in methods:
        found = [r for r in rows if method in ('all', r.method, f'{r.method} {r.pretrain}')]
        if not found:
            known = ', '.join(f'{row.method} {row.pretrain}' for row in rows)
            raise ValueError(f'Table 6 has no {method!r}: take of {known}')
        chosen += [row for row in found if row not in chosen]
    return chosen


def _scores_of(scores: ClassScores, run: str) -> dict[str, Score]:
    classes = {name: scores.of_class(run, name) for name in scores.classes}
    return classes | {name: scores.of_group(run, name) for name in ('all', *GROUPS)}


def _printed(row: Row) -> dict[str, Score]:
    """Printed IoU of the classes, and its means over the paper's own groups."""
    own = {name: value for (_, name), value in row.scores.items()}
    groups = dict(all=list(own)) | BDD100K_GROUPS
    means = {name: sum(own[k] for k in members) / len(members) for name, members in groups.items()}
    return {name: score([value]) for name, value in (own | means).items()}


def _title(row: Row) -> str:
    return f'paper: {row.method} {row.arch}, {row.pretrain}'


def _groups_of(name: str, groups: dict[str, list[str]]) -> list[str]:
    return [group for group, members in groups.items() if name in members]


def _ordered(scores: ClassScores, size: str) -> list[str]:
    """Labels of a size's classes: common ones first."""
    members = [name for name in scores.classes if name in scores.groups[size]]
    members.sort(key=lambda name: name in scores.groups['rare'])
    return [_label(scores, name) for name in members]


def _label(scores: ClassScores, name: str) -> str:
    return f'{name}\n(rare)' if name in scores.groups['rare'] else name


def _caption(scores: ClassScores, readout: str, quoted: bool) -> str:
    words = f'Readout {readout}; bars: mean over the seeds, lines: standard deviation (n - 1)'
    words += ', dots: single seeds; –: nothing to score. '
    words += f'Seeds: {", ".join(f"{run} {len(own)}" for run, own in scores.runs.items())}.'
    unplaced = [n for n in scores.classes if not _groups_of(n, scores.groups)]
    if unplaced:
        words += f'\nIn no group, as never in the training labels: {", ".join(unplaced)}.'
    if quoted:
        words += (
            '\nHatched: Table 6 of the paper, on BDD100K, and means over the groups of BDD100K.'
        )
    return words
