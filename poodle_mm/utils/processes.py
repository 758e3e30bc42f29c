"""Processes that share work, and end with the one that gave it to them."""

import multiprocessing
import os
import threading
from concurrent.futures import ProcessPoolExecutor


def process_pool(workers: int) -> ProcessPoolExecutor:
    """A pool of processes that end when this one does, be it by SIGKILL or SIGHUP.

    Those of a pool of Python's own would finish what is in their queue, and then wait for ever.
    """
    context = multiprocessing.get_context('spawn')
    return ProcessPoolExecutor(workers, mp_context=context, initializer=_end_with_parent)


def _end_with_parent() -> None:
    threading.Thread(target=_wait_for_end, daemon=True).start()


def _wait_for_end() -> None:
    # the kernel closes the parent's end of a pipe, however the parent ends
    multiprocessing.parent_process().join()
    os._exit(1)
