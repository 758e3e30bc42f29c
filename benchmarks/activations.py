"""Bytes that a forward pass keeps for its backward pass: the same on every device."""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor


def kept_bytes(forward: Callable[[], Any], parameters: Iterable[Tensor] = ()) -> int:
    """Size of all memory that autograd keeps between forward and backward, each block once.

    An activation that several operations keep, or keep views of, counts once. Buffers of kernels
    and what the caching allocator adds are not in it.

    Args:
        forward: Does the forward pass and returns what keeps its graph alive.
        parameters: Not counted: they are there anyway.
    """
    own = {parameter.untyped_storage()._cdata for parameter in parameters}
    kept: dict[int, int] = {}
    alive = []  # an address must not be used again while we count

    def note(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        alive.append(storage)
        if storage._cdata not in own:
            kept[storage._cdata] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        forward()
    return sum(kept.values())
