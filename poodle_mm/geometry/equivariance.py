"""The dense objective: features follow the flow (PooDLe §3; FlowE's flow equivariance)."""

from typing import NamedTuple

import torch
from torch import Tensor

from poodle_mm.geometry.affine import apply_affine
from poodle_mm.geometry.cosine_distance import (
    cosine_distance_blocked,
    cosine_distance_plain,
    cosine_distance_static,
)
from poodle_mm.geometry.warp import inside, pixel_grid

# Side of a block in cells. On a CPU the dot products of a block should stay in the cache; elsewhere
# few large kernels are better than many small ones (with static=False).
BLOCK_CELLS = {'cpu': 16}
BLOCK_CELLS_ELSEWHERE = 64

MEANS = ('valid', 'all')


class EquivarianceLoss(NamedTuple):
    """Result of :func:`flow_equivariance_loss`."""

    loss: Tensor  # () float32, in [0, 4]
    valid_share: Tensor  # (B,) float32, share of the crop's pixels that took part
    samples: Tensor  # (B,) losses of which ``loss`` is the mean, without gradient


def flow_equivariance_loss(
    online: Tensor,
    target: Tensor,
    affine_online: Tensor,
    affine_target: Tensor,
    flow: Tensor,
    visible: Tensor,
    stride: int,
    blocked: bool = True,
    unwarped: bool = False,
    mean_over: str = 'valid',
    static: bool | None = None,
) -> EquivarianceLoss:
    """Dense loss of one direction, frame a (online) to frame b (target network).

    For each pixel x of the crop of frame a, ``y = x + F(x)`` and

        ``L = mean over valid x of |n(Q(A1 x)) - n(P(A2 y))|^2 = 2 - 2 cos``,

    with A1, A2 the affine maps of the two dense views, Q and P read bilinearly at full resolution
    and n the L2 normalisation over channels AFTER the look-up. A pixel is valid if it is visible
    and A1 x and A2 y lie inside their views; points beyond the outermost cell centre read the
    border. The mean is over the valid pixels of a sample, then over the batch; a sample without
    any counts 0. A look-up that is exactly zero has cosine 0.

    PooDLe §3 writes q(A1^-1 p), un-warp, then predict, then upsample. Here the predictor has run on
    the feature grid, and un-warp, upsampling and flow-warp are ONE bilinear look-up: an
    approximation of the chained interpolations, not the same number. It needs no tensor of
    H x W x C, see :mod:`poodle_mm.geometry.cosine_distance`.

    The arithmetic is float32 (float64 if a map is), also under autocast. With
    ``torch.backends.cuda.matmul.allow_tf32`` the dot products lose the usual 1e-3.

    Args:
        online: (B, C, h, w) predictor output on the feature grid of view 1, h = H1 / stride.
        target: (B, C, h2, w2) target network's projections on the feature grid of view 2.
        affine_online: (B, 2, 3) crop pixel of frame a to pixel of view 1.
        affine_target: (B, 2, 3) crop pixel of frame b to pixel of view 2.
        flow: (B, 2, H, W) from a to b, pixels of the crop.
        visible: (B, H, W) bool, the pixel of a lands inside b and is not occluded there.
        stride: Pixels per cell of the feature grids.
        blocked: False upsamples both maps to every pixel: the plain path, equal up to rounding.
        unwarped: Both maps already lie on the grids of the crops, the affine maps undone: they are
            read at x and y. What is valid stays the same.
        mean_over: ``'valid'`` pixels of a sample, or ``'all'`` H x W of them (Eq. 1's 1 / HW).
        static: In the blocked path, no shapes that depend on data. Equal up to rounding; None: on
            all devices but the CPU.

    Returns:
        The loss, with gradients for ``online`` and ``target``, the share of valid pixels, and the
        losses of the samples.

    Raises:
        ValueError: If the shapes do not belong together.
    """
    (batch, channels), size = online.shape[:2], flow.shape[-2:]
    for name, tensor, shape in (
        ('target', target, (batch, channels, *target.shape[2:])),
        ('affine_online', affine_online, (batch, 2, 3)),
        ('affine_target', affine_target, (batch, 2, 3)),
        ('flow', flow, (batch, 2, *size)),
        ('visible', visible, (batch, *size)),
    ):
        if tensor.shape != shape:
            raise ValueError(f'{name} has shape {tuple(tensor.shape)}, expected {shape}')
    if mean_over not in MEANS:
        raise ValueError(f'mean_over must be one of {MEANS}, got {mean_over!r}')
    if static is None:
        static = flow.device.type != 'cpu'
    x = pixel_grid(size, flow.device, flow.dtype)
    with torch.no_grad():
        y = x + flow.movedim(1, -1)
        points_online = apply_affine(affine_online, x[None])
        points_target = apply_affine(affine_target, y)
        valid = visible & inside(points_online, _view_size(online, stride))
        valid &= inside(points_target, _view_size(target, stride))
        counts = valid.sum((1, 2))
        if unwarped:
            points_online, points_target = x.expand_as(y), y

    dtype = torch.promote_types(torch.promote_types(online.dtype, target.dtype), torch.float32)
    with torch.autocast(flow.device.type, enabled=False):
        arguments = (
            online.to(dtype),
            target.to(dtype),
            ((points_online + 0.5) / stride - 0.5).to(dtype),
            ((points_target + 0.5) / stride - 0.5).to(dtype),
            valid,
        )
        if blocked and static:
            distance = cosine_distance_static(*arguments)
        elif blocked:
            block = stride * BLOCK_CELLS.get(flow.device.type, BLOCK_CELLS_ELSEWHERE)
            distance = cosine_distance_blocked(*arguments, block)
        else:
            distance = cosine_distance_plain(*arguments)
        number = counts.clamp(min=1) if mean_over == 'valid' else size[0] * size[1]
        samples = 2 * distance / number
        loss = samples.mean()
    return EquivarianceLoss(loss, counts / (size[0] * size[1]), samples.detach())


def _view_size(features: Tensor, stride: int) -> tuple[int, int]:
    return features.shape[-2] * stride, features.shape[-1] * stride
