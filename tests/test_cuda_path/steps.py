"""One training step of a config on a fake GPU, as MMEngine's loop would run it."""

from collections import Counter
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.registry import DefaultScope
from mmpretrain.structures import DataSample

from poodle_mm.datasets.frame_pair_sample import FramePairSample
from poodle_mm.engine.train import import_rooms
from poodle_mm.registry import MODELS
from tests.test_cuda_path.fake_cuda import backward, fake_cuda

BATCH = 2


def step_config(file: str | Path) -> Config:
    """The config with random flow weights and fewer updates: no file, and the same operations."""
    cfg = Config.fromfile(file)
    cfg.model.backbone.pop('init_cfg', None)
    if cfg.model.type == 'PooDLe':
        flow = cfg.model.data_preprocessor.flow
        flow.weights = None
        if flow.type == 'RAFTFlow':
            flow.num_updates = 2
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
        samples = [DataSample() for _ in range(BATCH)]
    inputs = torch.randint(256, shape, dtype=torch.uint8, generator=generator)
    if cfg.model.type != 'PooDLe':
        inputs = [inputs, inputs.flip(-1)]
    return dict(inputs=inputs, data_samples=samples)


def waits_of_a_step(file: str | Path) -> tuple[Counter, dict[str, torch.Tensor]]:
    """Where the host waits for the device in the second step, and the losses, fakes of () each.

    Raises:
        RuntimeError: Or one of torch's fake tensor errors, where tensors of two devices meet or
            the shape of a result depends on data.
    """
    import_rooms()
    cfg = step_config(file)
    with DefaultScope.overwrite_default_scope(cfg.get('default_scope', 'poodle_mm')):
        model = MODELS.build(cfg.model).train()
        with fake_cuda() as device:
            model.to('cuda')
            if cfg.model.type == 'PooDLe':
                model.target.total_steps = 10
            optimizer = build_optim_wrapper(model, cfg.optim_wrapper)
            for _ in range(2):  # the first one builds the flow network and the optimizer's state
                device.waits.clear()
                data = model.data_preprocessor(batch_of(cfg), training=True)
                losses = model(**data, mode='loss')
                loss, _ = model.parse_losses(losses)
                backward(loss)
                optimizer.step()
                optimizer.zero_grad()
                if cfg.model.type == 'PooDLe':
                    model.update_target()
    return device.waits, losses
