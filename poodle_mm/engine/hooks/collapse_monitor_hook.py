"""Watches for collapse, empty valid masks and losses that are not finite."""

import math

from mmengine.hooks import Hook
from mmengine.runner import Runner

from poodle_mm.registry import HOOKS


@HOOKS.register_module()
class CollapseMonitorHook(Hook):
    """Warn, or stop, when the representation collapses or the dense loss sees hardly any pixels.

    ``std_dense`` and ``std_pool`` are about 1 for projections spread evenly over the sphere and 0
    when all are equal (SimSiam's statistic). Every ``interval`` iterations the average since the
    last look is compared with its limit; ``patience`` low ones in a row are reported, once until
    it recovers. A loss that is not finite always raises, before a checkpoint can keep the damage.

    Args:
        interval: Iterations between looks.
        min_std: Lower limit of both spreads. A collapse passes 0.1 on its way to 0.
        min_valid_share: Lower limit of ``valid_share``, the share of pixels with a visible
            counterpart. Below 0.05 the flow or the time gap is wrong, not the scene difficult.
        patience: Looks in a row that must be low.
        stop: Raise instead of warning.
        min_information: Lower limit of ``information`` and ``information_patch``, which are 0 where
            the outputs of DINO and iBOT are all uniform, and where they are all one prototype.

    Raises:
        FloatingPointError: During training, if a loss is NaN or infinite.
        RuntimeError: During training, on collapse with ``stop=True``.
    """

    def __init__(
        self,
        interval: int = 50,
        min_std: float = 0.1,
        min_valid_share: float = 0.05,
        patience: int = 5,
        stop: bool = False,
        min_information: float = 0.005,
    ) -> None:
        self.interval = interval
        self.patience = patience
        self.stop = stop
        self.limits = dict(
            std_dense=min_std,
            std_pool=min_std,
            valid_share=min_valid_share,
            information=min_information,
            information_patch=min_information,
        )
        self._low = dict.fromkeys(self.limits, 0)

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict, outputs: dict
    ) -> None:
        """Check this iteration's losses and, every ``interval``, the averages."""
        losses = {name: value.item() for name, value in outputs.items() if 'loss' in name}
        broken = [f'{name} is {loss}' for name, loss in losses.items() if not math.isfinite(loss)]
        if broken:
            raise FloatingPointError(
                f'iteration {runner.iter + 1}: {", ".join(broken)}. Lower the learning rate, clip '
                'gradients (optim_wrapper.clip_grad) or train without --amp, then go on from the '
                'last checkpoint with --resume'
            )
        if self.every_n_train_iters(runner, self.interval):
            for name in self.limits:
                if name in outputs:
                    history = runner.message_hub.get_scalar(f'train/{name}')
                    self._look(runner, name, float(history.mean(self.interval)))

    def _look(self, runner: Runner, name: str, average: float) -> None:
        limit = self.limits[name]
        self._low[name] = self._low[name] + 1 if average < limit else 0
        if self._low[name] != self.patience:
            return
        message = (
            f'{name} averages {average:.3g} at iteration {runner.iter + 1} and was below {limit} '
            f'{self.patience} times in a row: '
        )
        if name == 'valid_share':
            message += 'hardly any pixel has a visible counterpart: check flow, time gap and crops'
        elif name.startswith('information'):
            message += (
                'the teacher says the same of all images: check that it is updated, that its '
                'temperature (near uniform: lower it; one prototype: raise it) and its centre '
                'suit, and lower the learning rate'
            )
        else:
            message += (
                'the projections collapse to one point: check that the target network is '
                'updated, lower the learning rate or train with a larger batch'
            )
        if self.stop:
            raise RuntimeError(message)
        runner.logger.warning(message)
