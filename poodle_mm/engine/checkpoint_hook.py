"""Checkpoints that are whole or absent, and never hold a broken number."""

import os
from pathlib import Path

from mmengine.fileio import LocalBackend, register_backend
from mmengine.hooks import CheckpointHook
from mmengine.model import is_model_wrapper
from mmengine.runner import BaseLoop, Runner

from poodle_mm.engine.resumable import (
    check_resumable,
    check_state_dict,
    find_resumable,
    non_finite,
)
from poodle_mm.engine.resume_changes import fit_to_run
from poodle_mm.engine.world import remember_world
from poodle_mm.registry import HOOKS

__all__ = [
    'AtomicCheckpointHook',
    'AtomicLocalBackend',
    'check_resumable',
    'check_state_dict',
    'find_resumable',
]


class AtomicLocalBackend(LocalBackend):
    """MMEngine's local files, written under a temporary name and then renamed."""

    def put(self, obj: bytes, filepath: str | Path) -> None:
        """Write bytes; whoever opens ``filepath`` finds the old or the new file, never a part."""
        path = Path(filepath)
        # One fixed name per checkpoint: what a killed run left is overwritten by the next one.
        temporary = path.with_name(f'.{path.name}.tmp')
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(temporary, 'wb') as file:
            file.write(obj)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)


register_backend('atomic_local', AtomicLocalBackend, force=True)


@HOOKS.register_module()
class AtomicCheckpointHook(CheckpointHook):
    """MMEngine's ``CheckpointHook`` for runs that may be killed at any moment.

    Checkpoints get their name once they are whole. One whose weights, averages or optimizer state
    are not finite is not written. Loading one that does not fit the model is an error that names
    the first tensor, where MMEngine logs a list and trains on.

    Args:
        max_keep_ckpts: As in ``CheckpointHook``, but not 1: MMEngine deletes the oldest
            checkpoint before it writes the next.
        backend_args: As in ``CheckpointHook``; default local files, written atomically.
        *args, **kwargs: As in ``CheckpointHook``.
    """

    def __init__(
        self,
        *args,
        max_keep_ckpts: int = -1,
        backend_args: dict | None = None,
        **kwargs,
    ) -> None:
        if max_keep_ckpts == 1:
            raise ValueError(
                'default_hooks.checkpoint.max_keep_ckpts=1 leaves no checkpoint while the next '
                'one is written: keep 2 or more'
            )
        super().__init__(
            *args,
            max_keep_ckpts=max_keep_ckpts,
            backend_args=backend_args or dict(backend='atomic_local'),
            **kwargs,
        )

    def before_train(self, runner: Runner) -> None:
        """Say so if the resumed run was at its end."""
        super().before_train(runner)
        if runner.iter >= runner.max_iters:
            runner.logger.warning(
                f'This run is finished: {runner.iter} of {runner.max_iters} iterations are done '
                'and nothing is left to train. To go on, raise train_cfg.max_epochs or max_iters '
                '(and the schedules)'
            )

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Add what an iteration is made of; refuse to write what one could not go on from.

        Raises:
            FloatingPointError: Naming the tensors, and the checkpoint to go on from.
        """
        broken = non_finite(checkpoint)
        if broken:
            clean = find_resumable(runner.work_dir)
            raise FloatingPointError(
                f'iteration {checkpoint["meta"]["iter"]}: {broken} after the last step, so that no '
                'checkpoint is written. Lower the learning rate, clip gradients '
                '(optim_wrapper.clip_grad) or train without --amp; '
                + (f'--resume goes on from {clean}' if clean else 'there is no earlier checkpoint')
            )
        remember_world(runner, checkpoint['meta'])

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Refuse weights of another architecture; when resuming, tell and follow other changes.

        Raises:
            ValueError: If a tensor has another shape than in the model, if none has a name of the
                model's, or, when resuming, if any is missing or left over, or if a change leaves
                undefined where the run stands (:func:`fit_to_run`).
        """
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        check_state_dict(
            model.state_dict(), checkpoint.get('state_dict', checkpoint), strict=runner._resume
        )
        if runner._resume and isinstance(runner._train_loop, BaseLoop):
            fit_to_run(runner, checkpoint)
