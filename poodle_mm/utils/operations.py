"""Operations of a network, counted by fvcore's rule on tensors without numbers.

A multiply-add of a convolution or a matrix product is one operation, the two of attention among
them. A norm is 5 an element (a batch norm in evaluation 2), bilinear upsampling 4 a result, nearest
1, adaptive average pooling 1 an element that it reads. Activations, additions, biases and softmax
are free. So counts fvcore, and MMEngine's ``get_model_complexity_info``, which comes from it; these
two need a traced network, and know nothing of PyTorch's fused attention.
"""

import math
from collections.abc import Callable

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

RULE = "fvcore's rule: a multiply-add is one operation, a norm 5 an element"
_ADDS = 2  # torch counts the product and the sum of a multiply-add


def count_operations(network: nn.Module, size: tuple[int, int]) -> tuple[int, int]:
    """Count the operations of a forward pass of one image; nothing is computed.

    Args:
        network: Network of (N, 3, H, W) images, in training or evaluation; it moves to the device
            ``meta``, which empties it.
        size: (H, W) in pixels.

    Returns:
        All operations, and those of convolutions and matrix products alone.
    """
    network.to('meta')
    with torch.no_grad(), FlopCounterMode(display=False, custom_mapping=_RULES) as counter:
        network(torch.empty(1, 3, *size, device='meta'))
    found = counter.get_flop_counts()['Global']
    others = sum(count for operation, count in found.items() if operation in _COUNTED)
    every = counter.get_total_flops()
    return every // _ADDS, (every - others) // _ADDS


def _each_input(times: int) -> Callable[..., int]:
    def rule(shape, *args, out_shape=None, **kwargs) -> int:
        return _ADDS * times * math.prod(shape)

    return rule


def _each_output(times: int) -> Callable[..., int]:
    def rule(*args, out_shape=None, **kwargs) -> int:
        return _ADDS * times * math.prod(out_shape)

    return rule


def _batch_norm(shape, weight, bias, mean, variance, training, *args, **kwargs) -> int:
    return _ADDS * (5 if training else 2) * math.prod(shape)


_aten = torch.ops.aten
_COUNTED = {
    _aten.native_batch_norm: _batch_norm,
    _aten._native_batch_norm_legit: _batch_norm,
    _aten._native_batch_norm_legit_no_training: _each_input(2),
    _aten.native_layer_norm: _each_input(5),
    _aten.upsample_bilinear2d: _each_output(4),
    _aten.upsample_nearest2d: _each_output(1),
    _aten._adaptive_avg_pool2d: _each_input(1),
}
# an operation that is not found as an overload is taken apart before it is counted
_RULES = _COUNTED | {operation.default: rule for operation, rule in _COUNTED.items()}
