"""Reports of the stages, as Markdown and JSON; stages measured earlier stay."""

import json
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from benchmarks.machine import describe_machine
from benchmarks.result import StageResult
from poodle_mm.utils.files import write_json, write_text
from poodle_mm.utils.tables import markdown_table

JSON, MARKDOWN = 'benchmark_{device}.json', 'benchmark_{device}.md'


def add_to_report(folder: Path, result: StageResult, device: str, command: str) -> None:
    """Put one stage's table into the report of its device; other stages' tables stay.

    Args:
        folder: Folder of the report.
        result: Result to add, in place of an earlier one.
        device: ``'cpu'`` or ``'cuda'``.
        command: Command line of the measurement.
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
        ValueError: If the file is no report of this version.
    """
    if not file.is_file():
        return {}
    try:
        stages = json.loads(file.read_text(encoding='utf-8'))['stages']
        return {name: stage | dict(targets=stage['targets']) for name, stage in stages.items()}
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise ValueError(f'{file}: not a benchmark report ({error}); remove it') from error


def markdown(stages: dict[str, Any]) -> str:
    """All stages, one table each."""
    return '\n'.join(stage_markdown(stage) for stage in stages.values())


def stage_markdown(stage: dict[str, Any]) -> str:
    """Heading, machine, contenders, targets and notes of a stage."""
    more = list(dict.fromkeys(key for row in stage['rows'] for key in row['more']))
    rows = []
    for row in stage['rows']:
        times = ['out of memory', '']
        if seconds := row['seconds']:
            times = [
                milliseconds(row['median']),
                ' - '.join(map(milliseconds, (min(seconds), max(seconds)))),
            ]
        others = (str(row['more'].get(key, '')) for key in more)
        rows.append([row['name'], *times, *others])
    head = ['', f'ms a {stage["unit"]}, median', 'least - greatest', *more]
    lines = [f'## {stage["title"]}', '', f'Work: {stage["work"]}.', '', markdown_table(head, rows)]
    if stage['targets']:
        rows = [
            [x['text'], f'{x["value"]:.3g}', x['limit'], 'yes' if x['met'] else '**no**']
            for x in stage['targets']
        ]
        lines += ['', markdown_table(['', 'measured', 'target', 'met'], rows)]
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
