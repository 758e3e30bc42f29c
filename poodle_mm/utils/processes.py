"""Threads and processes that share work; processes end with the one that gave it to them."""

import multiprocessing
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from itertools import islice
from typing import Any

from poodle_mm.utils.progress import Progress

_QUEUE = 4096


def map_in_threads(
    function: Callable,
    items: Iterable,
    desc: str,
    unit: str = 'file',
    threads: int | None = None,
    total: int | None = None,
) -> Iterator[Any]:
    """Results of a function in the order of the items, with a progress bar.

    Args:
        function: Called with an item; gains from threads if its work is done outside of Python's
            lock, as that of Pillow and FFmpeg is.
        items: Arguments.
        desc: Title of the bar.
        unit: Kind of the items.
        threads: Number of threads; None lets Python choose.
        total: Number of items, where they have no length.
    """
    total = len(items) if total is None else total
    source = iter(items)
    with (
        ThreadPoolExecutor(threads) as pool,
        Progress(None, desc, total, leave=False, unit=unit) as progress,
    ):
        # a million jobs in the pool's queue at once would take a gigabyte
        while part := list(islice(source, _QUEUE)):
            for result in pool.map(function, part):
                progress.update()
                yield result


def process_pool(workers: int) -> ProcessPoolExecutor:
    """A pool of processes that end when this one does, be it by SIGKILL or SIGHUP.

    Those of a pool of Python's own would finish what is in their queue, and then wait for ever.
    """
    context = multiprocessing.get_context('spawn')
    return ProcessPoolExecutor(workers, mp_context=context, initializer=end_with_parent)


def end_with_parent() -> None:
    """End this process, started by ``multiprocessing``, when the one that started it ends."""
    threading.Thread(target=_wait_for_end, daemon=True).start()


def _wait_for_end() -> None:
    # the kernel closes the parent's end of a pipe, however the parent ends
    multiprocessing.parent_process().join()
    os._exit(1)
