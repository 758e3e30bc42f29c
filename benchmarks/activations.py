"""Bytes that a forward pass keeps for its backward pass: the same on every device."""

import weakref
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

BLOCK = 512  # bytes to which torch's allocators on GPUs round up


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


class LiveBytes(TorchDispatchMode):
    """Counts the bytes of the tensors that are made within it, while they live.

    What a kernel needs for itself and what the caching allocator adds are not in it.

    Attributes:
        live: Bytes that live now.
        peak: Most bytes that lived at once.
    """

    def __init__(self) -> None:
        super().__init__()
        self.live = self.peak = 0
        self._seen: set[int] = set()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        before = {x.untyped_storage()._cdata for x in tree_leaves((args, kwargs)) if _is_dense(x)}
        result = func(*args, **(kwargs or {}))
        for leaf in tree_leaves(result):
            if _is_dense(leaf) and leaf.untyped_storage()._cdata not in before | self._seen:
                self._add(leaf.untyped_storage())
        return result

    def _add(self, storage: torch.UntypedStorage) -> None:
        size, key = -(-storage.nbytes() // BLOCK) * BLOCK, storage._cdata
        self._seen.add(key)
        self.live += size
        self.peak = max(self.peak, self.live)
        weakref.finalize(storage, self._release, key, size)

    def _release(self, key: int, size: int) -> None:
        self._seen.discard(key)
        self.live -= size


def _is_dense(x: Any) -> bool:
    return isinstance(x, Tensor) and x.layout == torch.strided
