"""Runs jobs side by side, shows how far they are, and goes on where it was stopped."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from poodle_mm.engine.hooks.run_stats_hook import RUN_STATS
from poodle_mm.experiments.ablations.folders import (
    RUN_FILE,
    identity,
    is_done,
    keep_readouts,
    read_result,
)
from poodle_mm.experiments.ablations.runs import Run, job_line
from poodle_mm.utils.errors import HINT
from poodle_mm.utils.files import read_json, write_json
from poodle_mm.utils.progress import Progress

LOG_FILE = 'job.log'
_POLL_SECONDS = 0.5
_ATTEMPT = '---- attempt ----'
_BAR = '{l_bar}{bar}| {n:.1f}/{total:.0f} runs [{elapsed}<{remaining}] {postfix}'
# A job's process group ends when the pipe that it reads from has no writer left.
_WATCH = (
    '{{ read -r -u {fd} _; kill -TERM 0; }} & watch=$!; {job}; code=$?; kill $watch; exit $code'
)


def execute(runs: Sequence[Run], jobs: int, root: Path) -> list[Run]:
    """Run what is not done, each job in a shell of its own, with ``job.log`` in its folder.

    A job that fails does not stop the others, but for those that need its checkpoint: these are
    not started. However this process ends, all end with it; the next call goes on from their last
    checkpoints.

    Args:
        runs: Runs in the order in which they start, those that others need among them; see
            :func:`check_folders`.
        jobs: Number of runs at once.
        root: Folder with ``tools``, in which the commands are run.

    Returns:
        Runs that failed, or could not be started.
    """
    waiting = [(i, run) for i, run in enumerate(runs) if not is_done(run)]
    running: dict[int, tuple[Run, subprocess.Popen]] = {}
    failed = []
    # The kernel closes our end of this pipe when this process ends, be it by SIGKILL or SIGHUP.
    watched, ours = os.pipe()
    # kill, like Ctrl-C, ends the jobs too: they run in sessions of their own
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    bar = Progress(total=float(len(runs)), unit='run', bar_format=_BAR, miniters=0)
    try:
        while waiting or running:
            for job in [job for job in waiting if _is_lost(job[1], waiting, running)]:
                waiting.remove(job)
                failed.append(job[1])
                bar.write(
                    f'{job[1].work_dir.name} was not started: {job[1].before.work_dir.name}, '
                    'the training of its flow, has not finished'
                )
            ready = [job for job in waiting if job[1].before is None or is_done(job[1].before)]
            for index, run in ready[: jobs - len(running)]:
                waiting.remove((index, run))
                running[index] = run, _start(run, port_of(index), jobs, root, watched)
            time.sleep(_POLL_SECONDS)
            for index, (run, process) in list(running.items()):
                if process.poll() is None:
                    continue
                del running[index]
                if process.returncode or read_result(run) is None:
                    failed.append(run)
                    reason = failure(run.work_dir / LOG_FILE)
                    bar.write(f'{run.work_dir.name} failed ({run.work_dir / LOG_FILE}):\n{reason}')
            pending = len(waiting) + sum(1 - _share(run) for run, _ in running.values())
            names = ', '.join(run.work_dir.name for run, _ in running.values())
            bar.set_postfix_str(names, refresh=False)
            bar.update(len(runs) - pending - bar.n)
    finally:
        end_groups([process for _, process in running.values()])
        signal.signal(signal.SIGTERM, before)
        os.close(watched)
        os.close(ours)
        bar.close()
    return failed


def end_groups(processes: Sequence[subprocess.Popen], seconds: float = 300) -> None:
    """End processes and all that they started, and wait: a training finishes its iteration first.

    Args:
        processes: Leaders of their process groups.
        seconds: Time after which what is left is killed.
    """
    for process in processes:
        os.killpg(process.pid, signal.SIGTERM)
    end = time.monotonic() + seconds
    for process in processes:
        process.wait()
        with contextlib.suppress(ProcessLookupError):  # the group is empty
            while time.monotonic() < end:
                os.killpg(process.pid, 0)
                time.sleep(0.1)
            os.killpg(process.pid, signal.SIGKILL)


def threads_of(run: Run, jobs: int) -> int:
    """CPU threads for each process of a run when so many runs share the machine."""
    return max(1, (os.cpu_count() or 1) // (jobs * run.processes))


def port_of(index: int) -> int:
    """Port of a run's processes, another one for each of many runs."""
    return 29500 + index % 1000


def _is_lost(run: Run, waiting: Sequence, running: Mapping[int, tuple]) -> bool:
    """Whether nobody is going to write the checkpoint that a run needs."""
    if run.before is None or is_done(run.before):
        return False
    coming = [other for _, other in waiting] + [other for other, _ in running.values()]
    return all(other.work_dir != run.before.work_dir for other in coming)


def _start(run: Run, port: int, jobs: int, root: Path, watched: int) -> subprocess.Popen:
    run.work_dir.mkdir(parents=True, exist_ok=True)
    write_json(run.work_dir / RUN_FILE, identity(run), indent=2)
    env = dict(
        os.environ,
        PATH=f'{Path(sys.executable).parent}{os.pathsep}{os.environ.get("PATH", "")}',
        PYTHON=sys.executable,
        OMP_NUM_THREADS=os.environ.get('OMP_NUM_THREADS', str(threads_of(run, jobs))),
    )
    with open(run.work_dir / LOG_FILE, 'ab') as log:
        log.write(f'{_ATTEMPT}\n'.encode())
        log.flush()
        return subprocess.Popen(
            ['bash', '-c', _WATCH.format(fd=watched, job=job_line(keep_readouts(run), port))],
            stdout=log,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            env=env,
            cwd=root,
            start_new_session=True,  # so that its workers end with it
            pass_fds=[watched],
        )


def _share(run: Run) -> float:
    """Progress of a run, of which training is nearly all."""
    stats = read_json(run.work_dir / RUN_STATS)
    known = isinstance(stats, dict) and {'iter', 'max_iters'} <= stats.keys()
    return 0.95 * stats['iter'] / stats['max_iters'] if known else 0.0


def attempts(log: Path) -> int:
    """How often a job was started, by its log; 0 without one."""
    if not log.is_file():
        return 0
    return log.read_text(encoding='utf-8', errors='replace').count(f'{_ATTEMPT}\n')


def failure(log: Path, lines: int = 15) -> str:
    """The message of a job's last ``error:``, or the last lines of its log.

    A launcher like torchrun writes a report of its own after the message of the process.

    Args:
        log: Log of one or several attempts; only the last one counts.
        lines: Number of lines without a message.
    """
    text = log.read_text(encoding='utf-8', errors='replace').rpartition(_ATTEMPT)[2]
    messages = re.findall(rf'^error: .*?{re.escape(HINT)}$', text, re.MULTILINE | re.DOTALL)
    if messages:  # several processes say the same; a message does not contain another's beginning
        return 'error: ' + messages[-1].rpartition('error: ')[2]
    return '\n'.join(text.splitlines()[-lines:])
