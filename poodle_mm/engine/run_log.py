"""What a run has logged, from the JSON lines in its work dir, and a picture of it."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from poodle_mm.utils.files import replacing, write_json

_POSITIONS = {'step', 'iter', 'epoch', 'base_lr'}
_NOT_DRAWN = {*_POSITIONS, 'time', 'data_time', 'memory'}


def read_log(
    work_dir: str | Path, everything: bool = False
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Logged numbers of a run: name to iterations and values.

    Parts of a resumed run follow each other; what a later part did again replaces what an earlier
    one had logged. A last line that was cut off is left out, and so is ``loss`` where its parts are
    logged.

    Args:
        work_dir: Folder of the run.
        everything: Also times, memory and ``loss``.

    Raises:
        FileNotFoundError: If the folder has no log.
        ValueError: If its logs hold nothing that can be drawn.
    """
    files = sorted(Path(work_dir).glob('*/vis_data/scalars.json'))
    if not files:
        raise FileNotFoundError(
            f'{work_dir} has no */vis_data/scalars.json: name the work dir of a run that has logged'
        )
    rows: dict[int, dict] = {}
    for file in files:
        part = [
            row for line in file.read_text('utf-8', 'replace').splitlines() if (row := _row(line))
        ]
        begin = min((row['step'] for row in part if 'iter' in row), default=None)
        rows = {step: row for step, row in rows.items() if begin is None or step < begin}
        for row in part:  # hooks add rows of their own to an iteration's
            rows[row['step']] = rows.get(row['step'], {}) | row
    left_out = _POSITIONS if everything else _NOT_DRAWN
    curves: dict[str, dict[int, float]] = {}
    for step, row in sorted(rows.items()):
        for name, value in row.items():
            if name not in left_out and isinstance(value, (int, float)):
                curves.setdefault(name, {})[step] = value
    if not everything and any(name.startswith('loss_') for name in curves):
        curves.pop('loss', None)
    if not curves:
        raise ValueError(f'{work_dir}: its logs are empty; wait for the first logged iteration')
    return {
        name: (np.array(list(points)), np.array(list(points.values()), float))
        for name, points in curves.items()
    }


def label_runs(
    work_dirs: Sequence[str | Path], labels: Sequence[str] | None = None
) -> dict[str, Path]:
    """Folders of runs by the runs' names, by default those of the folders.

    Raises:
        ValueError: If there is not one name for each run, or two are equal.
    """
    folders = [Path(folder) for folder in work_dirs]
    labels = list(labels or (folder.resolve().name for folder in folders))
    if len(labels) != len(folders) or len(set(labels)) < len(labels):
        raise ValueError(f'{len(folders)} runs need as many different labels, got {labels}')
    return dict(zip(labels, folders))


def write_curves(
    work_dirs: Sequence[str | Path],
    out: str | Path,
    labels: Sequence[str] | None = None,
    numbers: str | Path | None = None,
) -> None:
    """Draw the curves of runs side by side.

    Args:
        work_dirs: Folders of runs.
        out: The picture; the format is that of its ending.
        labels: Names of the runs; default those of the folders.
        numbers: JSON of what was drawn: run to name to ``[[iteration, value], ...]``.

    Raises:
        FileNotFoundError: If a folder has no log.
        ValueError: If there is not one label for each run, two are equal, or a log is empty.
    """
    from poodle_mm.visualization.curves import draw_curves  # matplotlib takes a second to import

    runs = {label: read_log(folder) for label, folder in label_runs(work_dirs, labels).items()}
    figure = draw_curves(runs)
    with replacing(out) as temporary:
        figure.savefig(temporary, dpi=75)
    if numbers is not None:
        write_json(numbers, {label: _points(curves) for label, curves in runs.items()})


def _points(curves: dict[str, tuple[np.ndarray, np.ndarray]]) -> dict[str, list]:
    """Curves for JSON, four digits each; what is not finite is null."""
    return {
        name: [[s, float(f'{v:.4g}') if np.isfinite(v) else None] for s, v in zip(*map(list, xy))]
        for name, xy in ((name, (x.tolist(), y.tolist())) for name, (x, y) in curves.items())
    }


def _row(line: str) -> dict | None:
    """A line of a log; None if it is cut off or of another kind (validation, say)."""
    try:
        row = json.loads(line)
    except ValueError:
        return None
    if not isinstance(row, dict) or not isinstance(row.get('step'), int):
        return None
    # the steps of validation may be epochs
    return None if 'time' in row and 'iter' not in row else row
