"""Which module's output, or gradient, is the first that is not finite."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn


@dataclass
class FiniteTrace:
    """What a forward and a backward pass met.

    Attributes:
        outputs: Modules whose output is not finite, in the order in which they ran.
        gradients: Modules the gradient of whose output is not finite, in the order in which the
            gradients came: from the losses backwards.
        modules: Number of outputs that were looked at.
    """

    outputs: list[str]
    gradients: list[str]
    modules: int = 0

    def described(self) -> list[str]:
        """A line for the outputs and one for the gradients."""
        return [
            f'{what}: all finite'
            if not names
            else f'{what}: the first that is not finite is of {names[0]} '
            f'({len(names)} in all; looked at {self.modules} outputs)'
            for what, names in (
                ("modules' outputs", self.outputs),
                ('gradients of these, from the loss backwards', self.gradients),
            )
        ]


@contextmanager
def tracing(model: nn.Module) -> Iterator[FiniteTrace]:
    """Look at every module's output and at the gradient that reaches it; change neither.

    A module that contains others is done after them, so that the first name is the innermost.
    """
    trace = FiniteTrace([], [])
    handles = []

    def look(name: str, found: Any) -> None:
        for tensor in _tensors(found):
            trace.modules += 1
            if not tensor.isfinite().all():
                trace.outputs.append(name)
            if tensor.requires_grad:
                tensor.register_hook(lambda gradient: look_back(name, gradient))

    def look_back(name: str, gradient: Tensor) -> None:
        if not gradient.isfinite().all():
            trace.gradients.append(name)

    for name, module in model.named_modules():
        if name:
            handles.append(
                module.register_forward_hook(
                    lambda _module, _inputs, found, name=name: look(name, found)
                )
            )
    try:
        yield trace
    finally:
        for handle in handles:
            handle.remove()


def _tensors(content: Any) -> Iterator[Tensor]:
    if isinstance(content, Tensor):
        if content.is_floating_point():
            yield content
    elif isinstance(content, (list, tuple)):
        for part in content:
            yield from _tensors(part)
    elif isinstance(content, dict):
        for part in content.values():
            yield from _tensors(part)
