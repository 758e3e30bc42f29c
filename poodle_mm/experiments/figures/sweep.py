"""Figures 5, 7 and 9: scores over crop area, subcrop area, resolution, K and Δ."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from poodle_mm.experiments.ablations.report import values
from poodle_mm.experiments.ablations.settings import DATA, DataSetting, scaled, setting_text
from poodle_mm.experiments.ablations.studies import studies_of
from poodle_mm.experiments.ablations.study import Study
from poodle_mm.experiments.figures.output import write_analysis
from poodle_mm.utils.files import read_object
from poodle_mm.visualization.sweep_curves import SweepPanel, draw_sweeps

METRICS = dict(miou='All', small='Small', large='Large')
PAPER = dict(
    figure5a='an area that is best for each size, 0.05–0.25 at 256×512 (34.0) and 0.25–0.5 at '
    '384×768 (34.4); larger crops pay only with a larger input',
    figure5b='larger subcrops do worse',
    figure5c='PooDLe holds at every resolution, dense only needs a high one, pooled only and FlowE '
    'are lower throughout',
    figure7='three subcrops are much better than none, more add a little',
    figure9='too small and too large a Δ are both worse',
)
"""What the paper's panels show, in words (§4.4)."""


def sweep_figure(
    figure: str,
    folder: str | Path,
    out: str | Path,
    readout: str = 'linear',
    edition: str = 'seed',
    data: str | None = None,
    dpi: int = 150,
) -> tuple[list[Path], str]:
    """Draw the studies of a figure that have results, and write what is missing.

    Args:
        figure: ``'5'``, ``'7'`` or ``'9'``.
        folder: Folder of ``tools/reproduce.py``'s reports, ``<work dir>/<data>``.
        out: Files without their ending.
        readout: Name of the readout.
        edition: Argument of :func:`~poodle_mm.experiments.ablations.studies.studies_of`.
        data: Key of ``DATA``; None: the name of the folder.
        dpi: Pixels per inch.

    Returns:
        The files and the text.

    Raises:
        FileNotFoundError: If there is no report of the figure.
        ValueError: If the data are unknown, or nothing was measured.
    """
    folder = Path(folder)
    name = data or folder.resolve().name
    if name not in DATA:
        raise ValueError(f'{folder}: name its data by --data: one of {", ".join(DATA)}')
    again = f'tools/reproduce.py --figure {figure} --data {name}'
    again += f' --edition {edition}' if edition != 'seed' else ''
    studies = studies_of(f'figure {figure}', edition)
    reports = [read_object(folder / f'{study.name}.json') for study in studies]
    if not any(reports):
        names = ', '.join(f'{study.name}.json' for study in studies)
        raise FileNotFoundError(f'{folder} has none of {names}: {again} writes them')
    panels, rows, words = [], [], [f'{readout} readout of {name}, mIoU in %.']
    for study, report in zip(studies, reports):
        own = all_rows(study, report, DATA[name])
        drawn = study_panels(study, own, readout, DATA[name])
        if drawn[0].lines:
            panels.append(drawn)
        rows += _csv_rows(study, own, readout)
        missing = [row['key'] for row in own if not values(row, readout, 'miou')]
        words.append(f'{study.title}: {_trends(drawn[0])}.')
        if missing:
            words.append(f'Missing: {", ".join(missing)} ({again} --rows {" ".join(missing)}).')
        words.append(f'The paper: {PAPER[study.name.removesuffix("-iclr")]}.')
    if not rows:
        raise ValueError(f'{folder}: no run has a result of the readout {readout}: {again}')
    text = ' '.join(words)
    return write_analysis(out, draw_sweeps(panels), rows, text, dpi), text


def all_rows(study: Study, report: Mapping | None, data: DataSetting) -> list[dict]:
    """A row for every variant of a study, without seeds where the report has none.

    Args:
        study: The study.
        report: Content of its JSON file, see
            :func:`~poodle_mm.experiments.ablations.report.collect`; None: there is none.
        data: The data setting.
    """
    known = {row['key']: row for row in (report or {}).get('rows', ())}
    return [
        known.get(variant.key)
        or dict(
            key=variant.key,
            label=variant.label,
            settings=scaled(variant.settings, data),
            paper=dict(variant.paper),
            seeds={},
        )
        for variant in study.variants
    ]


def study_panels(
    study: Study, rows: Sequence[Mapping], readout: str, data: DataSetting
) -> list[SweepPanel]:
    """A panel for all classes, and one each for the small and the large ones.

    Args:
        study: The study.
        rows: Result of :func:`all_rows`.
        readout: Name of the readout.
        data: The data setting.
    """
    ticks = list(dict.fromkeys(setting_text(row['settings'][study.x]) for row in rows))
    unit = f' ({data.delta_unit})' if study.x == 'delta' else ''
    panels = []
    for metric, group in METRICS.items():
        lines: dict[str, dict[str, list[float]]] = {}
        for row in rows:
            if found := values(row, readout, metric):
                line = lines.setdefault(line_name(study, row), {})
                line[setting_text(row['settings'][study.x])] = found
        title = f'{study.title}: {group}' if group == 'All' else group
        y_label = 'mIoU in %' if group == 'All' else f'mIoU of {group.lower()} classes in %'
        panels.append(SweepPanel(title, study.x_label + unit, y_label, ticks, lines))
    return panels


def line_name(study: Study, row: Mapping) -> str:
    """Name of the line that a row is a point of: method or resolution."""
    return setting_text(row['settings'][study.line]) if study.line else row['label']


def _csv_rows(study: Study, rows: Sequence[Mapping], readout: str) -> list[dict]:
    found = []
    for row in rows:
        for metric, group in METRICS.items():
            scores = values(row, readout, metric)
            if scores:
                found.append(
                    dict(
                        study=study.name,
                        key=row['key'],
                        line=line_name(study, row),
                        x=setting_text(row['settings'][study.x]),
                        metric=group,
                        mean=float(np.mean(scores)),
                        std=float(np.std(scores, ddof=1)) if len(scores) > 1 else None,
                        seeds=len(scores),
                        paper=row['paper'].get(metric),
                    )
                )
    return found


def _trends(panel: SweepPanel) -> str:
    """From the first to the last value and the best one, of each line."""
    if not panel.lines:
        return 'nothing measured'
    words = []
    for name, points in panel.lines.items():
        means = {tick: float(np.mean(found)) for tick, found in points.items()}
        items = [*means.items()]
        (first, start), (last, end) = items[0], items[-1]
        best = max(means, key=means.get)
        if len(means) == 1:
            words.append(f'{name} {start:.1f} at {first}, the only one')
            continue
        text = (
            f'{name} {start:.1f} at {first}, {end:.1f} at {last}, best {means[best]:.1f} at {best}'
        )
        stds = [np.std(found, ddof=1) for found in points.values() if len(found) > 1]
        if stds and max(means.values()) - min(means.values()) < 2 * max(stds):
            text += " (within the seeds' spread)"
        elif not stds:
            text += ' (one seed each)'
        words.append(text)
    return '; '.join(words)
