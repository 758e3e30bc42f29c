"""A checkpoint of PooDLe's authors as an MMEngine checkpoint of ours."""

import re
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.optim import OptimWrapper
from mmengine.registry import PARAM_SCHEDULERS, DefaultScope

from poodle_mm.checkpoints.files import check_conversion, load_file, state_dict_of, tensors_of
from poodle_mm.checkpoints.release import release_layout, release_model
from poodle_mm.checkpoints.release_optimizer import LOSS_WEIGHTS, convert_optimizer, optimizer_steps
from poodle_mm.checkpoints.state_dict import check_state
from poodle_mm.registry import MODELS
from poodle_mm.utils.files import replacing
from poodle_mm.utils.resources import find_config
from poodle_mm.version import __version__


def convert_release(
    source: str | Path,
    target: str | Path,
    config: str | Path | None = None,
    steps_per_epoch: int | None = None,
) -> str:
    """Convert a file of the authors'; nothing in it is executed.

    Args:
        source: Their ``checkpoint-<finished epochs>.pth``.
        target: File to write: ``state_dict``, ``meta`` with a config that describes the network,
            ``optimizer`` if theirs fits, and with ``config`` all that resuming needs.
        config: Training config under which the run is to go on. Its learning rate and schedules
            are brought to where the file's training stopped, and the optimizer's moments to the
            scale of its loss.
        steps_per_epoch: Updates an epoch; by default the optimizer's own count over the epochs.

    Returns:
        Summary in a line.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not the authors', not the whole model or not finite, naming the
            tensors; or if both are one file.
    """
    loaded = load_file(source)
    theirs = tensors_of(loaded, source)
    layout = release_layout(theirs)
    if layout is None:
        raise ValueError(f"{source} is not a checkpoint of PooDLe's authors (PooDLe or FlowE)")
    state = state_dict_of(loaded, source)
    model = release_model(state)
    epochs = finished_epochs(loaded.get('epoch'), Path(source).name)
    steps = optimizer_steps(loaded.get('optimizer'))
    if steps_per_epoch is not None and epochs is not None:
        steps = epochs * steps_per_epoch
    state['target.steps'] = torch.tensor(steps or 0)
    with DefaultScope.overwrite_default_scope('poodle_mm'):
        ours = MODELS.build(model)
    check_state(ours, state, source, 'model, under our names')
    check_conversion(source, target, state)

    meta = dict(
        cfg=Config(dict(default_scope='poodle_mm', model=model)).pretty_text,
        converter=dict(poodle_mm=__version__, source=Path(source).name, layout=layout),
    )
    meta |= {k: v for k, v in dict(epoch=epochs, iter=steps).items() if v is not None}
    converted = dict(meta=meta, state_dict={k: v.contiguous() for k, v in state.items()})
    try:
        converted['optimizer'] = convert_optimizer(
            loaded.get('optimizer'), theirs, state, layout, _loss_scale(config, layout)
        )
        note = 'with the optimizer'
    except ValueError as error:
        note = f'without the optimizer ({error})'
    if config is not None:
        if 'optimizer' not in converted or not epochs or not steps:
            raise ValueError(f'{source} cannot be resumed: {note}, epoch {epochs}, step {steps}')
        length = steps_per_epoch or -(-steps // epochs)  # a loss scaler skips a few steps
        converted |= _schedule_state(config, converted['optimizer'], length, steps)
        note += f' and the schedule of {config}'
    with replacing(target) as temporary:
        torch.save(converted, temporary)
    update = f'update {steps}'
    if steps is None:
        update = 'number of updates unknown (--steps-per-epoch)'
    return f'{target}: {len(state)} tensors of {layout}, epoch {epochs}, {update}, {note}'


def finished_epochs(epoch: object, name: str) -> int | None:
    """Epochs that are done: the number in the file's name, if the file's ``epoch`` allows it.

    Args:
        epoch: Entry of the file: finished epochs, or the last one counted from 0.
        name: ``checkpoint-<finished epochs>.pth``; another name leaves ``epoch`` alone.
    """
    if not isinstance(epoch, int):
        return None
    number = re.search(r'checkpoint-(\d+)\.', name)
    return epoch + 1 if number and int(number[1]) == epoch + 1 else epoch


def _loss_scale(config: str | Path | None, layout: str) -> float:
    """The config's loss over the authors'."""
    if config is None:
        return 1.0
    head = Config.fromfile(find_config(config)).model.get('dense_head') or {}
    return head.get('loss_weight', 1.0) / LOSS_WEIGHTS[layout]


def _schedule_state(
    config: str | Path, optimizer: dict, steps_per_epoch: int, steps: int
) -> dict[str, Any]:
    """``param_schedulers`` after so many updates, and an empty ``message_hub``.

    The config's schedulers run over an optimizer of empty groups, as they would have in training.
    ``optimizer``, a ``state_dict`` of AdamW, gets their learning rates.
    """
    cfg = Config.fromfile(find_config(config))
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
