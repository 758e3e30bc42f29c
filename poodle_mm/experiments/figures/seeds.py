"""Rows of an ablation from the log of its runs: every seed is seen, not only mean and deviation."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path

from poodle_mm.experiments.ablations.run_log import by_setting, read_runs
from poodle_mm.experiments.figures.output import write_analysis
from poodle_mm.utils.tables import spread
from poodle_mm.visualization.seed_dots import draw_seeds

METRICS = {
    'miou': 'All', 'acc': 'accuracy', 'small': 'Small', 'large': 'Large', 'rare': 'Rare',
    'common': 'Common', 'ap': 'AP', 'ap-small': 'AP Small', 'ap-large': 'AP Large',
}  # fmt: skip


def seeds_figure(
    log: str | Path,
    rows: Mapping[str, str],
    panels: Sequence[tuple[str, str]],
    out: str | Path,
    split: str = 'test',
    dpi: int = 150,
) -> tuple[list[Path], str]:
    """Draw the seeds of some settings.

    Args:
        log: File of :func:`~poodle_mm.experiments.ablations.run_log.write_runs`.
        rows: What a setting is called to the name of its runs without the seed.
        panels: Readout and key of ``METRICS`` of each panel.
        out: Files without their ending.
        split: Split that was scored.
        dpi: Pixels per inch.

    Returns:
        The files and the text.

    Raises:
        FileNotFoundError: If there is no log.
        ValueError: If the log is none, has no such runs, or a setting has no score in any panel.
    """
    runs = read_runs(log)
    known = {(r, metric): by_setting(runs, r, split) for r, metric in panels}
    found = {
        f'{METRICS[metric]}, {readout}': {
            name: _scores(of_runs.get(run, {}), metric) for name, run in rows.items()
        }
        for (readout, metric), of_runs in known.items()
    }
    for name, run in rows.items():
        if not any(scores[name] for scores in found.values()):
            names = sorted(set().union(*known.values()))
            asked = ', '.join(f'{readout}:{metric}' for readout, metric in panels)
            near = ', '.join(get_close_matches(run, names, 3, 0.3) or names) or 'no run'
            raise ValueError(
                f'{log} has none of {asked} ({split} split) of {run!r}; it has these readouts of '
                f'{near}'
            )
    shown = {
        title: {name: [*seeds.values()] for name, seeds in scores.items()}
        for title, scores in found.items()
    }
    table = [
        dict(panel=title, row=name, run=rows[name], seed=seed, score=value)
        for title, scores in found.items()
        for name, seeds in scores.items()
        for seed, value in seeds.items()
    ]
    words = [
        f'{title}: ' + ', '.join(f'{name} {spread(values)}' for name, values in scores.items())
        for title, scores in shown.items()
    ]
    text = f'In percent, {split} split, mean ± standard deviation. {". ".join(words)}.'
    return write_analysis(out, draw_seeds(shown), table, text, dpi), text


def _scores(seeds: Mapping[int, Mapping], metric: str) -> dict[int, float]:
    if metric.startswith('ap'):
        group = metric.removeprefix('ap').lstrip('-') or 'all'
        values = {seed: m.get('pixel_precision', {}).get(group) for seed, m in seeds.items()}
    else:
        values = {seed: m.get(metric) for seed, m in seeds.items()}
    return {seed: value for seed, value in values.items() if value is not None}
