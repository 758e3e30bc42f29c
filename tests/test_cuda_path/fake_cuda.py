"""A CUDA device without a GPU: shapes and devices are worked out, numbers are not.

What lives on the CPU stays real, because seeds, draws and schedules are read there. A tensor that
goes to ``cuda`` becomes a fake one (``torch._subclasses.FakeTensor``): operations of two devices
raise, and so do those whose shape depends on data (``nonzero``, a boolean index).
"""

import sys
import weakref
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode, unset_fake_temporarily
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map_only

aten = torch.ops.aten
MODULE_TO = torch.nn.Module.to
# Whose line a synchronisation is reported at: the innermost of these packages.
PACKAGES = ('poodle_mm', 'mmpretrain', 'mmengine', 'torchvision')
COPIES = (aten._to_copy.default, aten.copy_.default)


class FakeCuda(TorchDispatchMode):
    """Runs on fakes what touches ``cuda``, and counts where the host waits for the device.

    The host waits when it reads a value (``item``), and when it copies from or to the device
    without ``non_blocking``; ``torch.tensor(..., device='cuda')`` is such a copy.
    """

    def __init__(self, fake: FakeTensorMode) -> None:
        super().__init__()
        self.fake = fake
        self.waits = Counter()
        self.live = self.peak = 0  # bytes of what lives on the device
        self._seen = set()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        leaves = tree_flatten((args, kwargs))[0]
        if func is aten._local_scalar_dense.default and args[0].device.type == 'cuda':
            self._wait('item')
            with unset_fake_temporarily():
                return torch.ones((), dtype=args[0].dtype).item()
        on_device = torch.device(kwargs.get('device') or 'cpu').type == 'cuda'
        if not on_device and not any(isinstance(x, FakeTensor) for x in leaves):
            with unset_fake_temporarily():
                return func(*args, **kwargs)
        self._look_for_copies(func, args, kwargs)
        with unset_fake_temporarily():
            args, kwargs = tree_map_only(Tensor, self._as_fake, (args, kwargs))
        result = func(*args, **kwargs)
        for leaf in tree_flatten(result)[0]:
            if isinstance(leaf, FakeTensor):
                self._count_memory(leaf)
        return result

    def _as_fake(self, x: Tensor) -> Tensor:
        return x if isinstance(x, FakeTensor) else self.fake.from_tensor(x)

    def _look_for_copies(self, func, args: tuple, kwargs: dict) -> None:
        if func not in COPIES:
            # An index on the CPU is copied to the device.
            if func in (aten.index.Tensor, aten.index_put_.default, aten.index_put.default):
                devices = {x.device.type for x in args[1] if x is not None}
                if 'cpu' in devices and args[0].device.type == 'cuda':
                    self._wait('host to device')
            return
        if func is aten._to_copy.default:
            source, target = args[0].device, torch.device(kwargs.get('device') or args[0].device)
            waits = not kwargs.get('non_blocking')
        else:
            source, target = args[1].device, args[0].device
            waits = not (args[2] if len(args) > 2 else kwargs.get('non_blocking'))
        if source.type == target.type:
            return
        if target.type == 'cpu':
            self._wait('device to host')
        elif waits:
            self._wait('host to device')

    def _wait(self, kind: str) -> None:
        frame = sys._getframe(2)
        while frame:
            module = frame.f_globals.get('__name__', '')
            # From Python 3.12 on a comprehension has no frame of its own.
            inner = frame.f_code.co_name == '<listcomp>'
            if not inner and module.partition('.')[0] in PACKAGES:
                self.waits[f'{module}.{frame.f_code.co_name}: {kind}'] += 1
                return
            frame = frame.f_back
        self.waits[f'elsewhere: {kind}'] += 1

    def _count_memory(self, x: Tensor) -> None:
        storage = x.untyped_storage()
        if x.device.type != 'cuda' or storage._cdata in self._seen:
            return
        size, key = storage.nbytes(), storage._cdata
        self._seen.add(key)
        self.live += size
        self.peak = max(self.peak, self.live)
        weakref.finalize(storage, self._release, key, size)

    def _release(self, key: int, size: int) -> None:
        self._seen.discard(key)
        self.live -= size


@contextmanager
def fake_cuda() -> Iterator[FakeCuda]:
    """Within it ``device='cuda'`` works on any machine."""
    # cuDNN's own operations, such as its grid_sampler, have no fakes; torch's equal ones have.
    no_cudnn = torch.backends.cudnn.flags(enabled=False)
    moves = patch.object(torch.nn.Module, 'to', _to)
    with no_cudnn, moves, FakeTensorMode() as fake, FakeCuda(fake) as mode:
        yield mode


def _to(module: torch.nn.Module, *args, **kwargs) -> torch.nn.Module:
    """``Module.to``, which would swap fake parameters even where they are already."""
    if any(isinstance(p, FakeTensor) for p in module.parameters()):
        return module
    return MODULE_TO(module, *args, **kwargs)


def backward(loss: Tensor) -> None:
    """``loss.backward()`` by a walk over the graph: torch's engine wants a real device.

    Each node runs as it would; a gradient's shape and device are compared with its tensor's.
    """
    waiting, stack = Counter(), [loss.grad_fn]
    seen = {loss.grad_fn}
    while stack:
        for node, _ in stack.pop().next_functions:
            if node is not None:
                waiting[node] += 1
                if node not in seen:
                    seen.add(node)
                    stack.append(node)
    received = {loss.grad_fn: [torch.ones_like(loss)]}
    ready = [loss.grad_fn]
    with torch.no_grad():
        while ready:
            node = ready.pop()
            grads = received.pop(node, None)
            if hasattr(node, 'variable'):
                _accumulate(node.variable, grads[0])
                continue
            results = [None] * len(node.next_functions)
            if grads is not None:
                results = node.apply(*grads) if hasattr(node, 'apply') else node(*grads)
                results = results if isinstance(results, tuple) else (results,)
                # Functions of Python give None for arguments that are no tensors: ours come last.
                assert not any(results[len(node.next_functions) :])
            for (following, position), grad in zip(node.next_functions, results):
                if following is None:
                    continue
                if grad is not None:
                    places = [None] * len(following._input_metadata)
                    places = received.setdefault(following, places)
                    # As the engine: a gradient that was broadcast is summed.
                    grad = grad.sum_to_size(following._input_metadata[position].shape)
                    before = places[position]
                    places[position] = grad if before is None else before + grad
                waiting[following] -= 1
                if not waiting[following]:
                    ready.append(following)


def _accumulate(variable: Tensor, grad: Tensor) -> None:
    assert (grad.shape, grad.device) == (variable.shape, variable.device)
    variable.grad = grad if variable.grad is None else variable.grad + grad
