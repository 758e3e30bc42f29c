"""What came out of a study: a table beside the paper's, Markdown and JSON."""

import json
from collections.abc import Sequence
from pathlib import Path

from poodle_mm.experiments.ablations.execute import read_result
from poodle_mm.experiments.ablations.plan import Run
from poodle_mm.experiments.ablations.settings import DataSetting, scaled
from poodle_mm.experiments.ablations.study import Study
from poodle_mm.utils.files import write_text
from poodle_mm.utils.tables import spread

_METRICS = dict(miou='All', acc='Acc', small='Small', large='Large', rare='Rare', common='Common')


def collect(study: Study, runs: Sequence[Run], data: DataSetting) -> dict:
    """Figures of all finished runs of a study.

    Returns:
        ``dict(study, title, delta_unit, rows)``; a row has ``key``, ``label``, ``settings`` (at
        the scale of the data), ``paper`` and ``seeds``: seed to ``dict(metrics by readout,
        stats)``.
    """
    rows = []
    for variant in study.variants:
        results = {run.seed: read_result(run) for run in runs if run.variant is variant}
        if not results:
            continue
        rows.append(
            dict(
                key=variant.key,
                label=variant.label,
                settings=scaled(variant.settings, data),
                paper=dict(variant.paper),
                seeds={str(seed): result for seed, result in results.items() if result},
            )
        )
    return dict(study=study.name, title=study.title, delta_unit=data.delta_unit, rows=rows)


def values(row: dict, readout: str, metric: str) -> list[float]:
    """A metric of all seeds of a row, percent; what was not measured is left out."""
    found = (seed['metrics'].get(readout, {}).get(metric) for seed in row['seeds'].values())
    return [value for value in found if value is not None]


def markdown(report: dict, readout: str, settings: str = '') -> str:
    """The table of a readout: mean ± standard deviation over seeds, the paper's beside it."""
    head = [
        '',
        *_METRICS.values(),
        'pairs/s',
        'MiB',
        'seeds',
        'paper: All',
        'Small',
        'Large',
        'Rare',
    ]
    lines = [head, ['---'] + ['---:'] * (len(head) - 1)]
    for row in report['rows']:
        stats = [seed['stats'] for seed in row['seeds'].values() if seed['stats']]
        name = row['label']
        if row['settings']:
            name += (
                ' (' + ', '.join(f'{k} {setting_text(v)}' for k, v in row['settings'].items()) + ')'
            )
        lines.append(
            [
                name,
                *(spread(values(row, readout, metric)) for metric in _METRICS),
                _mean([s.get('pairs_per_second') for s in stats], 1),
                _mean([s.get('memory_mib') for s in stats], 0),
                str(len(row['seeds']) or '–'),
                *(_paper(row, metric) for metric in ('miou', 'small', 'large', 'rare')),
            ]
        )
    table = '\n'.join('| ' + ' | '.join(line) + ' |' for line in lines)
    return f'# {report["title"]}: {readout}\n\n{settings}\n\n{table}\n'


def write_report(
    study: Study,
    runs: Sequence[Run],
    data: DataSetting,
    readouts: Sequence[str],
    folder: Path,
    settings: str,
) -> tuple[dict, list[Path]]:
    """Write ``<study>.json`` and ``<study>[_<readout>].md`` into a folder.

    Returns:
        What the JSON holds, and the Markdown files.
    """
    report = collect(study, runs, data)
    write_text(folder / f'{study.name}.json', json.dumps(report, indent=2) + '\n')
    files = []
    for readout in readouts:
        suffix = '' if readout == readouts[0] else f'_{readout}'
        files.append(folder / f'{study.name}{suffix}.md')
        write_text(files[-1], markdown(report, readout, settings))
    return report, files


def _mean(numbers: list[float | None], digits: int) -> str:
    numbers = [n for n in numbers if n is not None]
    return f'{sum(numbers) / len(numbers):.{digits}f}' if numbers else '–'


def _paper(row: dict, metric: str) -> str:
    return f'{row["paper"][metric]:.1f}' if metric in row['paper'] else '–'


def setting_text(value: float | Sequence) -> str:
    """``(0.05, 0.25)`` → ``0.05–0.25``, ``(256, 512)`` → ``256×512``, ``3`` → ``3``."""
    if not isinstance(value, Sequence):
        return f'{value:g}'
    return ('×' if isinstance(value[0], int) else '–').join(f'{v:g}' for v in value)
