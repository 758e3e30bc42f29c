"""Several training processes on one CPU, this process being one of them."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from mmengine.config import Config
from torch import distributed, multiprocessing

from poodle_mm.engine.train import build_runner

_NAMES = ('MASTER_ADDR', 'MASTER_PORT', 'WORLD_SIZE', 'RANK', 'LOCAL_RANK')


@contextmanager
def cpu_ranks(cfg: Config, processes: int) -> Iterator[None]:
    """Train ``cfg`` as ranks 1 to ``processes - 1`` beside the body, which must train it as rank 0.

    Small convolutions use two cores far better from two processes than from two threads. On
    return, and when the body fails, the other ranks have ended and the process group is gone.

    Args:
        cfg: Config to train; its launcher is set. The backend must be gloo.
        processes: 1 changes nothing.
    """
    if processes == 1:
        yield
        return
    cfg.launcher = 'pytorch'
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        port = probe.getsockname()[1]
    rendezvous = dict(zip(_NAMES, ('127.0.0.1', str(port), str(processes))))
    before = {name: os.environ.get(name) for name in _NAMES}
    threads = torch.get_num_threads()
    threads_each = max(1, (os.cpu_count() or 1) // processes)
    others = [
        multiprocessing.get_context('spawn').Process(
            target=_train_rank, args=(cfg, rank, rendezvous, threads_each)
        )
        for rank in range(1, processes)
    ]
    try:
        for other in others:
            other.start()
        os.environ.update(rendezvous, RANK='0', LOCAL_RANK='0')
        torch.set_num_threads(threads_each)
        yield
        for other in others:
            other.join(60)
    finally:
        for other in others:
            if other.is_alive():
                other.kill()  # SIGTERM would let it finish an iteration that cannot end
                other.join()
        if distributed.is_initialized():
            distributed.destroy_process_group()
        torch.set_num_threads(threads)
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


def _train_rank(cfg: Config, rank: int, rendezvous: dict[str, str], threads: int) -> None:
    os.environ.update(rendezvous, RANK=str(rank), LOCAL_RANK=str(rank))
    torch.set_num_threads(threads)
    build_runner(cfg).train()
    distributed.destroy_process_group()
