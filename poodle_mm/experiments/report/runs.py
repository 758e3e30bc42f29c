"""What the folder of a run holds, read without executing anything; what is missing is said."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from poodle_mm.checkpoints.config_text import read_config_text
from poodle_mm.engine.console import NOISE
from poodle_mm.engine.hooks.run_stats_hook import RUN_STATS
from poodle_mm.engine.run_log import label_runs, read_log
from poodle_mm.utils.files import read_json

Curve = tuple[np.ndarray, np.ndarray]
_STAMP = re.compile(r'\d{4}/\d\d/\d\d \d\d:\d\d:\d\d - \S+ - ([A-Z]+) -(.*)', re.DOTALL)
_LONGEST = 4000  # characters of a warning
_LONGEST_HEADER = 200_000


@dataclass(frozen=True)
class LoggedRun:
    """A run as its files tell it.

    Attributes:
        label: Its name.
        folder: Its work dir.
        curves: Logged number to iterations and values.
        stats: Content of ``run_stats.json``.
        config, config_text: The config that it was started with, its plain data and as written.
        environment: Lines of the log's first entry.
        warnings: Warnings and errors of its logs, to the number of times.
        notes: What is missing or damaged, a sentence each.
    """

    label: str
    folder: Path
    curves: Mapping[str, Curve] = field(default_factory=dict)
    stats: Mapping = field(default_factory=dict)
    config: Mapping = field(default_factory=dict)
    config_text: str = ''
    environment: Sequence[str] = ()
    warnings: Mapping[str, int] = field(default_factory=dict)
    notes: Sequence[str] = ()

    @property
    def iteration(self) -> int | None:
        """The last one of which something is known."""
        last = [int(steps[-1]) for steps, _ in self.curves.values()]
        known = self.stats.get('iter')
        return max([*last, *([known] if isinstance(known, int) else [])], default=None)

    @property
    def length(self) -> int | None:
        """Iterations it is meant to have."""
        length = self.stats.get('max_iters') or _nested(self.config, 'train_cfg', 'max_iters')
        return length if isinstance(length, int) else None


def read_runs(
    work_dirs: Sequence[str | Path], labels: Sequence[str] | None = None
) -> list[LoggedRun]:
    """Read the folders of runs.

    Args:
        work_dirs: Folders of runs, finished or not.
        labels: Names of the runs; default: those of the folders.

    Raises:
        FileNotFoundError: If a folder has no log of a training.
        ValueError: If there is not one label for each run, or two are equal.
    """
    return [read_run(label, folder) for label, folder in label_runs(work_dirs, labels).items()]


def read_run(label: str, folder: Path) -> LoggedRun:
    """Read the folder of a run.

    Raises:
        FileNotFoundError: If it has no log of a training.
    """
    notes = []
    logs = sorted(folder.glob('*/*.log'))
    try:
        curves = read_log(folder, everything=True)
    except FileNotFoundError:
        if not logs:
            raise
        curves = {}
    except (ValueError, OSError, OverflowError, RecursionError):
        curves = {}
    if not curves:
        notes.append('Nothing is logged yet, or the log of numbers is damaged: no curves.')
    stats = read_json(folder / RUN_STATS)
    if not isinstance(stats, dict):
        stats = {}
        notes.append(f'{RUN_STATS} is missing or damaged: no throughput and no memory.')
    text, config = '', {}
    if files := sorted(folder.glob('*/vis_data/config.py')):
        text = files[-1].read_text('utf-8', errors='replace')
        try:
            config = read_config_text(text, strict=False)
        except (ValueError, RecursionError):
            notes.append('The config of the run is damaged: no comparison of settings.')
    else:
        notes.append('The run has left no config: no comparison of settings.')
    environment: list[str] = []
    warnings: dict[str, int] = {}
    for file in logs:
        for level, message in _messages(file):
            if level in ('WARNING', 'ERROR', 'CRITICAL') and not message.startswith(NOISE):
                warnings[message] = warnings.get(message, 0) + 1
            elif 'System environment:' in message:
                environment = message.splitlines()
    return LoggedRun(label, folder, curves, stats, config, text, environment, warnings, notes)


def recent(curve: Curve, most: int = 10) -> float | None:
    """Mean of the last values that are numbers: ``most`` of them, fewer of a short run.

    Args:
        curve: Iterations and values.
        most: Number of values.
    """
    values = curve[1][np.isfinite(curve[1])]
    if not len(values):
        return None
    return float(values[-min(most, max(1, len(values) // 4)) :].mean())


def _messages(file: Path) -> Iterator[tuple[str, str]]:
    """Level and text of each entry of a log; an entry may have several lines."""
    level, lines, size = '', [], 0
    with open(file, encoding='utf-8', errors='replace') as log:
        for line in log:
            if found := _STAMP.match(line):
                if lines:
                    yield level, '\n'.join(lines)
                level, lines, size = found[1], [found[2].strip()], 0
            elif lines and size < (_LONGEST_HEADER if level == 'INFO' else _LONGEST):
                lines.append(line.rstrip()[:_LONGEST])
                size += len(line)
    if lines:
        yield level, '\n'.join(lines)


def _nested(config: Mapping, *keys: str) -> object:
    for key in keys:
        config = config.get(key) if isinstance(config, Mapping) else None
    return config
