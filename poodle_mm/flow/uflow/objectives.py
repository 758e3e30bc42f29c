"""The objectives of UFlow's training, each of both directions at once.

Tensors hold both directions of B pairs: 2B images or flows, frames t first. ``other`` turns them
round.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from poodle_mm.flow.uflow.estimator import scale_flow, upsample_flow
from poodle_mm.geometry.census import census_distance
from poodle_mm.geometry.consistency import consistency
from poodle_mm.geometry.occlusion import visible_mask
from poodle_mm.geometry.range_map import range_map
from poodle_mm.geometry.robust import charbonnier, masked_mean, robust_power
from poodle_mm.geometry.ssim import weighted_ssim
from poodle_mm.geometry.warp import inside, pixel_grid

CENSUS_BORDER = 3  # pixels; half of a window of 7
OCCLUSIONS = ('forward_backward', 'wang')


def other(x: Tensor) -> Tensor:
    """The same of the other frames or of the way back."""
    return x.roll(len(x) // 2, dims=0)


@torch.no_grad()
def visibility(flow: Tensor, kind: str | None, alpha1: float = 0.01, alpha2: float = 0.5) -> Tensor:
    """How visible each pixel is in the other frame, without gradient.

    Args:
        flow: (2B, 2, H, W) pixels.
        kind: ``'forward_backward'`` (:func:`visible_mask`), ``'wang'`` (:func:`range_map`), or
            None: what lands inside the frame.
        alpha1, alpha2: Tolerances of ``'forward_backward'``.

    Returns:
        (2B, H, W) in [0, 1]; 0 where a pixel leaves the frame.
    """
    flow = flow.detach()
    if kind == 'forward_backward':
        return visible_mask(flow, other(flow), alpha1, alpha2).to(flow.dtype)
    size = flow.shape[-2:]
    points = pixel_grid(size, flow.device, flow.dtype) + flow.movedim(1, -1)
    landed = inside(points, size).to(flow.dtype)
    return landed * range_map(other(flow)).clamp(max=1) if kind == 'wang' else landed


def census_loss(images: Tensor, warped: Tensor, mask: Tensor) -> Tensor:
    """Robust census distance of what is seen, without a border of three pixels.

    Args:
        images: (2B, 3, H, W) in [0, 1].
        warped: Images of the other frames, warped onto them.
        mask: (2B, H, W) in [0, 1].
    """
    distance = robust_power(census_distance(images, warped, 2 * CENSUS_BORDER + 1))
    inner = slice(CENSUS_BORDER, -CENSUS_BORDER)
    return masked_mean(distance, mask[:, inner, inner])


def ssim_loss(images: Tensor, warped: Tensor, mask: Tensor) -> Tensor:
    """Dissimilarity of what is seen; the arguments are those of :func:`census_loss`."""
    error, weight = weighted_ssim(images, warped, mask)
    return masked_mean(error.mean(1), weight)


def endpoint_loss(
    flows: Sequence[Tensor],
    truth: Tensor,
    visible: Tensor | None = None,
    coarse: float = 0.25,
    limit: float = 400.0,
    hidden: float = 0.2,
) -> Tensor:
    """Endpoint error against exact flow: of the last flow, and less of those before it.

    Args:
        flows: (2B, 2, h, w) of several grids, in their cells, the last one counts fully.
        truth: (2B, 2, H, W) pixels.
        visible: (2B, H, W) bool: seen in the other frame; None: all.
        coarse: Weight of each of the others, whose truth is averaged over their cells.
        limit: Pixels; longer motion and what is not finite does not count.
        hidden: Weight of the pixels that are not visible.

    Returns:
        Scalar, pixels of the H x W grid.
    """
    size = truth.shape[-2:]
    known = truth.isfinite().all(1) & (truth.square().sum(1) <= limit**2)
    weight = known.to(truth.dtype)
    if visible is not None:
        weight = torch.where(visible, weight, hidden * weight)
    truth = torch.where(known[:, None], truth, 0)
    loss = masked_mean(_length(upsample_flow(flows[-1], size) - truth), weight)
    if not coarse:
        return loss
    for flow in flows[:-1]:
        grid = flow.shape[-2:]
        share = F.adaptive_avg_pool2d(weight[:, None], grid)
        pooled = F.adaptive_avg_pool2d(truth * weight[:, None], grid) / share.clamp(min=1e-6)
        scaled = scale_flow(flow, size[1] / grid[1], size[0] / grid[0])
        loss = loss + coarse * masked_mean(_length(scaled - pooled), share[:, 0])
    return loss


def _length(vectors: Tensor) -> Tensor:
    """(B, H, W) of (B, 2, H, W); on CPUs several times faster than ``norm``, whose slope at zero
    is undefined."""
    return (vectors.square().sum(1) + 1e-6).sqrt()


def centre_crop(x: Tensor, margins: tuple[int, int]) -> Tensor:
    """Cut (rows, columns) off each side and resize to what it was; values stay."""
    (top, left), (height, width) = margins, x.shape[-2:]
    cut = x[..., top : height - top, left : width - left]
    return F.interpolate(cut, (height, width), mode='bilinear')


def distillation_loss(
    student: Tensor,
    teacher: Tensor,
    margins: tuple[int, int],
    sigma_student: float,
    sigma_teacher: float,
) -> Tensor:
    """Flow of a crop against that of the whole image, where only the latter returns to its start.

    What the crop cuts off hides the way of the pixels at its border from the student.

    Args:
        student: (2B, 2, h, w) of crops that were resized to the image's size, in cells.
        teacher: (2B, 2, h, w) of the images; no gradient passes into it.
        margins: Cells that the crop cuts off each side: rows, columns.
        sigma_student, sigma_teacher: See :func:`consistency`.
    """
    teacher = teacher.detach()
    height, width = teacher.shape[-2:]
    grown = (width / (width - 2 * margins[1]), height / (height - 2 * margins[0]))
    target = scale_flow(centre_crop(teacher, margins), *grown)
    trusted = consistency(teacher, other(teacher), sigma_teacher)[:, None]
    lost = 1 - consistency(student, other(student), sigma_student)
    mask = centre_crop(trusted, margins)[:, 0] * lost
    return masked_mean(charbonnier(student - target).mean(1), mask)
