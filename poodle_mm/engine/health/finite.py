"""Losses, gradients and weights that are not finite, found before they do damage."""

import math
from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn
from torch.optim import Optimizer


def broken_losses(outputs: Mapping[str, Tensor]) -> list[str]:
    """What is NaN or infinite among the losses of a step, each a clause, the total last."""
    names = sorted((name for name in outputs if 'loss' in name), key=lambda name: name == 'loss')
    losses = {name: outputs[name].item() for name in names}
    return [f'{name} is {loss}' for name, loss in losses.items() if not math.isfinite(loss)]


@torch.no_grad()
def broken_tensors(named: Iterable[tuple[str, Tensor | None]]) -> list[str]:
    """Names of the tensors that hold NaN or infinity.

    All are looked at in a few kernels, and one number is read back where all is well.

    Args:
        named: Names and tensors; None and integers are left out.
    """
    tensors = {
        name: tensor.detach()
        for name, tensor in named
        if tensor is not None and tensor.is_floating_point() and tensor.numel()
    }
    if not tensors:
        return []
    # the largest entries: unlike a sum of squares they overflow only where an entry has
    largest = torch._foreach_norm(list(tensors.values()), math.inf)
    if torch.stack([x.float() for x in largest]).isfinite().all():
        return []
    return [name for name, tensor in tensors.items() if not tensor.isfinite().all()]


class StepGuard:
    """Withholds a step of the optimizer whose gradients are not finite.

    The weights stay those with which the batch was run. The steps that a ``GradScaler`` leaves out
    by itself, to lower its scale, are none that it sees.

    Attributes:
        broken: Names of the gradients that were not finite in a step that was withheld.
    """

    def __init__(self, optimizer: Optimizer, model: nn.Module) -> None:
        self.broken: list[str] = []
        self._named = list(model.named_parameters())
        self._handle = optimizer.register_step_pre_hook(self._look)

    def close(self) -> None:
        """Let the optimizer go."""
        self._handle.remove()

    def _look(self, optimizer: Optimizer, *_: object) -> None:
        if getattr(optimizer, 'found_inf', None) is not None:
            return  # a fused optimizer, which leaves the step out itself
        self.broken = broken_tensors((name, p.grad) for name, p in self._named)
        if self.broken:
            for _, parameter in self._named:
                parameter.grad = None
