"""Leaves a part of the model as it is while training starts."""

from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch.optim import Optimizer

from poodle_mm.engine.world import by_epoch
from poodle_mm.registry import HOOKS
from poodle_mm.utils.modules import bare_model


@HOOKS.register_module()
class FreezeHook(Hook):
    """Withhold the gradients of a part from the optimizer's first steps (DINO: its prototypes).

    The part still has gradients, so that those of all processes are exchanged as always and the
    norm by which they are clipped is the whole model's.

    Args:
        part: Name of a submodule of the model.
        end: Epochs of the train loop, or iterations, without a step of the part.
        by_epoch: Count epochs.

    Raises:
        ValueError: When training starts, if the model has no such part, or the loop no epochs.
    """

    def __init__(self, part: str = 'head.last_layer', end: int = 1, by_epoch: bool = True) -> None:
        self.part = part
        self.end = end
        self.by_epoch = by_epoch

    def before_train(self, runner: Runner) -> None:
        """Look at each step of the optimizer before it is taken."""
        if self.by_epoch and not by_epoch(runner):
            raise ValueError(
                f'FreezeHook counts epochs, of which this train loop has none: {self.part} would '
                'never begin. Set by_epoch=False and end to iterations'
            )
        try:
            parameters = list(bare_model(runner.model).get_submodule(self.part).parameters())
        except AttributeError as error:
            raise ValueError(f'FreezeHook: the model has no part {self.part!r}') from error

        def withhold(optimizer: Optimizer, *_: object) -> None:
            if (runner.epoch if self.by_epoch else runner.iter) < self.end:
                for parameter in parameters:
                    parameter.grad = None

        self._handle = runner.optim_wrapper.optimizer.register_step_pre_hook(withhold)

    def after_train(self, runner: Runner) -> None:
        """Let the optimizer go."""
        self._handle.remove()
