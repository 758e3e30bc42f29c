"""Stage ``scaling``: several gloo processes against one, on CPUs."""

import os
import tempfile
from pathlib import Path
from statistics import median

import torch
import torch.multiprocessing as mp
from mmengine.model import MMDistributedDataParallel
from torch import Tensor

from benchmarks.cluster import cluster_notes
from benchmarks.networks import (
    build,
    model_config,
    optimizer_of,
    random_pairs,
    total_loss,
    training_step,
)
from benchmarks.result import Measurement, Options, StageResult, Target
from benchmarks.timing import wall_seconds

SIZE, BATCH = (96, 192), 8  # pairs a process, as the demo trains


def run(options: Options) -> StageResult:
    """Steps of 1, 2 and 4 processes of one thread and 8 pairs each, gradients averaged or not."""
    cores = len(os.sched_getaffinity(0))
    rows, overheads = [], {}
    equal = 0.0
    for processes in (1, 2) if options.quick else (1, 2, 4):
        measured = measure(options, processes)
        steps = measured['steps']
        alone = measured['alone']
        row = Measurement(f'{processes} process(es)', steps)
        pairs = processes * batch_of(options)
        row.more = {
            'pairs/s': round(pairs / row.median, 1),
            'same without exchange ms': round(1e3 * median(alone), 1),
        }
        rows.append(row)
        overheads[processes] = row.median / median(alone) - 1
        equal = max(equal, measured['difference'])
    result = StageResult(
        'scaling',
        'Several processes (gloo)',
        f'a step of the demo network, {batch_of(options)} pairs a process, one thread each, '
        f'{cores} cores',
        'step',
        rows,
    )
    perfect = rows[0].more['pairs/s'] * min(2, cores)
    result.targets = [
        Target('gradient: relative difference to one process with all pairs', equal, '<= 1e-4'),
        Target(
            f'pairs/s of 2 processes / {min(2, cores)} x one',
            rows[1].more['pairs/s'] / perfect,
            '>= 0.9',
        ),
    ]
    exchange = ', '.join(f'{n}: {100 * share:.1f} %' for n, share in overheads.items())
    result.notes = [
        f'What averaging the gradients adds to a step, by number of processes: {exchange}; changes '
        'below the spread of the steps mean nothing.',
        f'4 processes share {cores} cores.',
        'Equality with batch norms in eval mode (each process normalises by its own pairs).',
        *cluster_notes(options),
    ]
    return result


def batch_of(options: Options) -> int:
    """Pairs a process."""
    return 2 if options.quick else BATCH


def measure(options: Options, processes: int) -> dict:
    """Seconds of steps with and without exchange (slowest process), and the gradients' error."""
    small = Options(quick=True, configs=options.configs)
    with tempfile.TemporaryDirectory() as folder:
        arguments = (folder, processes, small, batch_of(options), options.repeats)
        mp.spawn(worker, args=arguments, nprocs=processes)
        parts = [torch.load(Path(folder, f'{rank}.pth')) for rank in range(processes)]
    slowest = {
        name: [max(times) for times in zip(*(part[name] for part in parts))]
        for name in ('steps', 'alone')
    }
    data = random_pairs(processes * batch_of(options), SIZE, 'cpu')
    expected = gradient(build(model_config(small), 'cpu').eval(), data)
    scale = expected.norm()
    errors = [((part['gradient'] - expected).norm() / scale).item() for part in parts]
    return slowest | dict(difference=max(errors))


def worker(
    rank: int, folder: str, processes: int, options: Options, batch: int, repeats: int
) -> None:
    """One process: the gradient of its share of the pairs, then timed steps."""
    torch.set_num_threads(1)
    torch.distributed.init_process_group(
        'gloo', init_method=f'file://{folder}/rendezvous', rank=rank, world_size=processes
    )
    model = build(model_config(options), 'cpu')
    wrapped = MMDistributedDataParallel(model, broadcast_buffers=False)
    everything = random_pairs(processes * batch, SIZE, 'cpu')
    mine = slice(rank * batch, (rank + 1) * batch)
    data = {name: value[mine] for name, value in everything.items()}
    result = dict(gradient=gradient(model.eval(), data, wrapped))
    model.train()
    optimizer = optimizer_of(model)

    def step() -> None:
        training_step(model, data, optimizer, wrapped=wrapped)

    def step_alone() -> None:
        with wrapped.no_sync():
            step()

    for name, function in (('steps', step), ('alone', step_alone)) * 2:  # the first time warms up
        result[name] = []
        for _ in range(max(3, repeats)):
            torch.distributed.barrier()
            result[name].append(wall_seconds(function))
    torch.save(result, Path(folder, f'{rank}.pth'))
    torch.distributed.destroy_process_group()


def gradient(model, data: dict, wrapped=None) -> Tensor:
    """Gradient of the encoder, all weights in one vector."""
    views = model.data_preprocessor(data, True)['inputs']
    total_loss((wrapped or model)(views, mode='loss')).backward()
    found = torch.cat([p.grad.flatten() for p in model.backbone.parameters()])
    model.zero_grad(set_to_none=True)
    return found
