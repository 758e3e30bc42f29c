"""Finding and checking the checkpoint from which a training goes on."""

import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from poodle_mm.checkpoints import load_file
from poodle_mm.checkpoints.state_dict import non_finite
from poodle_mm.engine.world import META_KEY
from poodle_mm.utils.errors import warn

_NAME = re.compile(r'(epoch|iter|stopped_iter)_\d+\.pth')
_RESUMABLE = ('meta', 'state_dict', 'optimizer', 'message_hub')


def check_resumable(path: str | Path) -> None:
    """Read a local checkpoint to see that training can go on from it; nothing is executed.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is damaged, holds weights without training state, or numbers that
            are not finite.
    """
    checkpoint = _read(path)
    if zipfile.is_zipfile(path) and (record := zipfile.ZipFile(path).testzip()):
        raise _damaged(path, f'{record} does not match its checksum')  # torch does not look at it
    missing = [key for key in _RESUMABLE if key not in checkpoint]
    if missing:
        raise ValueError(
            f'checkpoint {path} has no {missing[0]}: it holds weights, not the state of a run. '
            'Load it with load_from instead of resuming'
        )
    if not isinstance(checkpoint['meta'], Mapping):
        raise ValueError(f"checkpoint {path} is not a run's: its meta data are no dictionary")
    if broken := non_finite(checkpoint):
        raise ValueError(
            f'checkpoint {path} cannot be resumed from: {broken}. Resume from an earlier one'
        )


def _read(path: str | Path) -> Mapping[str, Any]:
    try:
        return load_file(path)
    except ValueError as error:
        cause = error.__cause__ or error
        raise _damaged(path, (str(cause) or type(cause).__name__).splitlines()[0]) from error


def _damaged(path: str | Path, reason: str) -> ValueError:
    return ValueError(
        f'checkpoint {path} is damaged and cannot be resumed from ({reason}): resume from an '
        'earlier one'
    )


def run_checkpoints(work_dir: str | Path) -> list[Path]:
    """Files in ``work_dir`` with a run's names: ``epoch_N``, ``iter_N``, ``stopped_iter_N``."""
    return [path for path in Path(work_dir).glob('*.pth') if _NAME.fullmatch(path.name)]


def find_resumable(work_dir: str | Path) -> str | None:
    """Find the checkpoint in ``work_dir`` with which training is furthest, or None.

    MMEngine's ``find_latest_checkpoint`` trusts the file ``last_checkpoint``, which a killed run
    may leave empty. Here checkpoints say themselves how far they are (times of files change when
    they are copied), and damaged ones are passed over with a warning.
    """
    found = []
    for path in run_checkpoints(work_dir):
        try:
            meta = _read(path).get('meta')
            found.append((_number(meta, META_KEY, 'progress'), _number(meta, 'iter') or 0, path))
        except ValueError as error:
            warn(f'Passed over while resuming: {error}')
    # Iterations of different batches do not compare, but old files know nothing else.
    known = all(progress is not None for progress, _, _ in found)
    found.sort(key=lambda f: (f[0] if known else f[1], f[2].stat().st_mtime_ns), reverse=True)
    for _, _, path in found:
        try:
            check_resumable(path)  # reads all tensors: no more files than it takes
            return str(path)
        except ValueError as error:
            warn(f'Passed over while resuming: {error}')
    return None


def _number(content: Any, *keys: str) -> float | None:
    for key in keys:
        content = content.get(key) if isinstance(content, Mapping) else None
    return content if isinstance(content, (int, float)) else None


def last_resumable(work_dir: str | Path) -> str | None:
    """:func:`find_resumable` with a warning if there is none and the run starts anew."""
    found = find_resumable(work_dir)
    if found is None:
        damaged = len(run_checkpoints(work_dir))
        what = f'whole checkpoint ({damaged} cannot be used)' if damaged else 'checkpoint'
        warn(f'{work_dir} holds no {what}: the run starts anew')
    return found
