"""What a fault costs a run: each is made to happen to a toy run, which is then resumed.

``python -m tests.test_engine.run_faults docs/reliability.md`` writes the table anew.
"""

import builtins
import multiprocessing
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import torch
from mmengine.hooks import Hook

from poodle_mm.engine.hooks import checkpoint_hook
from poodle_mm.engine.resumable import find_resumable
from poodle_mm.engine.train import build_runner
from poodle_mm.registry import register_all_modules
from tests.test_engine.test_resume import assert_equal_checkpoints
from tests.test_engine.toy_pairs import toy_config

BEGIN, END = '<!-- run faults -->', '<!-- end of run faults -->'
_FILLER = 'filler'


class Result(NamedTuple):
    """What became of a run.

    Attributes:
        exits: How each process ended: its exit code, or minus the signal's number.
        said: Last line that the first process wrote, or the last one if that was killed.
        kept: Name of the checkpoint from which it is resumed.
        lost: Iterations that were done and are not in that checkpoint.
        equal: Whether the resumed run ends bit for bit as one that nothing happened to.
    """

    exits: list[int]
    said: str
    kept: str
    lost: int
    equal: bool


class Diary(Hook):
    """Notes how many iterations are done."""

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None) -> None:
        Path(runner.work_dir, 'done').write_text(str(runner.iter + 1))


class Strike(Hook):
    """Has something happen in the middle of the sixth iteration."""

    def __init__(self, act: Callable) -> None:
        self.act = act

    def before_train_iter(self, runner, batch_idx, data_batch=None) -> None:
        if runner.iter == 5:
            self.act(runner)


