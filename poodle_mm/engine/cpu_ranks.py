"""Several training processes on one CPU, this process being one of them."""

import os
import signal
import socket
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection

import torch
from mmengine.config import Config
from mmengine.utils import import_modules_from_strings
from torch import distributed, multiprocessing

from poodle_mm.engine.train import build_runner
from poodle_mm.registry import register_all_modules
from poodle_mm.utils.processes import end_with_parent

_RENDEZVOUS = ('MASTER_ADDR', 'MASTER_PORT', 'WORLD_SIZE', 'RANK', 'LOCAL_RANK')
_WORLD_SIZE = dict(pytorch='WORLD_SIZE', slurm='SLURM_NTASKS', mpi='OMPI_COMM_WORLD_SIZE')
_PATIENCE = 60  # seconds that the others get to end after the same iteration as this one


def processes_to_start(cfg: Config) -> int:
    """Number of processes that train a config when this one is started, itself included.

    The key ``processes`` is the number for which a config's batch size is meant. On a CPU this
    process starts the others; with a launcher there must be as many.

    Raises:
        ValueError: If there are fewer or more than the config wants and the learning rate is not
            scaled with the batch, saying what to do.
    """
    wanted, launcher = cfg.get('processes', 1), cfg.get('launcher', 'none')
    if not isinstance(wanted, int) or wanted < 1:
        raise ValueError(f'processes must be a number from 1, got {wanted!r}')
    if launcher == 'none' and not torch.cuda.is_available():
        return wanted
    found = 1 if launcher == 'none' else int(os.environ.get(_WORLD_SIZE[launcher], wanted))
    if 'processes' not in cfg or found == wanted or (cfg.get('auto_scale_lr') or {}).get('enable'):
        return 1
    each = cfg.train_dataloader.batch_size
    same, rest = divmod(each * wanted, found)
    raise ValueError(
        f'the config is meant for {wanted} processes of batch size {each}, and '
        + (f'{found} were launched' if launcher != 'none' else 'with a GPU 1 is started')
        + f': start {wanted} (bash tools/dist_train.sh CONFIG {wanted}), or pass --cfg-options '
        f'processes={found}'
        + ('' if rest else f' train_dataloader.batch_size={same} for the same total batch')
        + ', or --auto-scale-lr'
    )


@contextmanager
def cpu_ranks(cfg: Config, processes: int) -> Iterator[None]:
    """Train ``cfg`` as ranks 1 to ``processes - 1`` beside the body, which must train it as rank 0.

    Small convolutions use two cores far better from two processes than from two threads. On
    return, and when the body fails, the other ranks have ended and the process group is gone. They
    also end with this process, however it ends.

    Args:
        cfg: Config to train; its launcher and, for want of GPUs, its backend are set.
        processes: Number of processes, this one included; 1 changes nothing.

    Raises:
        RuntimeError: With the trace of another rank whose failure made this one fail.
    """
    if processes == 1:
        yield
        return
    cfg.launcher = 'pytorch'
    if not torch.cuda.is_available():
        cfg.merge_from_dict({'env_cfg.dist_cfg.backend': 'gloo'})
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        port = probe.getsockname()[1]
    rendezvous = dict(zip(_RENDEZVOUS, ('127.0.0.1', str(port), str(processes), '0', '0')))
    before = {name: os.environ[name] for name in _RENDEZVOUS if name in os.environ}
    threads = torch.get_num_threads()
    threads_each = max(1, threads // processes)
    context = multiprocessing.get_context('spawn')
    others, patience = [], 0
    try:
        for rank in range(1, processes):
            ours, theirs = context.Pipe(duplex=False)
            arguments = (cfg, rendezvous, rank, threads_each, theirs)
            other = context.Process(target=_train_rank, args=arguments)
            other.start()
            theirs.close()  # so that ours ends with the process
            others.append((other, ours))
        for _, ours in others:
            ours.poll(None)  # ready, or failed; else this one would wait for it at the rendezvous
        _raise_failure(others)
        os.environ.update(rendezvous)
        torch.set_num_threads(threads_each)
        yield
        patience = _PATIENCE
    except SystemExit:  # by SIGTERM, on which all have agreed
        patience = _PATIENCE
        raise
    except Exception as error:
        _raise_failure(others, error)
        raise
    finally:
        for other, _ in others:
            other.join(patience)
            if other.is_alive():
                other.kill()  # SIGTERM would let it finish an iteration that cannot end
                other.join()
        if distributed.is_initialized():
            distributed.destroy_process_group()
        torch.set_num_threads(threads)
        for name in _RENDEZVOUS:
            os.environ.pop(name, None)
        os.environ.update(before)


def _raise_failure(others: list, error: Exception | None = None) -> None:
    """Raise what another rank reported, unless ``error`` says the same."""
    own = traceback.format_exception_only(error)[-1].strip() if error else ''
    for rank, (other, pipe) in enumerate(others, 1):
        said = ''
        try:
            while pipe.poll():
                said = pipe.recv()
        except EOFError:
            other.join(_PATIENCE)
        if said and own and said.splitlines()[-1] == own:
            continue
        if said or other.exitcode:
            trace = f':\n{said}' if said else f' with exit code {other.exitcode}'
            raise RuntimeError(
                f'training process {rank} of the {len(others) + 1} ended{trace}'
            ) from error


def _train_rank(
    cfg: Config, rendezvous: dict[str, str], rank: int, threads: int, parent: Connection
) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C: the parent ends this process
    end_with_parent()
    os.environ.update(rendezvous, RANK=str(rank), LOCAL_RANK=str(rank))
    torch.set_num_threads(threads)
    try:
        if cfg.get('custom_imports'):  # which reading the file has done in the first process
            import_modules_from_strings(**cfg.custom_imports)
        register_all_modules()
        parent.send('')  # ready
        build_runner(cfg).train()
        distributed.destroy_process_group()
    except Exception:
        parent.send(traceback.format_exc().strip())
        sys.exit(1)
