"""Mixed precision in bfloat16, on GPUs and on CPUs."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from mmengine.device import get_device
from mmengine.optim import OptimWrapper
from torch import nn

from poodle_mm.registry import OPTIM_WRAPPERS


@OPTIM_WRAPPERS.register_module()
class BFloat16OptimWrapper(OptimWrapper):
    """MMEngine's ``OptimWrapper`` with the forward pass under autocast to bfloat16.

    bfloat16 has the range of float32, so that no loss scale is needed; MMEngine's
    ``AmpOptimWrapper`` scales the loss and refuses to run on CPUs. Weights, optimizer, target
    network, views, flow and the dense loss stay float32; convolutions and linear layers do not.
    It pays on GPUs since Ampere and on CPUs with AMX or AVX-512 BF16; elsewhere it is slower.
    """

    @contextmanager
    def optim_context(self, model: nn.Module) -> Iterator[None]:
        """The context of ``OptimWrapper`` (no gradient exchange while accumulating), autocast."""
        with super().optim_context(model), torch.autocast(get_device(), torch.bfloat16):
            yield
