"""Small tensors on their way to a GPU, without the host waiting for it."""

from collections.abc import Sequence

import torch
from torch import Tensor


def constant(values: Sequence[float], like: Tensor) -> Tensor:
    """What ``like.new_tensor(values)`` gives; that would wait for all that a GPU still has to do.

    Args:
        values: Numbers.
        like: Gives dtype and device.

    Returns:
        (len(values),) tensor.
    """
    return torch.tensor(values, dtype=like.dtype).to(like.device, non_blocking=True)
