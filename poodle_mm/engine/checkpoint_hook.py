"""Checkpoints that are whole or absent, and resuming from the last whole one."""

import logging
import os
from pathlib import Path

import torch
from mmengine.fileio import LocalBackend, register_backend
from mmengine.hooks import CheckpointHook
from mmengine.logging import print_log
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from poodle_mm.registry import HOOKS

_RESUMABLE = ('meta', 'state_dict', 'optimizer', 'message_hub')


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

    Checkpoints get their name once they are whole. Loading one that does not fit the model is an
    error that names the first tensor, where MMEngine logs a list and trains on.

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

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Refuse weights of another architecture.

        Raises:
            ValueError: If a tensor has another shape than in the model, if none has a name of the
                model's, or, when resuming, if any is missing or left over.
        """
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        check_state_dict(
            model.state_dict(), checkpoint.get('state_dict', checkpoint), strict=runner._resume
        )


def check_state_dict(
    expected: dict[str, torch.Tensor], found: dict[str, torch.Tensor], strict: bool
) -> None:
    """Compare a checkpoint's tensors with a model's.

    Args:
        expected: The model's state dict.
        found: The checkpoint's; a prefix ``module.`` is ignored.
        strict: Also refuse missing and left-over tensors.

    Raises:
        ValueError: Naming the first tensor that does not fit.
    """
    found = {name.removeprefix('module.'): tensor for name, tensor in found.items()}
    common = [name for name in expected if name in found]
    for name in common:
        if expected[name].shape != found[name].shape:
            raise ValueError(
                f'the checkpoint does not fit the model: {name} is {tuple(found[name].shape)} in '
                f'the checkpoint and {tuple(expected[name].shape)} in the model (another depth '
                'or width?)'
            )
    different = sorted(expected.keys() ^ found.keys())
    if not common or (strict and different):
        where = 'checkpoint' if different[0] in found else 'model'
        raise ValueError(
            f'the checkpoint does not fit the model: {len(different)} tensors are in only one of '
            f'the two, the first is {different[0]} (only in the {where})'
        )


def check_resumable(path: str | Path) -> None:
    """Read a local checkpoint's structure (not its tensors) to see that training can go on.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is damaged, or holds weights without training state.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f'checkpoint {path} does not exist')
    try:
        checkpoint = torch.load(path, map_location='cpu', mmap=True, weights_only=False)
    except Exception as error:  # torch raises many kinds for damaged files
        raise ValueError(
            f'checkpoint {path} is damaged and cannot be resumed from '
            f'({str(error).splitlines()[0]}): resume from an earlier one'
        ) from error
    missing = [key for key in _RESUMABLE if key not in checkpoint]
    if missing:
        raise ValueError(
            f'checkpoint {path} has no {missing[0]}: it holds weights, not the state of a run. '
            'Load it with load_from instead of resuming'
        )


def find_resumable(work_dir: str | Path) -> str | None:
    """Newest checkpoint in ``work_dir`` that training can go on from, or None.

    Unlike MMEngine's ``find_latest_checkpoint`` it does not trust the file ``last_checkpoint``,
    which a killed run may leave empty, and passes over damaged files with a warning.
    """
    files = Path(work_dir).glob('*.pth')
    for path in sorted(files, key=lambda path: path.stat().st_mtime_ns, reverse=True):
        try:
            check_resumable(path)
        except ValueError as error:
            print_log(
                f'Passed over while resuming: {error}', logger='current', level=logging.WARNING
            )
            continue
        return str(path)
    return None
