"""AdamW's state in the authors' files, for our model.

Theirs and ours have the same two groups, 0 without weight decay (biases and one-dimensional
parameters) and 1 with it, each in the order of ``named_parameters`` of the trained network. The
orders differ, and so may the scale of the loss: theirs averages over both directions and weights
PooDLe's two objectives by a half, as our ``*_release.py`` configs do; the others sum.
"""

import itertools
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from poodle_mm.checkpoints.release import rename_keys, squeeze_pooled

# Weight on our sum over both directions that makes it the authors' loss.
LOSS_WEIGHTS = dict(PooDLe=0.25, FlowE=0.5)
_BUFFERS = ('running_mean', 'running_var', 'num_batches_tracked')
_MOMENTS = dict(exp_avg=1, exp_avg_sq=2)  # power of the loss's scale


def decay_groups(state: Mapping[str, Tensor]) -> list[list[str]]:
    """Names of a state dict's trained parameters: without weight decay, with it."""
    names = [k for k in state if not k.startswith('target.') and not k.endswith(_BUFFERS)]
    flat = [k for k in names if state[k].ndim <= 1 or k.endswith('.bias')]
    return [flat, [k for k in names if k not in flat]]


def optimizer_steps(optimizer: object) -> int | None:
    """Updates that an optimizer has made, by its own count; None if it has none."""
    states = optimizer.get('state') if isinstance(optimizer, Mapping) else None
    if not isinstance(states, Mapping):
        return None
    steps = [int(s['step']) for s in states.values() if isinstance(s, Mapping) and 'step' in s]
    return max(steps, default=None)


def convert_optimizer(
    optimizer: object,
    theirs: Mapping[str, Tensor],
    ours: Mapping[str, Tensor],
    layout: str,
    loss_scale: float = 1.0,
) -> dict[str, Any]:
    """``state_dict`` of AdamW over our two groups from the authors'.

    Args:
        optimizer: ``optimizer`` of their file.
        theirs: All tensors of the file, in its order.
        ours: The converted ones, in our model's order.
        layout: ``'PooDLe'`` or ``'FlowE'``.
        loss_scale: The loss with which training goes on over the authors'. The moments and eps
            follow it, so that the steps are the same.

    Raises:
        ValueError: Saying why it does not fit the model.
    """
    groups = optimizer.get('param_groups') if isinstance(optimizer, Mapping) else None
    if not isinstance(groups, list) or not optimizer.get('state'):
        raise ValueError('the file has no optimizer state')
    renamed = {new: theirs[old] for old, new in rename_keys(theirs, layout).items()}
    expected = decay_groups(renamed)
    sizes, wanted = [len(group['params']) for group in groups], [len(names) for names in expected]
    if sizes != wanted:
        raise ValueError(
            f'its groups have {sizes} parameters, the model {wanted} (without and with weight '
            'decay)'
        )
    moments = {}
    for group, names in zip(groups, expected):
        for index, name in zip(group['params'], names):
            moments[name] = _moments(optimizer['state'], index, name, renamed[name], loss_scale)
    order = decay_groups(ours)
    numbers = itertools.count()
    return dict(
        state=dict(enumerate(moments[name] for name in itertools.chain(*order))),
        param_groups=[
            _settings(group, loss_scale) | dict(params=list(itertools.islice(numbers, len(names))))
            for group, names in zip(groups, order)
        ],
    )


def _moments(states: Mapping, index: int, name: str, value: Tensor, scale: float) -> dict:
    found = states.get(index)
    if not isinstance(found, Mapping) or not {'step', *_MOMENTS} <= found.keys():
        raise ValueError(f'it has no moments of {name}')
    for key in _MOMENTS:
        if found[key].shape != value.shape:
            raise ValueError(
                f'{key} of {name} is {tuple(found[key].shape)}, the parameter {tuple(value.shape)}'
            )
    return dict(
        step=torch.as_tensor(found['step'], dtype=torch.float32),
        **{k: squeeze_pooled(name, found[k]) * scale**power for k, power in _MOMENTS.items()},
    )


def _settings(group: Mapping, scale: float) -> dict:
    """Plain settings of a group; those of foreign classes are torch's defaults."""
    settings = dict(lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0)
    plain = (int, float, tuple, type(None))  # bool is an int
    settings |= {k: v for k, v in group.items() if isinstance(v, plain)}
    return settings | dict(eps=settings['eps'] * scale)
