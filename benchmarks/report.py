"""What was measured, as Markdown and JSON; stages measured earlier stay."""

import json
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from benchmarks.machine import describe_machine
from benchmarks.result import StageResult
from poodle_mm.utils.files import write_json, write_text

JSON, MARKDOWN = 'benchmark_{device}.json', 'benchmark_{device}.md'


def add_to_report(folder: Path, result: StageResult, device: str, command: str) -> None:
    """Put one stage's table into the report of its device; other stages' tables stay.

    Args:
        folder: Of the report.
        result: To add, in place of an earlier one.
        device: ``'cpu'`` or ``'cuda'``.
        command: That measured it.
    """
    file = folder / JSON.format(device=device)
    stages = read_report(file)
    stages[result.stage] = result.as_dict() | dict(
        date=datetime.now(timezone.utc).strftime('%Y-%m-%d'),
        command=command,
        machine=describe_machine(),
    )
    write_json(file, dict(stages=stages), indent=2)
    write_text(folder / MARKDOWN.format(device=device), markdown(stages))


def read_report(file: Path) -> dict[str, Any]:
    """Stages of a report; none if there is no file.

    Raises:
        ValueError: If the file is no report.
    """
    if not file.is_file():
        return {}
    try:
        return json.loads(file.read_text(encoding='utf-8'))['stages']
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise ValueError(f'{file}: not a benchmark report ({error}); remove it') from error


def markdown(stages: dict[str, Any]) -> str:
    """All stages, one table each."""
    return '\n'.join(stage_markdown(stage) for stage in stages.values())


def stage_markdown(stage: dict[str, Any]) -> str:
    """Heading, machine, contenders, bars and notes of a stage."""
    more = list(dict.fromkeys(key for row in stage['rows'] for key in row['more']))
    lines = [f'## {stage["title"]}', '', f'Work: {stage["work"]}.', '']
    head = ['', f'ms a {stage["unit"]}, median', 'least - greatest', *more]
    lines += [_line(head), _line(['---'] * len(head))]
    for row in stage['rows']:
        least, greatest = (milliseconds(x) for x in (min(row['seconds']), max(row['seconds'])))
        cells = [row['name'], milliseconds(row['median']), f'{least} - {greatest}']
        lines.append(_line(cells + [str(row['more'].get(key, '')) for key in more]))
    if stage['bars']:
        lines += ['', _line(['', 'measured', 'limit', 'met']), _line(['---'] * 4)]
        for bar in stage['bars']:
            met = 'yes' if bar['met'] else '**no**'
            lines.append(_line([bar['text'], f'{bar["value"]:.3g}', bar['limit'], met]))
    lines += ['', *(f'- {note}' for note in stage['notes']), '']
    if 'machine' in stage:
        lines += [machine_line(stage), '']
    return '\n'.join(lines)


def machine_line(stage: dict[str, Any]) -> str:
    """When, where and how a stage was measured."""
    machine = stage['machine']
    packages = ', '.join(f'{name} {number}' for name, number in machine['packages'].items())
    where = machine['gpu'] or f'{machine["cores"]} cores of {machine["processor"]}'
    return (
        f'{stage["date"]}, `{stage["command"]}`, {where} ({machine["instructions"]}, bfloat16: '
        f'{machine["bfloat16"]}), {machine["memory_gib"]} GiB, load {machine["load"]}; malloc: '
        f'{machine["malloc"]}; Python {machine["python"]}, {packages}; commit {machine["commit"]}.'
    )


def milliseconds(seconds: float) -> str:
    """Three significant digits."""
    value = 1e3 * seconds
    return f'{value:,.0f}' if value >= 100 else f'{value:.3g}'


def _line(cells: list[str]) -> str:
    return f'| {" | ".join(cells)} |'
