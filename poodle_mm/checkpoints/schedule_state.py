"""State of a schedule after a number of updates, as MMEngine saves it."""

from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.optim import OptimWrapper
from mmengine.registry import PARAM_SCHEDULERS


def schedule_state(
    config: str | Path, optimizer: dict, steps_per_epoch: int, steps: int
) -> dict[str, Any]:
    """State of the schedules, which resuming needs beside weights and moments.

    The config's schedulers run over an optimizer of empty groups, as they would have in training.

    Args:
        config: Training config with schedules by epoch that are converted to iterations.
        optimizer: ``state_dict`` of AdamW; its groups get the schedule's learning rates.
        steps_per_epoch: Updates an epoch.
        steps: Updates done.

    Returns:
        ``param_schedulers`` and an empty ``message_hub``. ``optimizer`` is changed in place.

    Raises:
        ValueError: If a schedule counts epochs, or the config accumulates gradients.
    """
    cfg = Config.fromfile(config)
    if cfg.optim_wrapper.get('accumulative_counts', 1) != 1:
        raise ValueError(
            f'{config}: optim_wrapper.accumulative_counts must be 1 in the config file'
        )
    base = cfg.optim_wrapper.optimizer.lr
    groups = [
        {k: v for k, v in group.items() if k not in ('params', 'lr', 'initial_lr')}
        | dict(params=[torch.nn.Parameter(torch.zeros(()))], lr=base)
        for group in optimizer['param_groups']
    ]
    wrapper = OptimWrapper(torch.optim.AdamW(groups, lr=base))
    schedulers = []
    for scheduler in cfg.get('param_scheduler') or []:
        if scheduler.get('by_epoch', True) and not scheduler.get('convert_to_iter_based'):
            raise ValueError(f'{config}: {scheduler.type} needs convert_to_iter_based=True')
        arguments = dict(optimizer=wrapper, epoch_length=steps_per_epoch)
        schedulers.append(PARAM_SCHEDULERS.build(dict(scheduler), default_args=arguments))
    wrapper._global_step = steps  # MMEngine warns of schedulers that run ahead of the optimizer
    for _ in range(steps):
        for scheduler in schedulers:
            scheduler.step()
    for group, scheduled in zip(optimizer['param_groups'], wrapper.optimizer.param_groups):
        group |= {k: scheduled[k] for k in ('lr', 'initial_lr') if k in scheduled}
    optimizer['base_param_settings'] = wrapper.base_param_settings
    return dict(
        param_schedulers=[scheduler.state_dict() for scheduler in schedulers],
        message_hub=dict(log_scalars={}, runtime_info={}, resumed_keys={}),
    )
