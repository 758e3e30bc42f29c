"""Layer-wise learning rates for a ViT inside a segmentor."""

from collections.abc import Callable
from functools import partial

from mmpretrain.engine.optimizers import LearningRateDecayOptimWrapperConstructor
from mmseg.registry import OPTIM_WRAPPER_CONSTRUCTORS
from torch import nn


@OPTIM_WRAPPER_CONSTRUCTORS.register_module()
class EncoderLayerDecayConstructor(LearningRateDecayOptimWrapperConstructor):
    """mmpretrain's layer-wise decay for models that hold the ViT under ``backbone``.

    A layer's rate is ``lr * layer_decay_rate ** (layers above it)``; heads and necks have ``lr``.
    """

    def add_params(
        self,
        params: list[dict],
        module: nn.Module,
        prefix: str = '',
        get_layer_depth: Callable | None = None,
        **kwargs,
    ) -> None:
        if get_layer_depth is None:
            get_layer_depth = partial(module.backbone.get_layer_depth, prefix='backbone.')
        super().add_params(params, module, prefix, get_layer_depth, **kwargs)
