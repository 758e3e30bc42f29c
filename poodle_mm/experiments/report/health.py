"""Whether a run is healthy, why not, and which key to change."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from poodle_mm.engine.health.events import HEALTH_LOG, read_log
from poodle_mm.experiments.report.runs import LoggedRun, recent

_RANK = dict(error=0, warning=1, recovered=2)
_RATE, _DELTA = 'optim_wrapper.optimizer.lr', 'train_dataloader.dataset.delta'
_RED = ('collapse', 'rank', 'information', 'nonfinite')  # kinds after which a run is lost
_SPREAD_LOST, _SPREAD_LOW = 0.35, 0.45  # healthy ones: 0.5 and more
_FEWEST = 3  # logged values on which a verdict rests


@dataclass(frozen=True)
class Finding:
    """Something that is not as it should be.

    Attributes:
        level: ``'error'``, ``'warning'`` or ``'recovered'``.
        kind: Kind of trouble, e.g. ``'collapse'``.
        name: The statistic that shows it.
        message: What is seen.
        cause: The likely cause.
        key: The config key to change.
        iteration: When it was seen.
        batch: Path of a saved batch, relative to the work dir.
    """

    level: str
    kind: str
    name: str
    message: str
    cause: str = ''
    key: str = ''
    iteration: int | None = None
    batch: str = ''


@dataclass(frozen=True)
class Verdict:
    """A run's state of health.

    Attributes:
        level: ``'good'``, ``'warning'``, ``'error'`` or ``'unknown'``.
        headline: In a few words.
        findings: The worst first.
        evidence: What the verdict rests on.
    """

    level: str
    headline: str
    findings: Sequence[Finding] = ()
    evidence: Sequence[str] = field(default_factory=tuple)


def judge(run: LoggedRun) -> Verdict:
    """The verdict on a run: what its hooks have found, and what its logged numbers say.

    What the hooks have watched is left to them: the logged numbers alone are a rougher measure.
    """
    events, damaged = read_findings(run.folder)
    numbers = [*from_statistics(run)]
    if (run.folder / HEALTH_LOG).is_file() and not damaged:
        known = {event.kind for event in events}
        numbers = [f for f in numbers if f.kind in _UNWATCHED and f.kind not in known]
    found = [*events, *numbers]
    if not events:
        named = {finding.name for finding in found}
        found += [f for f in from_warnings(run) if f.name not in named]
    found.sort(key=lambda finding: _RANK[finding.level])
    evidence = [text for text in map(_evidence(run), _SHOWN) if text]
    if damaged:
        evidence.append(f'{damaged} damaged lines in {HEALTH_LOG} are left out')
    bad = [finding for finding in found if finding.level != 'recovered']
    if bad:
        others = f' (and {len(bad) - 1} more)' if len(bad) > 1 else ''
        return Verdict(
            bad[0].level, _TITLES.get(bad[0].kind, bad[0].kind) + others, found, evidence
        )
    if max((len(steps) for steps, _ in run.curves.values()), default=0) < _FEWEST:
        return Verdict('unknown', 'Too early to tell: hardly anything is logged', found, evidence)
    return Verdict('good', 'Healthy: nothing unusual was seen', found, evidence)


def read_findings(folder: Path) -> tuple[list[Finding], int]:
    """Last event of each kind and statistic in ``health.jsonl``, and the number of bad lines."""
    events, damaged = read_log(folder)
    latest: dict[tuple[str, str], Finding] = {}
    for event in events:
        kind, name, message, cause, key, batch = (
            str(event.get(part) or '')
            for part in ('kind', 'name', 'message', 'cause', 'key', 'batch')
        )
        level = event['level']
        if level != 'recovered':
            level = 'error' if level == 'error' or kind in _RED else 'warning'
        seen = message.replace(f': {cause} ({key})', '')
        done = event['iter'] if isinstance(event.get('iter'), int) else None
        latest.pop((kind, name), None)
        latest[kind, name] = Finding(level, kind, name, seen, cause, key, done, batch)
    return list(latest.values()), damaged


def from_statistics(run: LoggedRun) -> Iterator[Finding]:
    """What the logged numbers themselves show."""
    for name, (steps, values) in run.curves.items():
        if 'loss' in name and not np.isfinite(values).all():
            first = int(steps[~np.isfinite(values)][0])
            yield Finding(
                'error', 'nonfinite', name, f'{name} is not finite from iteration {first:,} on',
                'too high a learning rate, gradients without a bound, or half precision',
                f'{_RATE} (lower), optim_wrapper.clip_grad, or train without --amp', first,
            )  # fmt: skip
    last = {
        name: value for name, curve in run.curves.items() if (value := recent(curve)) is not None
    }
    first = {name: float(curve[1][0]) for name, curve in run.curves.items()}
    collapse = (
        'projections of all images become alike: too high a learning rate or a target network that '
        'is not updated',
        f'{_RATE} (lower), model.momentum, custom_hooks (TargetUpdateHook)',
    )
    for name in ('std_dense', 'std_pool'):
        if name in last and last[name] < max(_SPREAD_LOW, 0.6 * first[name]):
            lost = last[name] < _SPREAD_LOST
            text = (
                f'the spread {name} is {last[name]:.2f} (first logged: {first[name]:.2f}; 0: all '
            )
            text += 'projections equal; healthy: above 0.5)'
            yield Finding('error' if lost else 'warning', 'collapse', name, text, *collapse)
    for name in ('information', 'information_patch'):
        if last.get(name, 1) < 0.005:
            text = f'{name} is {last[name]:.3g}: the outputs are the same for all images'
            yield Finding('error', 'collapse', name, text, *collapse)
    share = last.get('valid_share', 1)
    if share < 0.1:
        yield Finding(
            'error' if share < 0.02 else 'warning', 'valid_share', 'valid_share',
            f'only {share:.1%} of the pixels have a visible counterpart',
            'frames too far apart, or flow that is wrong for this footage',
            f'{_DELTA} (smaller), model.data_preprocessor.flow',
        )  # fmt: skip
    if last.get('fallback_share', 0) > 0.5:
        yield Finding(
            'warning', 'fallback', 'fallback_share',
            f'{last["fallback_share"]:.0%} of the subcrop pairs are cut from one frame',
            'hardly any pixel to start from has a visible counterpart', _DELTA,
        )  # fmt: skip
    if last.get('data_time', 0) > 0.5 * last.get('time', math.inf):
        share = last['data_time'] / last['time']
        yield Finding(
            'warning', 'loader', 'data_time', f'{share:.0%} of the time is spent waiting for data',
            'reading the videos is slower than training', 'train_dataloader.num_workers (more)',
        )  # fmt: skip


def from_warnings(run: LoggedRun) -> Iterator[Finding]:
    """What the monitor has said in the log of a run without ``health.jsonl``."""
    for text in run.warnings:
        name, averages, rest = text.partition(' averages ')
        if averages and ' times in a row: ' in rest and name.isidentifier():
            seen, _, cause = text.partition(': ')
            collapse = name != 'valid_share'
            yield Finding(
                'error' if collapse else 'warning', 'collapse' if collapse else name, name,
                seen, cause, _RATE if collapse else _DELTA,
            )  # fmt: skip
        elif 'FloatingPointError' in text:
            line = next(line for line in text.splitlines() if 'FloatingPointError' in line)
            yield Finding('error', 'nonfinite', 'loss', line, key=_RATE)


_UNWATCHED = ('fallback', 'nonfinite')
_TITLES = dict(
    collapse='Collapse',
    rank='Collapse: the vectors lie on few lines',
    information='Collapse: the outputs say the same of all images',
    nonfinite='Numbers that are not finite',
    position='Features know where they are, not what they show',
    valid_share='Hardly any valid pixels',
    fallback='Subcrops without a counterpart',
    loader='Waiting for data',
    flow='Flow that explains nothing',
)
_SHOWN = ('loss', 'std_dense', 'std_pool', 'valid_share', 'information', 'explained_variance')


def _evidence(run: LoggedRun):
    def text(name: str) -> str:
        if name not in run.curves or (now := recent(run.curves[name])) is None:
            return ''
        return f'{name} {run.curves[name][1][0]:.3g} → {now:.3g}'

    return text
