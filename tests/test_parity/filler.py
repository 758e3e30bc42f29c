"""Weights that two networks of different code can both be filled with, by neutral names."""

import re
import zlib

import numpy as np
import torch
from torch import Tensor, nn


def neutral(key: str) -> str:
    """Our key to the name under which the reference's parameter is filled."""
    target = 'target.' if key.startswith('target.module.') else ''
    key = key.removeprefix('target.module.').removeprefix('neck.').replace('.mlp.', '.')
    key = re.sub(r'^blocks\.', 'sdm.', key)
    return target + re.sub(r'^(dense|pooled)_(head\.)?', r'\1.', key)


def value(key: str, shape: tuple[int, ...]) -> Tensor:
    """The numbers of a neutral key: by a generator that its name seeds."""
    n = int(np.prod(shape))
    random = np.random.RandomState(zlib.crc32(key.encode()))  # noqa: NPY002: the reference's
    if key.endswith('running_var'):
        numbers = 1 + 0.2 * random.uniform(-1, 1, n)
    elif key.endswith('running_mean'):
        numbers = 0.1 * random.uniform(-1, 1, n)
    elif len(shape) > 1:
        numbers = random.standard_normal(n) * np.sqrt(2 * shape[0] / n)
    elif key.endswith('.weight'):
        numbers = 1 + 0.2 * random.uniform(-1, 1, n)
    elif re.search(r'(projector|predictor)\.3\.bias$', key):
        numbers = np.zeros(n)
    else:
        numbers = 0.1 * random.uniform(-1, 1, n)
    return torch.from_numpy(numbers.astype(np.float32)).reshape(shape)


def fill(model: nn.Module) -> nn.Module:
    """Fill all weights and statistics; counters become 0. Train mode changes them: refill."""
    with torch.no_grad():
        for key, tensor in model.state_dict().items():
            if key == 'target.steps' or key.endswith('num_batches_tracked'):
                tensor.zero_()
            else:
                tensor.copy_(value(neutral(key), tuple(tensor.shape)))
    return model
