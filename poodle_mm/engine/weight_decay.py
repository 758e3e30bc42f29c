"""Weight decay on matrices and kernels only."""

from typing import Any, ClassVar

from mmengine.optim import DefaultOptimWrapperConstructor, OptimWrapper
from torch import nn

from poodle_mm.registry import OPTIM_WRAPPER_CONSTRUCTORS, OPTIM_WRAPPERS, OPTIMIZERS


@OPTIM_WRAPPER_CONSTRUCTORS.register_module()
class MatrixDecayConstructor(DefaultOptimWrapperConstructor):
    """Two groups of parameters: biases and one-dimensional ones without decay, the rest with it.

    As in the released code, group 0 has no decay, and both keep the order of
    ``named_parameters``. (MMEngine's ``paramwise_cfg`` can say the same, but makes a group of each
    parameter, which slows AdamW down.) Frozen parameters are left out.

    Args:
        optim_wrapper_cfg: Config of the optimizer wrapper, with ``optimizer``.
        paramwise_cfg: Not supported: the groups are fixed.

    Raises:
        ValueError: If ``paramwise_cfg`` is given.
    """

    FLAT: ClassVar[dict[str, Any]] = {}
    """Further options of the group without decay."""

    def __init__(self, optim_wrapper_cfg: dict, paramwise_cfg: dict | None = None) -> None:
        super().__init__(optim_wrapper_cfg)
        if paramwise_cfg:
            raise ValueError(
                f'{type(self).__name__} fixes the groups of parameters: leave paramwise_cfg out, '
                "or set optim_wrapper.constructor='DefaultOptimWrapperConstructor'"
            )

    def __call__(self, model: nn.Module) -> OptimWrapper:
        """Build the optimizer wrapper of a model."""
        flat, matrices = split_by_decay(model)
        groups = [dict(params=flat, weight_decay=0.0, **self.FLAT), dict(params=matrices)]
        optimizer = dict(self.optimizer_cfg, params=groups)
        wrapper = dict(self.optim_wrapper_cfg, optimizer=OPTIMIZERS.build(optimizer))
        wrapper.setdefault('type', 'OptimWrapper')
        return OPTIM_WRAPPERS.build(wrapper)


@OPTIM_WRAPPER_CONSTRUCTORS.register_module()
class LARSConstructor(MatrixDecayConstructor):
    """The same groups for ``mmpretrain.LARS``: biases and norms keep the rate of plain SGD.

    As in BYOL and PixPro. A constructor instead of mmpretrain's ``paramwise_cfg``, which finds
    norms by parts of their names and so misses those of our projectors.
    """

    FLAT: ClassVar[dict[str, Any]] = dict(lars_exclude=True)


def split_by_decay(model: nn.Module) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    """Trainable parameters without and with weight decay, in the order of ``named_parameters``."""
    groups: tuple[list[nn.Parameter], list[nn.Parameter]] = ([], [])
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            groups[parameter.ndim > 1 and not name.endswith('.bias')].append(parameter)
    return groups
