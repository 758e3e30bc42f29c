"""Drives the target network: one EMA step per optimizer step, over the full schedule."""

import math

from mmengine.hooks import Hook
from mmengine.runner import Runner

from poodle_mm.registry import HOOKS
from poodle_mm.utils.modules import bare_model


@HOOKS.register_module()
class TargetUpdateHook(Hook):
    """Update the target network after each optimizer step (PooDLe §3; BYOL's schedule).

    The momentum rises over the steps of the FULL schedule, also when training stops early
    (appendix A: 300 epochs, stopped at 100). Accumulated iterations count as one step, and so does
    the shorter last one, which MMEngine flushes at the end of training. The step count is a buffer
    of the model, so that a resumed run continues the same curve.

    Args:
        schedule_epochs: Length of the schedule in epochs of the train loop (passes over the
            dataloader, as in ``param_scheduler``).
        schedule_iters: The same in iterations, for loops without epochs. Without either the
            schedule ends where the train loop ends.

    Raises:
        ValueError: If both are given, or when training starts with a schedule that is shorter
            than the train loop.
    """

    def __init__(
        self, schedule_epochs: int | None = None, schedule_iters: int | None = None
    ) -> None:
        if schedule_epochs is not None and schedule_iters is not None:
            raise ValueError('TargetUpdateHook takes schedule_epochs or schedule_iters, not both')
        self.schedule_epochs = schedule_epochs
        self.schedule_iters = schedule_iters

    def before_train(self, runner: Runner) -> None:
        """Give the target network the number of optimizer steps of the full schedule."""
        iters = self.schedule_iters
        if self.schedule_epochs is not None:
            iters = self.schedule_epochs * len(runner.train_dataloader)
        if iters is None:
            iters = runner.max_iters
        if iters < runner.max_iters:
            raise ValueError(
                f'the schedule of TargetUpdateHook ends after {iters} iterations, before training '
                f'does ({runner.max_iters}): raise schedule_epochs or schedule_iters, or lower '
                'train_cfg.max_epochs or max_iters'
            )
        accumulation = runner.optim_wrapper._accumulative_counts
        bare_model(runner.model).target.total_steps = math.ceil(iters / accumulation)

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict, outputs: dict
    ) -> None:
        """One EMA step if this iteration ended in an optimizer step."""
        if not runner.optim_wrapper.should_update():
            return
        model = bare_model(runner.model)
        momentum = model.target.momentum_at(model.target.step_count)
        runner.message_hub.update_scalar('train/momentum', momentum)
        model.update_target()
