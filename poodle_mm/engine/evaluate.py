"""The pretraining losses of a checkpoint on held-out pairs."""

from itertools import islice
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.device import get_device
from mmengine.logging import HistoryBuffer
from mmengine.registry import init_default_scope
from mmengine.runner import Runner

from poodle_mm.checkpoints import load_file, tensors_of
from poodle_mm.checkpoints.state_dict import check_state
from poodle_mm.registry import MODELS


@torch.no_grad()
def evaluate_losses(
    cfg: Config, checkpoint: str | Path, max_batches: int | None = None
) -> dict[str, float]:
    """Losses, spreads and shares (all that the model's loss returns), averaged over pairs.

    Deterministic: no shuffling, views from the samples' seeds, batch norm in eval mode. Because of
    the last, values differ a little from those of training.

    Args:
        cfg: A training config; ``val_dataloader`` if it has one, else ``train_dataloader``.
        checkpoint: Checkpoint of this config's model.
        max_batches: Stop after so many batches.

    Raises:
        FileNotFoundError: If there is no such checkpoint.
        ValueError: If the checkpoint is another model's, or the data gives no batch.
    """
    init_default_scope(cfg.get('default_scope', 'poodle_mm'))
    weights = tensors_of(load_file(checkpoint), checkpoint)
    model = MODELS.build(cfg.model)
    check_state(model, weights, checkpoint)
    model.load_state_dict(weights)
    model.to(get_device()).eval()

    loader = dict(cfg.get('val_dataloader') or cfg.train_dataloader)
    loader['sampler'] = dict(type='PairSampler', shuffle=False, seed=0)
    loader['drop_last'] = False
    averages = {}
    for batch in islice(Runner.build_dataloader(loader, seed=0), max_batches):
        pairs = len(batch['inputs'])
        for name, value in model(**model.data_preprocessor(batch, True), mode='loss').items():
            buffer = averages.setdefault(name, HistoryBuffer())
            buffer.update(float(value) * pairs, pairs)
    if not averages:
        raise ValueError('the evaluation data gives no batch: check its dataloader')
    return {name: float(buffer.mean()) for name, buffer in averages.items()}
