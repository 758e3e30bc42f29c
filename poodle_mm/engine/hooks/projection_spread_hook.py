"""Logs how far the projections of mmpretrain's methods are spread, which they do not log."""

from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import Tensor, nn

from poodle_mm.registry import HOOKS
from poodle_mm.utils.modules import bare_model


@HOOKS.register_module()
class ProjectionSpreadHook(Hook):
    """Add ``std_pool``, and ``std_dense`` where there are cells, to what a training step returns.

    For methods whose ``neck`` is a projector (BYOL, DenseCL): the spread of the online network's
    projections of an iteration's last view, see
    :func:`~poodle_mm.models.heads.projection.collapse_std`. ``HealthHook`` watches both.
    """

    priority = 'HIGHEST'  # before the outputs are logged, and watched

    def __init__(self) -> None:
        self._seen: tuple[Tensor, ...] = ()

    def before_train(self, runner: Runner) -> None:
        """Look at what the neck gives; copies of it, the target network's, stay as they are."""
        self._handle = bare_model(runner.model).neck.register_forward_hook(self._keep)

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict, outputs: dict
    ) -> None:
        """Add the spreads to ``outputs``."""
        from poodle_mm.models.heads.projection import collapse_std  # imports all of mmpretrain

        vectors, *cells = self._seen
        outputs['std_pool'] = collapse_std(vectors)
        if cells:
            outputs['std_dense'] = collapse_std(cells[0].transpose(1, 2).flatten(0, 1))

    def after_train(self, runner: Runner) -> None:
        """Stop looking."""
        self._handle.remove()
        self._seen = ()

    def _keep(self, _module: nn.Module, _inputs: tuple, found: tuple[Tensor, ...]) -> None:
        self._seen = tuple(x.detach() for x in found)