def terminate(runner) -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def kill(runner) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def kill_while_saving(runner) -> None:
    """The next checkpoint is written half, then SIGKILL."""

    def torn(path, mode='r', *args, **kwargs):
        file = builtins.open(path, mode, *args, **kwargs)  # noqa: SIM115
        if '.pth' not in str(path) or 'w' not in mode:
            return file
        write = file.write

        class Torn:
            def __enter__(self):
                return self

            def __exit__(self, *_):
                file.close()

            def write(self, data: bytes) -> None:
                write(data[: len(data) // 2])
                file.flush()
                kill(runner)

        return Torn()

    checkpoint_hook.open = torn


def fill_disk(runner) -> None:
    """Leave room for half a checkpoint: on the small disk, or by a limit of this process."""
    half = next(Path(runner.work_dir).glob('epoch_1.pth')).stat().st_size // 2
    folder = Path(runner.work_dir).parent
    if not folder.is_mount():
        resource.setrlimit(resource.RLIMIT_FSIZE, (half, resource.RLIM_INFINITY))
        return
    free = shutil.disk_usage(folder).free
    (folder / _FILLER).write_bytes(bytes(free - half))


def kill_worker(runner) -> None:
    for process in multiprocessing.active_children():
        os.kill(process.pid, signal.SIGKILL)


def kill_rank(runner) -> None:
    if runner.rank == 1:
        kill(runner)


FAULTS: dict[str, tuple[Callable, dict]] = {
    'SIGTERM (a cluster takes the machine)': (terminate, {}),
    'SIGKILL': (kill, {}),
    'SIGKILL inside the write of a checkpoint': (kill_while_saving, {}),
    'disk full while a checkpoint is written': (fill_disk, {}),
    'SIGKILL of a data worker': (kill_worker, dict(workers=1)),
    'SIGKILL of one of two processes': (kill_rank, dict(ranks=2)),
}


def _train(folder: Path, act: Callable | None, workers: int, rank: int, ranks: int, port: int):
    """One process of a run; all that it writes goes to a log."""
    log = os.open(folder / f'log_{rank}', os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    sys.stdout = sys.stderr = os.fdopen(log, 'w', buffering=1)  # pytest has put others there
    torch.set_num_threads(1)
    register_all_modules()
    cfg = toy_config(folder / 'run')
    cfg.train_dataloader.num_workers = workers
    if ranks > 1:
        cfg.train_dataloader.batch_size //= ranks
        cfg.launcher, cfg.env_cfg = 'pytorch', dict(dist_cfg=dict(backend='gloo'))
        os.environ.update(
            RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE=str(ranks),
            MASTER_ADDR='127.0.0.1', MASTER_PORT=str(port),
        )  # fmt: skip
    newest = find_resumable(folder / 'run')
    cfg.resume, cfg.load_from = newest is not None, newest
    runner = build_runner(cfg)
    runner.register_hook(Diary())
    if act is not None:
        runner.register_hook(Strike(act))
    runner.train()


def run(folder: Path, act: Callable | None = None, workers: int = 0, ranks: int = 1) -> list[int]:
    """Start or resume a run, and wait for its end.

    Args:
        folder: Holds the work dir ``run``, and a log of each process.
        act: What happens in the sixth iteration.
        workers: Data workers.
        ranks: Processes, with gloo.

    Returns:
        How each process ended.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        port = probe.getsockname()[1]
    # Forks of a server that has imported everything. Forks of this process would fail once it had
    # threads of autograd: after a backward pass on a GPU, or on a fake one.
    context = multiprocessing.get_context('forkserver')
    context.set_forkserver_preload([_train.__module__])
    processes = [
        context.Process(target=_train, args=(folder, act, workers, rank, ranks, port))
        for rank in range(ranks)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(300)
        if process.is_alive():
            process.kill()
            process.join()
            raise TimeoutError(f'{folder}: a process did not end\n{_log(folder, 0)}')
    return [process.exitcode for process in processes]


def _log(folder: Path, rank: int) -> str:
    return (folder / f'log_{rank}').read_text(errors='replace')


@contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """A file system of 256 MiB of its own, where this process may mount one."""
    folder.mkdir(parents=True)
    mounted = (
        os.geteuid() == 0
        and not subprocess.run(
            ['mount', '-t', 'tmpfs', '-o', 'size=256m', 'tmpfs', str(folder)], capture_output=True
        ).returncode
    )
    try:
        yield
    finally:
        if mounted:
            subprocess.run(['umount', '-l', str(folder)], check=True)


def outcome(name: str, folder: Path, through: Path) -> Result:
    """Have a fault happen to a run, and resume it.

    Args:
        name: One of :data:`FAULTS`.
        folder: An empty one.
        through: Last checkpoint of a run with as many processes to which nothing happened.
    """
    act, options = FAULTS[name]
    with small_disk(folder / 'disk'):
        place, work_dir = folder / 'disk', folder / 'disk' / 'run'
        exits = run(place, act, **options)
        done = int((work_dir / 'done').read_text())
        lines = [line for line in _log(place, 0).splitlines() if line.strip()]
        (place / _FILLER).unlink(missing_ok=True)
        newest = find_resumable(work_dir)
        saved = torch.load(newest, weights_only=False)['meta']['iter'] if newest else 0
        resumed = run(place, **options)
        assert not any(resumed), _log(place, 0)
        try:
            assert_equal_checkpoints(through, work_dir / 'epoch_2.pth')
            equal = True
        except AssertionError:
            equal = False
    said = lines[-1].replace(str(work_dir) + '/', '') if lines else ''
    return Result(exits, said, Path(newest).name if newest else '', done - saved, equal)


def table() -> str:
    """The whole table in Markdown."""
    lines = [
        '| fault, in the 6th of 8 iterations | the processes end with | resumed from | iterations '
        'lost | then equal to an uninterrupted run |',
        '|---|---|---|---:|---|',
    ]
    with tempfile.TemporaryDirectory() as folder:
        for ranks in (1, 2):
            assert not any(run(Path(folder, f'through_{ranks}'), ranks=ranks))
        for number, (name, (_, options)) in enumerate(FAULTS.items()):
            through = Path(folder, f'through_{options.get("ranks", 1)}', 'run', 'epoch_2.pth')
            result = outcome(name, Path(folder, str(number)), through)
            exits = ', '.join(
                signal.Signals(-code).name if code < 0 else f'exit code {code}'
                for code in result.exits
            )
            lines.append(
                f'| {name} | {exits} | `{result.kept}` | {result.lost} | '
                f'{"bit for bit" if result.equal else "NO"} |'
            )
            print(lines[-1], '--', result.said, flush=True)
    return '\n'.join(lines)


def main() -> None:
    """Put the table between its marks in a file."""
    path = Path(sys.argv[1])
    before, rest = path.read_text().split(BEGIN)
    after = rest.split(END)[1]
    path.write_text(f'{before}{BEGIN}\n{table()}\n{END}{after}')


if __name__ == '__main__':
    main()
