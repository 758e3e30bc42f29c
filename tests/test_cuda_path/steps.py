"""One training step of a config on a fake GPU, as MMEngine's loop would run it."""

from collections import Counter
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.model import BaseAveragedModel
from mmengine.optim import build_optim_wrapper
from mmengine.registry import DefaultScope
from mmpretrain.structures import DataSample

from poodle_mm.datasets.frame_pair_sample import FramePairSample
from poodle_mm.flow.uflow.network import UFlowNetwork
from poodle_mm.registry import MODELS, register_all_modules
from tests.test_cuda_path.fake_cuda import backward, fake_cuda

BATCH, UPDATES = 2, 2


def step_config(file: str | Path, folder: Path) -> Config:
    """The config with random flow weights and fewer updates: the same operations."""
    cfg = Config.fromfile(file)
    cfg.model.backbone.pop('init_cfg', None)
    if cfg.model.type == 'PooDLe':
        flow = cfg.model.data_preprocessor.flow
        if flow.type == 'RAFTFlow':
            flow.update(weights=None, num_updates=UPDATES)
        else:
            flow.weights = str(folder / 'uflow.pth')
            torch.save(UFlowNetwork().state_dict(), flow.weights)
    elif 'queue_len' in cfg.model:
        cfg.model.queue_len = 2 * BATCH
    return cfg


def batch_of(cfg: Config) -> dict:
    """A batch as the dataloader gives it, on the CPU."""
    generator = torch.Generator().manual_seed(0)
    if cfg.model.type == 'PooDLe':
        crop = next(t for t in cfg.train_dataloader.dataset.pipeline if 'size' in t)
        shape = (BATCH, 2, 3, *crop['size'])
        samples = [FramePairSample(metainfo=dict(seed=seed)) for seed in range(BATCH)]
    else:
        shape = (BATCH, 3, 224, 224)
        boxes = dict(crop_box=[(0, 0, 200, 100)] * 2, flip_direction=[None, 'horizontal'])
        samples = [DataSample(metainfo=dict(boxes, seed=seed)) for seed in range(BATCH)]
    if cfg.model.type == 'DoRA':  # a clip of few frames, and local views of each
        shape = (BATCH, 2, 3, 224, 224)
    inputs = torch.randint(256, shape, dtype=torch.uint8, generator=generator)
    if cfg.model.type == 'DoRA':
        inputs = [inputs, inputs[:, :, None, :, ::2, ::2].repeat(1, 1, 3, 1, 1, 1)]
    elif cfg.model.type not in ('PooDLe', 'MAE'):
        inputs = [inputs, inputs.flip(-1)]
    return dict(inputs=inputs, data_samples=samples)


def to_cuda(model: torch.nn.Module) -> None:
    """Move a model. Its parameters become other objects, unlike on a real device."""
    model.to('cuda')
    for module in model.modules():
        if isinstance(module, BaseAveragedModel):
            parameters = dict(module.module.named_parameters())
            module.avg_parameters = {name: parameters[name] for name in module.avg_parameters}


def waits_of_a_step(file: str | Path, folder: Path) -> tuple[Counter, dict[str, torch.Tensor]]:
    """Where the host waits for the device in a step, and the losses, fakes of () each.

    Args:
        file: Config.
        folder: Where weights of an estimator that needs a file are written.

    Raises:
        RuntimeError: Or one of torch's fake tensor errors, where tensors of two devices meet or
            the shape of a result depends on data.
    """
    register_all_modules()
    cfg = step_config(file, folder)
    ours = cfg.model.type == 'PooDLe'
    with DefaultScope.overwrite_default_scope('poodle_mm'):
        model = MODELS.build(cfg.model).train()
        flow = model.data_preprocessor.flow.net if ours else None  # reads its weights
        averages = hasattr(model, 'update_target')
        with fake_cuda() as device:
            to_cuda(model)
            if averages:  # what happens once in a run
                model.target.total_steps = 10
                assert model.target.step_count == 1  # what a fake gives
            if ours:
                flow.to('cuda')
            optimizer = build_optim_wrapper(model, cfg.optim_wrapper)
            device.waits.clear()
            data = model.data_preprocessor(batch_of(cfg), training=True)
            losses = model(**data, mode='loss')
            loss, _ = model.parse_losses(losses)
            backward(loss)
            without = [n for n, p in model.named_parameters() if p.requires_grad and p.grad is None]
            optimizer.step()
            optimizer.zero_grad()
            if averages:
                model.update_target()
    assert not without
    return device.waits, losses
