"""How far runs are, how fast they go, and what their time is spent on."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from poodle_mm.engine.hooks.training_plan_hook import duration
from poodle_mm.experiments.report.runs import LoggedRun, recent

NOT_KNOWN = '–'


@dataclass(frozen=True)
class TimeParts:
    """Seconds of an iteration by part.

    Attributes:
        label: Name of the run.
        seconds: A whole iteration.
        parts: Name, seconds and share of each part.
    """

    label: str
    seconds: float
    parts: Sequence[tuple[str, float, float]]


def key_numbers(run: LoggedRun) -> dict[str, str]:
    """Progress, length, speed and memory, in words."""
    stats, done, length = run.stats, run.iteration, run.length
    rate, memory = _number(run, 'pairs_per_second'), _number(run, 'memory_mib')
    unit = str(stats.get('unit', 'pairs'))
    seen, seconds = _number(run, 'pairs'), _number(run, 'seconds')
    progress = NOT_KNOWN if done is None else f'{done:,}'
    if done is not None and length:
        progress += f' of {length:,}'
    numbers = {
        'iterations': progress,
        'seen': f'{seen:,.0f} {unit}' if seen else NOT_KNOWN,
        'training time': duration(seconds) if seconds else NOT_KNOWN,
        'speed': f'{rate:.3g} {unit}/s' if rate else NOT_KNOWN,
        'peak memory': f'{memory:,.0f} MiB' if memory else NOT_KNOWN,
    }
    if done and length and done < length:
        each = recent(run.curves['time']) if 'time' in run.curves else None
        left = duration(each * (length - done)) if each else NOT_KNOWN
        numbers['to go at this speed'] = left
        numbers['last written to'] = last_written(run)
    return numbers


def last_written(run: LoggedRun) -> str:
    """When the run's log was last written to, on this machine's clock."""
    times = [file.stat().st_mtime for file in run.folder.glob('*/*.log')]
    return time.strftime('%Y-%m-%d %H:%M', time.localtime(max(times))) if times else NOT_KNOWN


def last_values(run: LoggedRun) -> dict[str, str]:
    """Mean of the last logged values of every loss and statistic."""
    left_out = ('time', 'data_time', 'memory', 'lr', 'momentum')
    return {
        name: f'{value:.3g}'
        for name, curve in run.curves.items()
        if name not in left_out and (value := recent(curve)) is not None
    }


def time_parts(run: LoggedRun) -> TimeParts | None:
    """Where an iteration's time goes: loading, parts that a hook logs as ``time_*``, the rest."""
    means = {
        name: value for name, curve in run.curves.items()
        if 'time' in name and (value := recent(curve)) is not None and value >= 0
    }  # fmt: skip
    whole = means.get('time')
    if not whole:
        return None
    parts = {'waiting for data': means['data_time']} if 'data_time' in means else {}
    parts |= {name[5:]: value for name, value in means.items() if name.startswith('time_')}
    rest = whole - sum(parts.values())
    if rest > 0:
        parts['everything else' if len(parts) > 1 else 'views, forward, backward, step'] = rest
    total = sum(parts.values())
    return TimeParts(run.label, whole, [(n, s, s / total) for n, s in parts.items()])


def _number(run: LoggedRun, name: str) -> float | None:
    value = run.stats.get(name)
    return float(value) if isinstance(value, (int, float)) else None
