"""What was found while a run trained: one JSON object a line in the run's folder."""

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path

HEALTH_LOG = 'health.jsonl'


@dataclass
class Event:
    """Something that was found, or is over.

    Attributes:
        iter: Iterations done.
        kind: One of :data:`~poodle_mm.engine.health.checks.KINDS`.
        level: ``'warning'``; ``'error'``, which ends the run; ``'recovered'``.
        name: The statistic.
        value: Its average since the last look; None where it is not finite.
        limit: What it was compared with.
        message: For a reader of the log.
        cause: The likely cause, a part of the message.
        key: Key of the config to change first.
        batch: The saved batch, relative to the run's folder.
    """

    iter: int
    kind: str
    level: str
    name: str
    value: float | None
    limit: float | None
    message: str
    cause: str
    key: str
    batch: str | None = None


def start_log(work_dir: str | Path, resumed: bool) -> None:
    """Begin a run's log of events; a resumed run goes on in the one that is there."""
    path = Path(work_dir, HEALTH_LOG)
    path.parent.mkdir(parents=True, exist_ok=True)
    if not resumed or not path.exists():
        path.write_bytes(b'')
    elif (content := path.read_bytes()) and not content.endswith(b'\n'):
        path.write_bytes(content + b'\n')  # a line that a killed run did not finish ends here


def write_event(work_dir: str | Path, event: Event) -> None:
    """Append an event."""
    row = {name: _plain(value) for name, value in asdict(event).items()}
    with open(Path(work_dir, HEALTH_LOG), 'a', encoding='utf-8') as file:
        file.write(json.dumps(row, ensure_ascii=False, allow_nan=False) + '\n')


def read_events(work_dir: str | Path) -> list[dict]:
    """Events of a run, in their order; no file is no event, a line that was cut off is left out."""
    return read_log(work_dir)[0]


def read_log(work_dir: str | Path) -> tuple[list[dict], int]:
    """Events of a run, in their order, and the number of lines that are none."""
    try:
        text = Path(work_dir, HEALTH_LOG).read_text(encoding='utf-8', errors='replace')
    except OSError:
        return [], 0
    events, damaged = [], 0
    for line in filter(str.strip, text.splitlines()):
        try:
            row = json.loads(line)
        except ValueError:
            row = None
        if isinstance(row, dict) and 'level' in row:
            events.append(row)
        else:
            damaged += 1
    return events, damaged


def _plain(value: object) -> object:
    return None if isinstance(value, float) and not math.isfinite(value) else value
