"""Hooks that make sure of what is loaded and what stays frozen downstream."""

from collections.abc import Sequence

import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import Tensor

from poodle_mm.checkpoints.encoder_checkpoint import check_pretrained
from poodle_mm.checkpoints.state_dict import check_state
from poodle_mm.registry import HOOKS
from poodle_mm.utils.modules import bare_model


@HOOKS.register_module()
class StrictLoadHook(Hook):
    """Every part with ``init_cfg=dict(type='Pretrained', ...)`` got every key from its file.

    MMEngine logs keys that are missing or of another shape and trains on.

    Raises (before training, or when a whole checkpoint is loaded for testing):
        ValueError: Listing the keys.
    """

    priority = 'HIGHEST'

    def before_train(self, runner: Runner) -> None:
        fresh = not runner._resume and runner._load_from is None  # else values may have moved on
        for name, module in bare_model(runner.model).named_modules():
            check_pretrained(module, name, equal=fresh)

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        state = checkpoint.get('state_dict', checkpoint)
        check_state(bare_model(runner.model), state, runner._load_from or 'the checkpoint')


@HOOKS.register_module()
class FrozenPartsHook(Hook):
    """The named parts of a model are frozen: no gradient, eval mode, not a bit changes.

    Args:
        parts: Dotted names in the model, e.g. ``['backbone', 'roi_head.shared_head']``.

    Raises (at the first iteration, or after the last):
        ValueError: Naming the part and its parameters or buffers.
    """

    def __init__(self, parts: Sequence[str]) -> None:
        self.parts = list(parts)

    def before_train(self, runner: Runner) -> None:
        """Refuse parts that would learn; keep a copy of the others."""
        for name in self.parts:
            part = bare_model(runner.model).get_submodule(name)
            trained = [key for key, p in part.named_parameters() if p.requires_grad]
            if trained:
                raise ValueError(
                    f'model.{name} must be frozen here, but {len(trained)} of its parameters would '
                    f'be trained ({", ".join(trained[:3])} ...): a ResNet wants frozen_stages=4, a '
                    'SpatialDecoderModule or shared head frozen=True'
                )
        self.before = self._states(runner)

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict | None = None
    ) -> None:
        """Batch norm in train mode would use, and change, statistics of the batch."""
        for name in self.parts:
            part = bare_model(runner.model).get_submodule(name)
            training = [k for k, m in part.named_modules() if m.training and list(m.buffers(False))]
            if training:
                raise ValueError(
                    f'model.{name} must be frozen here, but {training[0]} is in train mode: a '
                    'ResNet wants norm_eval=True'
                )

    def after_train(self, runner: Runner) -> None:
        after = self._states(runner)
        changed = [k for k, value in self.before.items() if not torch.equal(value, after[k])]
        if changed:
            raise ValueError(f'frozen weights or buffers changed during training: {changed[:5]}')

    def _states(self, runner: Runner) -> dict[str, Tensor]:
        model = bare_model(runner.model)
        return {
            f'{name}.{key}': value.detach().cpu().clone()
            for name in self.parts
            for key, value in model.get_submodule(name).state_dict().items()
        }
