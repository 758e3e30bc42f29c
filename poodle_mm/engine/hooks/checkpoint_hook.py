"""Checkpoints that are whole or absent, and never hold a broken number."""

from pathlib import Path

from mmengine.dist import is_main_process
from mmengine.fileio import LocalBackend, register_backend
from mmengine.hooks import CheckpointHook
from mmengine.runner import BaseLoop, Runner

from poodle_mm.checkpoints.state_dict import LEFT_OVER, MISSING, check_state, non_finite
from poodle_mm.engine.resumable import find_resumable
from poodle_mm.engine.resume_changes import fit_to_run
from poodle_mm.engine.stop_signal import StopSignal, outlive_stop
from poodle_mm.engine.world import by_epoch, can_skip, remember_world
from poodle_mm.registry import HOOKS
from poodle_mm.utils.files import replacing
from poodle_mm.utils.modules import bare_model


class AtomicLocalBackend(LocalBackend):
    """MMEngine's local files, each whole or absent."""

    def put(self, obj: bytes, filepath: str | Path) -> None:
        """Write bytes under a temporary name and rename the file."""
        path = Path(filepath)
        for left in path.parent.glob(f'.*.{path.name}'):  # by a run that was killed while writing
            left.unlink()
        with replacing(path, durable=True) as temporary, open(temporary, 'wb') as file:
            file.write(obj)


register_backend('atomic_local', AtomicLocalBackend, force=True)


