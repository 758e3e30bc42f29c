"""Centre of the teacher's outputs: what keeps one prototype from winning."""

import torch
from mmengine.dist import all_reduce
from torch import Tensor, nn


class Centre(nn.Module):
    """Moving average of a teacher's outputs over batches and processes (DINO, Eq. 4).

    Args:
        channels: Outputs, K.
        momentum: Weight of the average so far.

    Attributes:
        value: (K,) float32 buffer, zeros at first.
    """

    value: Tensor

    def __init__(self, channels: int, momentum: float = 0.9) -> None:
        super().__init__()
        self.momentum = momentum
        self.register_buffer('value', torch.zeros(channels))

    @torch.no_grad()
    def update(self, logits: Tensor) -> None:
        """One step; call it after the loss of the same outputs.

        Args:
            logits: (..., K) of this process's batch, of as many samples as the others'.
        """
        mean = logits.float().flatten(0, -2).mean(dim=0)
        all_reduce(mean, op='mean')
        self.value.lerp_(mean, 1 - self.momentum)
