"""One run at a time in a work dir, and no run into another's checkpoints."""

import fcntl
import os
import socket
from pathlib import Path
from typing import IO

from poodle_mm.engine.resumable import run_checkpoints
from poodle_mm.utils.errors import warn

LOCK_FILE = '.lock'
_held: dict[str, IO[str]] = {}


def lock_work_dir(work_dir: str | Path) -> None:
    """Take a work dir for this process until it ends, however it ends: the kernel lets go.

    The lock is POSIX's (``fcntl.lockf``): processes that this one starts do not hold it, and it
    works between the machines of an NFS. Taking it twice in one process is no conflict.

    Raises:
        ValueError: If another process trains there.
    """
    path = Path(work_dir).resolve() / LOCK_FILE
    if str(path) in _held:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    file = open(path, 'a+', encoding='utf-8')  # noqa: SIM115 - closing it would drop the lock
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError) as error:
        file.seek(0)
        owner = file.read().strip()
        file.close()
        who = f' ({owner})' if owner else ''
        raise ValueError(
            f'another run is training in {work_dir}{who}: wait for its end, or choose another '
            '--work-dir'
        ) from error
    except OSError as error:
        warn(
            f'{work_dir}: this file system has no locks ({error}); nothing prevents a second run '
            'here'
        )
    file.truncate(0)
    file.write(f'process {os.getpid()} on {socket.gethostname()}\n')
    file.flush()
    _held[str(path)] = file


def check_unused(work_dir: str | Path) -> None:
    """Refuse a new run where an earlier one left checkpoints.

    The two would mix: ``--resume`` goes on from the one that is furthest.

    Raises:
        ValueError: Naming a checkpoint.
    """
    found = sorted(run_checkpoints(work_dir), key=lambda path: path.stat().st_mtime_ns)
    if found:
        names = found[-1].name + (f' and {len(found) - 1} more' if len(found) > 1 else '')
        raise ValueError(
            f'{work_dir} holds checkpoints of an earlier run ({names}): go on from them '
            'with --resume, choose another --work-dir, or move them away'
        )
