"""Two gloo processes against one: the same loss and the same gradient."""

import pytest
import torch
import torch.multiprocessing as mp
from mmengine.model import MMDistributedDataParallel
from mmengine.registry import init_default_scope

from poodle_mm.registry import MODELS, register_all_modules
from tests.test_engine.toy_pairs import ToyPairs, toy_config


def losses_and_gradient(model, online, samples: list[int]):
    """Gradient of the online weights for some of the toy pairs, batch norm in eval mode."""
    from poodle_mm.datasets import frame_pair_collate

    data = frame_pair_collate([ToyPairs()[0, index] for index in samples])
    losses = model(**online.data_preprocessor(data, True), mode='loss')
    (losses['loss_dense'] + losses['loss_pool']).backward()
    gradient = {name: p.grad for name, p in online.named_parameters() if p.requires_grad}
    return {name: losses[name].item() for name in ('loss_dense', 'loss_pool')}, gradient


def make_model():
    register_all_modules()
    init_default_scope('poodle_mm')
    torch.manual_seed(0)
    model = MODELS.build(toy_config('unused').model)
    model.init_weights()
    return model.eval()


def worker(rank: int, folder: str) -> None:
    torch.set_num_threads(1)
    torch.distributed.init_process_group(
        'gloo', init_method=f'file://{folder}/rendezvous', rank=rank, world_size=2
    )
    model = make_model()
    wrapped = MMDistributedDataParallel(model, broadcast_buffers=False)
    result = losses_and_gradient(wrapped, model, [2 * rank, 2 * rank + 1])
    torch.save(result, f'{folder}/rank{rank}.pth')
    torch.distributed.destroy_process_group()


@pytest.mark.slow
def test_two_processes_equal_one(tmp_path):
    model = make_model()
    losses, gradient = losses_and_gradient(model, model, [0, 1, 2, 3])
    mp.spawn(worker, args=(str(tmp_path),), nprocs=2)
    parts = [torch.load(tmp_path / f'rank{rank}.pth') for rank in (0, 1)]
    for name, value in losses.items():
        assert (parts[0][0][name] + parts[1][0][name]) / 2 == pytest.approx(value, rel=1e-5)
        assert parts[0][0][name] != pytest.approx(value, rel=1e-5)
    assert gradient['backbone.conv1.weight'].abs().max() > 0
    for name, expected in gradient.items():
        for _, found in parts:
            scale = expected.abs().max().item()
            torch.testing.assert_close(found[name], expected, rtol=1e-4, atol=1e-4 * scale)