@HOOKS.register_module()
class AtomicCheckpointHook(CheckpointHook):
    """MMEngine's ``CheckpointHook`` for runs that may be killed at any moment.

    Checkpoints get their name once they are whole. One whose weights, averages or optimizer state
    are not finite is not written. Loading one that does not fit the model is an error that lists
    the tensors; MMEngine logs them and trains on.

    After SIGTERM the iteration is finished (with accumulation: the optimizer step),
    ``stopped_iter_N.pth`` written, and the process ends with exit code 143; resuming goes on
    within the epoch. The next checkpoint replaces that file. Training by epochs with a sampler
    that cannot start within one stops without it.

    Args:
        max_keep_ckpts: Number of checkpoints to keep, -1 for all; not 1, because MMEngine deletes
            the oldest before it writes the next.
        backend_args: File backend; default local files, written atomically.
        args, kwargs: Other arguments of ``CheckpointHook``.
    """

    def __init__(
        self, *args, max_keep_ckpts: int = -1, backend_args: dict | None = None, **kwargs
    ) -> None:
        if max_keep_ckpts == 1:
            raise ValueError(
                'default_hooks.checkpoint.max_keep_ckpts=1 leaves no checkpoint while the next '
                'one is written: keep 2 or more'
            )
        backend_args = backend_args or dict(backend='atomic_local')
        super().__init__(*args, max_keep_ckpts=max_keep_ckpts, backend_args=backend_args, **kwargs)

    def before_run(self, runner: Runner) -> None:
        """Have SIGTERM given back also when training fails; MMEngine has no hook for that."""
        super().before_run(runner)
        self._stop, self._stopping = StopSignal(), False
        loop = runner._train_loop
        if not isinstance(loop, BaseLoop):
            return
        run = loop.run

        def run_and_give_back():
            try:
                return run()
            except BaseException as error:
                if not isinstance(error, SystemExit):  # a launcher may repeat the signal
                    self._stop.close()
                raise

        loop.run = run_and_give_back

    def before_train(self, runner: Runner) -> None:
        """Listen to SIGTERM; say so if the resumed run was at its end."""
        super().before_train(runner)
        self._stop.start()
        outlive_stop(runner.train_dataloader)
        if runner.iter >= runner.max_iters:
            runner.logger.warning(
                f'This run is finished: {runner.iter} of {runner.max_iters} iterations are done '
                'and nothing is left to train. To go on, raise train_cfg.max_epochs or max_iters '
                '(and the schedules)'
            )

    def before_train_epoch(self, runner: Runner) -> None:
        """Skip what was done of an epoch within which the run was stopped.

        Raises:
            ValueError: If the sampler cannot start within an epoch.
        """
        if not by_epoch(runner):
            return  # MMEngine's loop does it
        loader = runner.train_dataloader
        if done := runner.iter - runner.epoch * len(loader):
            if not can_skip(runner):
                raise ValueError(
                    f'train_dataloader.sampler: {type(loader.sampler).__name__} cannot start '
                    'within an epoch, where this run was stopped. Resume from the last epoch_*.pth'
                )
            loader.sampler.skip(done * loader.batch_size)

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict, outputs: dict
    ) -> None:
        """Save every so often, and stop if SIGTERM came."""
        super().after_train_iter(runner, batch_idx, data_batch, outputs)
        self._stopping |= self._stop.requested()
        done = runner.iter + 1
        ends_epoch = by_epoch(runner) and done % len(runner.train_dataloader) == 0
        if (
            self._stopping
            and runner.optim_wrapper.should_update()
            and not ends_epoch  # saved below
            and done < runner.max_iters
        ):
            name = None
            if not by_epoch(runner) or can_skip(runner):
                name = f'stopped_iter_{done}.pth'
                options = dict(by_epoch=False, backend_args=self.backend_args)
                runner.save_checkpoint(self.out_dir, name, **options)
            self._leave(runner, done, name)

    def after_train_epoch(self, runner: Runner) -> None:
        """Save every so many epochs, or if SIGTERM came, and then stop."""
        super().after_train_epoch(runner)
        if self._stopping and by_epoch(runner) and not self.is_last_train_epoch(runner):
            name = f'epoch_{runner.epoch + 1}.pth'
            if not (Path(self.out_dir) / name).exists():
                runner.save_checkpoint(self.out_dir, name, backend_args=self.backend_args)
            self._leave(runner, runner.iter, name)

    def _leave(self, runner: Runner, done: int, name: str | None) -> None:
        how = 'this sampler cannot start within an epoch: resume from the last checkpoint'
        if name:
            how = f'{Path(self.out_dir) / name} is written and --resume goes on from it'
        runner.logger.warning(
            f'Stopped by SIGTERM after {done} of {runner.max_iters} iterations; {how}'
        )
        runner.call_hook('before_leaving')
        self._stop.leave()

    def after_train(self, runner: Runner) -> None:
        """Give SIGTERM back."""
        super().after_train(runner)
        self._stop.close()

    def _save_checkpoint_with_step(self, runner: Runner, step: int, meta: dict) -> None:
        super()._save_checkpoint_with_step(runner, step, meta)
        if is_main_process():
            for path in Path(self.out_dir).glob('stopped_iter_*.pth'):
                path.unlink(missing_ok=True)

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Add what an iteration is made of; refuse to write what one could not go on from.

        Raises:
            FloatingPointError: Naming the tensors, and the checkpoint to go on from.
        """
        if broken := non_finite(checkpoint):
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

        A model with ``rename_weights(state_dict, file)`` gives foreign files its own names first.

        Raises:
            ValueError: If a tensor has another shape than in the model, if none has a name of the
                model's, or, when resuming, if any is missing or left over, or if a change leaves
                undefined where the run stands (:func:`fit_to_run`).
        """
        model, source = bare_model(runner.model), runner._load_from or 'the checkpoint'
        if hasattr(model, 'rename_weights') and not runner._resume:
            state = model.rename_weights(checkpoint.get('state_dict', checkpoint), source)
            checkpoint['state_dict'] = state
        check_state(
            model,
            checkpoint.get('state_dict', checkpoint),
            source,
            allow=() if runner._resume else (MISSING, LEFT_OVER),
            hint='Is it a run of another depth, width or method?',
        )
        if runner._resume and isinstance(runner._train_loop, BaseLoop):
            _forget_best(checkpoint, runner.work_dir)
            fit_to_run(runner, checkpoint)


def _forget_best(checkpoint: dict, work_dir: str) -> None:
    """Leave out best checkpoints that lie elsewhere: MMEngine deletes them for a better one."""
    info = checkpoint['message_hub'].get('runtime_info', {})
    for key in [key for key in info if str(key).startswith('best_ckpt')]:
        if Path(str(info[key])).resolve().parent != Path(work_dir).resolve():
            del info[key]
