"""Report of training runs: what differs, how it went, what the network saw."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from poodle_mm.checkpoints.config_text import read_config_text
from poodle_mm.engine.config import load_config
from poodle_mm.engine.console import NOISE
from poodle_mm.engine.hooks.run_stats_hook import RUN_STATS
from poodle_mm.engine.hooks.training_plan_hook import duration
from poodle_mm.engine.resume_changes import config_changes
from poodle_mm.engine.run_log import label_runs, read_log
from poodle_mm.experiments.report import Picture, write_report
from poodle_mm.utils.files import read_json
from poodle_mm.utils.tables import markdown_table
from poodle_mm.visualization.curves import draw_curves

_LAST = (
    'loss', 'loss_dense', 'loss_pool', 'loss_class', 'loss_patch', 'loss_masked', 'loss_local',
    'std_dense', 'std_pool', 'valid_share', 'fallback_share', 'teacher_entropy',
    'student_entropy', 'information', 'information_patch', 'positive_share', 'explained_variance',
    'object_overlap', 'mask_share',
)  # fmt: skip
_AVERAGED = 10  # logged values
_MOST_WARNINGS = 20

_HEALTH = """
Healthy: losses fall slowly, and spreads (`std_dense`, `std_pool`) stay above their start. A spread
or an `information` that falls towards zero is a collapse, however small the loss. Numbers of the
table are means over the last logged values.
""".strip()


def report_runs(
    work_dirs: Sequence[str | Path],
    out: str | Path | None = None,
    labels: Sequence[str] | None = None,
) -> list[Path]:
    """Write a report of runs, finished or not, as Markdown and as one HTML file.

    Nothing in the work dirs is executed; the runs may go on meanwhile.

    Args:
        work_dirs: Folders of runs; several stand side by side.
        out: Folder of the report; default: the first work dir.
        labels: Names of the runs; default: those of the folders.

    Returns:
        The files: Markdown, HTML, pictures.

    Raises:
        FileNotFoundError: If a folder has no log of a training.
        ValueError: If there is not one label for each run, two are equal, or a log is empty.
    """
    runs = label_runs(work_dirs, labels)
    folders = list(runs.values())
    curves = {label: read_log(folder) for label, folder in runs.items()}
    parts: list[str | Picture] = [
        f'# {" and ".join(runs)}',
        'Report of training: ' + ', '.join(f'`{folder}`' for folder in folders),
        '## How it went',
        _HEALTH,
        _table(runs, curves),
        Picture('figures/curves.png', 'Curves', draw_curves(curves)),
        '## Settings',
        *_settings(runs),
    ]
    for label, folder in runs.items():
        parts += _pictures(label, folder)
    parts += ['## Warnings', *(_warnings(label, folder) for label, folder in runs.items())]
    return write_report(Path(out or folders[0]), 'report', parts)


def _table(runs: Mapping[str, Path], curves: Mapping[str, Mapping]) -> str:
    """Length, speed, and the last values of what was logged, a column for each run."""
    names = [name for name in _LAST if any(name in logged for logged in curves.values())]
    columns = [_column(folder, curves[label], names) for label, folder in runs.items()]
    rows = [[name, *(column[name] for column in columns)] for name in columns[0]]
    return markdown_table(['run', *runs], rows)


def _column(folder: Path, curves: Mapping, names: Sequence[str]) -> dict[str, str]:
    stats = read_json(folder / RUN_STATS)
    stats = stats if isinstance(stats, dict) else {}
    rate, memory = stats.get('pairs_per_second'), stats.get('memory_mib')
    unit = stats.get('unit', 'pairs')
    return {
        'iterations': f'{stats["iter"]:,} of {stats["max_iters"]:,}' if 'iter' in stats else '–',
        'seen': f'{stats["pairs"]:,} {unit}' if 'pairs' in stats else '–',
        'time': duration(stats['seconds']) if 'seconds' in stats else '–',
        'speed': f'{rate:.3g} {unit}/s' if rate else '–',
        'peak memory': f'{memory:,.0f} MiB, {stats["device"]}' if memory else '–',
    } | {
        name: f'{curves[name][1][-_AVERAGED:].mean():.3g}' if name in curves else '–'
        for name in names
    }


def _settings(runs: Mapping[str, Path]) -> list[str]:
    """What differs between runs, or a run's differences from the config of its name."""
    configs = {label: _config(folder) for label, folder in runs.items()}
    (first, base), *others = configs.items()
    if others:
        blocks = []
        for label, config in others:
            changes = config_changes(base, config)
            blocks += [f'From *{first}* to *{label}*:' if changes else f'*{label}*: as *{first}*.']
            blocks += [_listing(changes)] if changes else []
        return blocks
    names = [path.name for path in runs[first].glob('*.py')]
    for name in names:
        try:
            published = load_config(name)
        except (FileNotFoundError, ValueError):
            continue  # a config of the user's own
        changes = config_changes(read_config_text(published.pretty_text), base)
        if not changes:
            return [f'As in `{name}` of this version.']
        return [f'Differences from `{name}` of this version:', _listing(changes)]
    return [f'The config is in `{runs[first]}`; this version has none of its name to compare with.']


def _config(folder: Path) -> dict:
    files = sorted(folder.glob('*/vis_data/config.py'))
    return read_config_text(files[-1].read_text('utf-8'), strict=False) if files else {}


def _pictures(label: str, folder: Path) -> list[str | Picture]:
    """The first and the last picture of what the network saw."""
    files = sorted(folder.glob('pictures/*_0.png'))
    if not files:
        return []
    name = re.sub(r'[^\w.-]+', '-', label)
    parts: list[str | Picture] = [f'## What the network saw: {label}']
    for file in dict.fromkeys((files[0], files[-1])):
        iteration = int(file.stem.split('_')[1])
        parts += [f'Iteration {iteration:,}']
        parts += [Picture(f'figures/{name}-{file.name}', f'{label}, {iteration}', file)]
    return parts


def _warnings(label: str, folder: Path) -> str:
    """Warnings of a run's logs, each once."""
    found: dict[str, int] = {}
    for file in sorted(folder.glob('*/*.log')):
        for line in file.read_text('utf-8', errors='replace').splitlines():
            level, text = next(
                ((kind, line.split(f' - {kind} - ', 1)[1]) for kind in ('WARNING', 'ERROR')
                 if f' - {kind} - ' in line),
                ('', ''),
            )  # fmt: skip
            if level and not text.startswith(NOISE):
                found[text] = found.get(text, 0) + 1
    if not found:
        return f'*{label}*: none.'
    lines = [text + (f' ({n} times)' if n > 1 else '') for text, n in found.items()]
    left = len(lines) - _MOST_WARNINGS
    more = [f'and {left} others in the log'] if left > 0 else []
    return f'*{label}*:\n\n' + _listing(lines[:_MOST_WARNINGS] + more)


def _listing(lines: Sequence[str]) -> str:
    return '\n'.join(['```text', *lines, '```'])
