"""Target network: exponential moving average with BYOL's cosine momentum."""

import math

import torch
from mmengine.model import BaseAveragedModel
from torch import nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

from poodle_mm.registry import MODELS


@MODELS.register_module()
class CosineMomentumEMA(BaseAveragedModel):
    """EMA of parameters whose momentum rises from ``momentum`` to 1 over ``total_steps``.

    ``m(k) = 1 - (1 - momentum) * (cos(pi k / K) + 1) / 2`` before update k = 0, 1, …; K counts
    the optimizer steps of the FULL schedule, also when training stops early (appendix A). Unlike
    MMEngine's averages, the first update averages too, and the target keeps batch statistics of
    its own: its buffers are never copied from the online network.

    Args:
        model: Online network; its parameters are copied.
        momentum: Momentum of the first step; 1 minus what mmpretrain's ``CosineEMA`` calls so.
        total_steps: K. ``TargetUpdateHook`` sets it when training starts.
    """

    def __init__(
        self, model: nn.Module, momentum: float = 0.996, total_steps: int | None = None
    ) -> None:
        super().__init__(model)
        if not 0 <= momentum <= 1:
            raise ValueError(f'target momentum must lie in [0, 1], got {momentum}')
        self.momentum = momentum
        self.total_steps = total_steps
        self._counted: tuple[torch.Tensor, int, int] | None = None

    @property
    def step_count(self) -> int:
        """Updates so far: ``int(steps)``, read from the device only after others changed it.

        The buffer is the truth, so that a checkpoint continues the count; its version tells
        whether anyone but :meth:`update_parameters` wrote to it.
        """
        known = self._counted
        if known is None or known[0] is not self.steps or known[1] != self.steps._version:
            self._counted = known = self.steps, self.steps._version, int(self.steps)
        return known[2]

    def momentum_at(self, step: int) -> float:
        """Momentum of update number ``step`` (0-based, optimizer steps)."""
        if self.total_steps is None:
            raise RuntimeError(
                'the target network does not know how many steps the schedule has: add '
                "dict(type='TargetUpdateHook') to custom_hooks or set target.total_steps"
            )
        progress = min(step / self.total_steps, 1.0)
        return 1 - (1 - self.momentum) * (math.cos(math.pi * progress) + 1) / 2

    @torch.no_grad()
    def copy_parameters(self, model: nn.Module) -> None:
        """Make target and online weights equal (after initialisation)."""
        for average, source in zip(self.module.parameters(), model.parameters(), strict=True):
            average.copy_(source)

    @torch.no_grad()
    def update_parameters(self, model: nn.Module) -> None:
        """One EMA step: ``average = m * average + (1 - m) * model``."""
        step = self.step_count
        average = get_ema_multi_avg_fn(self.momentum_at(step))
        average(list(self.module.parameters()), list(model.parameters()), self.steps)
        self.steps += 1
        self._counted = self.steps, self.steps._version, step + 1
