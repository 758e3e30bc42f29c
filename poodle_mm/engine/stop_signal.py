"""SIGTERM as a request to stop after this iteration, on which all processes agree.

Clusters send it when a job's time is over or its place is needed, and kill some seconds later.
"""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable
from functools import partial
from multiprocessing import resource_tracker
from types import FrameType
from typing import Any

import torch
from mmengine.dist import get_world_size
from torch import distributed as dist
from torch.utils.data import DataLoader

EXIT_CODE = 128 + signal.SIGTERM  # what a shell reports of a process that SIGTERM ended
_GRACE_SECONDS = 60
_REPEATED_SECONDS = 20


class StopSignal:
    """Whether training should stop after the current iteration.

    Several processes get the signal at different moments, or one alone gets it. Each iteration
    they exchange, on the CPU and without waiting, whether someone has; the answer is read one
    iteration later, when it has long arrived, and is the same for all.
    """

    def __init__(self) -> None:
        self._received, self._since = False, 0.0
        self._before: Any = None
        self._group = None
        self._pending: tuple[Any, torch.Tensor] | None = None

    def start(self) -> None:
        """Take over SIGTERM (in the main thread; elsewhere Python cannot)."""
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGTERM, self._receive)
        if get_world_size() > 1:
            self._group = dist.new_group(backend='gloo')

    def _receive(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        # A launcher may repeat at once what the whole job got; later it is meant.
        if not self._received:
            self._received, self._since = True, now
        elif now - self._since > _REPEATED_SECONDS:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGTERM)

    def requested(self) -> bool:
        """Whether to stop; to be asked once an iteration, by every process."""
        if self._group is None:
            return self._received
        stop = False
        if self._pending is not None:
            work, flag = self._pending
            work.wait()
            stop = bool(flag)
        flag = torch.tensor(int(self._received))
        work = dist.all_reduce(flag, dist.ReduceOp.MAX, group=self._group, async_op=True)
        self._pending = work, flag
        return stop

    def leave(self) -> None:
        """End this process once all are here."""
        if self._group is not None:
            dist.barrier(self._group)
        raise SystemExit(EXIT_CODE)

    def close(self) -> None:
        """Give SIGTERM back."""
        if self._before is not None:
            signal.signal(signal.SIGTERM, self._before)
            self._before = None


def _default_in_child() -> None:
    """Let SIGTERM end what is forked while a :class:`StopSignal` listens."""
    if isinstance(getattr(signal.getsignal(signal.SIGTERM), '__self__', None), StopSignal):
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


os.register_at_fork(after_in_child=_default_in_child)


def outlive_stop(loader: DataLoader) -> None:
    """Let the data workers of a loader live on after SIGTERM to the whole job.

    It must not take the data away from the iteration that is to be finished. Workers end with
    their process; if not, a little later by themselves.
    """
    if not loader.num_workers:
        return
    loader.worker_init_fn = partial(_start_worker, loader.worker_init_fn)
    get_iterator = loader._get_iterator  # where workers start

    def get_iterator_undisturbed():
        resource_tracker.ensure_running()  # unblocks SIGTERM when it starts
        # Workers start with the signal blocked: torch would have them die of it.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        try:
            return get_iterator()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    loader._get_iterator = get_iterator_undisturbed


def _start_worker(wrapped: Callable[[int], None] | None, worker_id: int) -> None:
    """``worker_init_fn``, after ``wrapped``."""
    if wrapped is not None:
        wrapped(worker_id)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    threading.Thread(target=_end_when_told, daemon=True).start()


def _end_when_told() -> None:
    """End this worker by its process's SIGTERM, or by a second one, or some time after one."""
    parent = multiprocessing.parent_process()
    if signal.sigwaitinfo({signal.SIGTERM}).si_pid != getattr(parent, 'pid', None):
        signal.sigtimedwait({signal.SIGTERM}, _GRACE_SECONDS)
    os._exit(0)
