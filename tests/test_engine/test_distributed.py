"""Two gloo processes against one: the same loss and the same gradient."""

from pathlib import Path

import pytest
import torch
import torch.multiprocessing as mp
from mmengine.config import Config
from mmengine.dataset import default_collate
from mmengine.model import MMDistributedDataParallel
from mmengine.registry import init_default_scope
from mmpretrain.structures import DataSample

from poodle_mm.datasets import frame_pair_collate
from poodle_mm.registry import MODELS, register_all_modules
from tests.test_engine.toy_pairs import ToyPairs, toy_config, toy_motion, toy_vit

BASES = Path(__file__).resolve().parents[2] / 'configs' / '_base_' / 'models'
# Of methods on single frames: model and views.
IMAGES = dict(
    byol=('byol_r18_quarter', 2),
    densecl=('densecl_r18_quarter', 2),
    pixpro=('pixpro_r18_quarter', 2),
    mae=('mae_vit-xs8', 1),
)
TOYS = dict(poodle=dict, vit=toy_vit, motion=toy_motion)
METHODS = (*TOYS, *IMAGES)


def toy_batch(method: str, samples: list[int]) -> dict:
    """Some of the toy pairs, or of toy frames."""
    if method not in IMAGES:
        return frame_pair_collate([ToyPairs()[0, index] for index in samples])
    return default_collate([toy_frame(IMAGES[method][1], index) for index in samples])


def toy_frame(views: int, index: int) -> dict:
    generator = torch.Generator().manual_seed(index)
    inputs = [torch.randint(256, (3, 128, 128), generator=generator) for _ in range(views)]
    sample = DataSample(metainfo=dict(seed=index))
    boxes = [(40 * index, 10, 40 * index + 200, 210), (100, 0, 300, 200)]
    sample.set_metainfo(dict(crop_box=boxes, flip_direction=[None, 'horizontal']))
    return dict(inputs=inputs if views > 1 else inputs[0], data_samples=sample)


def losses_and_gradient(method: str, model, online, samples: list[int]):
    """Gradient of the online weights for some of the samples, batch norm in eval mode."""
    data = toy_batch(method, samples)
    losses = model(**online.data_preprocessor(data, True), mode='loss')
    losses = {name: value for name, value in losses.items() if 'loss' in name}
    sum(losses.values()).backward()
    gradient = {name: p.grad for name, p in online.named_parameters() if p.requires_grad}
    return {name: value.item() for name, value in losses.items()}, gradient


def make_model(method: str):
    register_all_modules()
    init_default_scope('poodle_mm')
    torch.manual_seed(0)
    if method in IMAGES:
        cfg = Config.fromfile(BASES / f'{IMAGES[method][0]}.py')
    else:
        cfg = toy_config('unused', **TOYS[method]())
    model = MODELS.build(cfg.model)
    model.init_weights()
    return model.eval()


def worker(rank: int, folder: str) -> None:
    torch.set_num_threads(1)
    torch.distributed.init_process_group(
        'gloo', init_method=f'file://{folder}/rendezvous', rank=rank, world_size=2
    )
    for method in METHODS:
        model = make_model(method)
        wrapped = MMDistributedDataParallel(model, broadcast_buffers=False)
        result = losses_and_gradient(method, wrapped, model, [2 * rank, 2 * rank + 1])
        torch.save(result, f'{folder}/{method}{rank}.pth')
    torch.distributed.destroy_process_group()


@pytest.fixture(scope='module')
def of_two(tmp_path_factory) -> Path:
    """Results of both processes, all methods in one start of them."""
    folder = tmp_path_factory.mktemp('two')
    mp.spawn(worker, args=(str(folder),), nprocs=2)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize('method', METHODS)
def test_two_processes_equal_one(of_two, method):
    model = make_model(method)
    losses, gradient = losses_and_gradient(method, model, model, [0, 1, 2, 3])
    parts = [torch.load(of_two / f'{method}{rank}.pth') for rank in (0, 1)]
    for name, value in losses.items():
        assert (parts[0][0][name] + parts[1][0][name]) / 2 == pytest.approx(value, rel=1e-5)
        assert parts[0][0][name] != pytest.approx(value, rel=1e-5)
    first = next(name for name in gradient if name.startswith('backbone.') and 'weight' in name)
    assert gradient[first].abs().max() > 0
    for name, expected in gradient.items():
        for _, found in parts:
            scale = expected.abs().max().item()
            torch.testing.assert_close(found[name], expected, rtol=1e-4, atol=1e-4 * scale)
