"""Two processes: one report of both, and one's broken loss ends both, each keeping its batch."""

import math
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
import torch.multiprocessing as mp
from mmengine.logging import MessageHub, MMLogger
from torch import nn

from poodle_mm.engine.health.events import read_events
from poodle_mm.engine.health.saved_batch import load_batch
from poodle_mm.engine.hooks.health_hook import HealthHook, over_processes

FOUND = (
    dict(loss=1.0, std_dense=0.8, data_share=0.1),
    dict(loss=3.0, std_dense=0.4, data_share=0.6, warp_gain=0.5),
)


def worker(rank: int, folder: str) -> None:
    torch.set_num_threads(1)
    torch.distributed.init_process_group(
        'gloo', init_method=f'file://{folder}/rendezvous', rank=rank, world_size=2
    )
    averages = over_processes(FOUND[rank])
    model = nn.Linear(1, 1)
    hook = HealthHook(interval=1, patience=1)
    runner = SimpleNamespace(
        message_hub=MessageHub('two'),
        logger=MMLogger('two'),
        model=model,
        hooks=[hook],
        optim_wrapper=SimpleNamespace(
            optimizer=torch.optim.SGD(model.parameters(), 1.0), should_update=lambda: True
        ),
        cfg=SimpleNamespace(filename='recipe.py'),
        work_dir=folder,
        iter=0,
        max_iters=2,
        seed=0,
        rank=rank,
        world_size=2,
    )
    hook.before_train(runner)
    error = None
    for runner.iter, mine in enumerate((0.5, math.nan if rank else 0.5)):
        batch = dict(inputs=torch.full((2,), rank))
        hook.before_train_iter(runner, 0, batch)
        try:
            hook.after_train_iter(runner, 0, batch, dict(loss=torch.tensor(mine)))
        except FloatingPointError as raised:
            error = str(raised)
    torch.save(dict(averages=averages, error=error), f'{folder}/result{rank}.pth')
    torch.distributed.destroy_process_group()


@pytest.mark.slow
def test_two_processes_act_as_one(tmp_path):
    mp.spawn(worker, args=(str(tmp_path),), nprocs=2)
    results = [torch.load(tmp_path / f'result{rank}.pth') for rank in (0, 1)]
    for result in results:
        assert result['averages'] == pytest.approx(
            dict(loss=2.0, std_dense=0.6, data_share=0.6, warp_gain=0.5)
        )
    assert 'a loss of another process is not finite' in results[0]['error']
    assert 'loss is nan' in results[1]['error']
    (event,) = read_events(tmp_path)  # rank 0 reports
    assert (event['iter'], event['kind']) == (2, 'nonfinite')
    path = Path(tmp_path, event['batch'])
    for rank, file in enumerate((path, path.with_name(f'{path.stem}_rank1.pth'))):
        saved = load_batch(file)
        assert (saved['rank'], saved['processes']) == (rank, 2)
        assert saved['batch']['inputs'].tolist() == [rank, rank]
    assert path.with_name(saved['weights']).is_file()
