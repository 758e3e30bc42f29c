"""Flow-informed subcrops: pairs of small crops about the same point (PooDLe §3)."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torchvision.ops import roi_align

from poodle_mm.geometry.boxes import (
    boxes_around,
    cell_grid,
    clamp_to_image,
    fitting_aspects,
    in_image,
    points_in_cells,
)
from poodle_mm.geometry.warp import warp_points
from poodle_mm.views.crop_resize import crop_resize

_DRAWS = 10  # in each cell, before the next cell is tried


class SubcropDraws(NamedTuple):
    """Everything random about the subcrops of one pair, or of a batch with B in front."""

    targets: Tensor  # (R, N, T, 2) pixels of frame t + Δ: T draws in each cell, in order of use
    jitter: Tensor  # (R, N, T, 2) pixels
    area: Tensor  # (2, K) fraction of the crop
    aspect: Tensor  # (2, K) width / height


class FlowSubcrops:
    """Pairs of boxes about corresponding points of the two frames.

    1. The crop is split into equal cells (:func:`~poodle_mm.geometry.boxes.cell_grid`). Cells are
       used in random order, none twice before all were used; then a new round starts.
    2. A centre is uniform in its cell of frame t + Δ. The flow t + Δ → t, read bilinearly there,
       takes it into frame t, where a jitter is added. This direction is deliberate (the paper's
       text names the other): only it finds the same point.
    3. Both centres must lie in the image. A cell has 10 draws for that; if all fail the next unused
       cell is taken. Only when no unused cell has a valid draw is the jitter left out, and when
       that does not help either, the centre in frame t is clamped to the image and the pair is
       flagged: it is a false positive.
    4. Each box has its own area and aspect. The aspect is log-uniform over the part of its range
       that fits into the image, which is the same as drawing until it fits. A box that sticks out
       is shifted inside.

    Args:
        num: K, pairs of subcrops; 0 switches them off.
        size: Side in pixels to which they are resized.
        area: Range of the area as a fraction of the crop, uniform; at most 0.5.
        aspect: Range of width / height in pixels.
        jitter: j; the jitter is uniform in ±j of the crop's width and height.

    Raises:
        ValueError: If a value is out of range; names the key.
    """

    def __init__(
        self,
        num: int = 6,
        size: int = 192,
        area: tuple[float, float] = (0.05, 0.3),
        aspect: tuple[float, float] = (3 / 4, 4 / 3),
        jitter: float = 0.1,
    ) -> None:
        if num < 0:
            raise ValueError(f'subcrops.num must be at least 0 (0: no pooled part), got {num}')
        if size < 1:
            raise ValueError(f'subcrops.size must be at least 1 pixel, got {size}')
        if not 0 < area[0] <= area[1] <= 0.5:
            raise ValueError(f'subcrops.area must be 0 < low <= high <= 0.5, got {area}')
        if not 0 < aspect[0] <= aspect[1]:
            raise ValueError(f'subcrops.aspect must be 0 < low <= high, got {aspect}')
        if jitter < 0:
            raise ValueError(f'subcrops.jitter must not be negative, got {jitter}')
        self.num, self.size, self.area, self.aspect, self.jitter = num, size, area, aspect, jitter

    def draw(self, generator: torch.Generator, size: tuple[int, int]) -> SubcropDraws:
        """All draws of one pair that might be needed, before the flow is looked at.

        Args:
            generator: On the CPU.
            size: (H, W) of the crop.
        """
        grid = cell_grid(size, self.area)
        num_cells = grid[0] * grid[1]
        shape = (math.ceil(self.num / num_cells), num_cells)
        cells = torch.rand(shape, generator=generator).argsort(-1)[..., None]
        position, jitter = torch.rand((2, *shape, _DRAWS, 2), generator=generator)
        area, aspect = torch.rand((2, 2, self.num), generator=generator)

        area = self.area[0] + (self.area[1] - self.area[0]) * area
        low, high = (limit.log() for limit in fitting_aspects(area, self.aspect, size))
        return SubcropDraws(
            targets=points_in_cells(cells, position, grid, size),
            jitter=(2 * jitter - 1) * self.jitter * jitter.new_tensor([size[1], size[0]]),
            area=area,
            aspect=(low + (high - low) * aspect).exp(),
        )

    def centres(self, draws: SubcropDraws, flow: Tensor) -> tuple[Tensor, Tensor]:
        """Centres of a batch.

        Args:
            draws: Those of B pairs, stacked.
            flow: (B, 2, H, W) from t + Δ to t, pixels.

        Returns:
            (2, B, K, 2) float32, pixels (u, v) in frames t and t + Δ, and (B, K) bool, True where
            the centre was clamped; on the device of the draws.
        """
        # One look-up for all candidates: one exchange with the flow's device.
        landed = warp_points(draws.targets.flatten(1, 3).to(flow.device), flow)
        landed = landed.to(draws.targets.device).view_as(draws.targets)
        return _choose_centres(draws.targets, landed, draws.jitter, flow.shape[-2:], self.num)

    def boxes(self, draws: Sequence[SubcropDraws], flow: Tensor) -> tuple[Tensor, Tensor]:
        """Boxes of a batch.

        Args:
            draws: Those of each of the B pairs.
            flow: (B, 2, H, W) from t + Δ to t, pixels.

        Returns:
            (2, B, K, 4) float32, edges in frames t and t + Δ, and (B, K) bool, True where the
            centre was clamped; on the device of the flow.
        """
        batch = SubcropDraws(*(torch.stack(field) for field in zip(*draws)))
        centres, clamped = self.centres(batch, flow)
        area, aspect = batch.area.transpose(0, 1), batch.aspect.transpose(0, 1)
        boxes = boxes_around(centres, area, aspect, flow.shape[-2:])
        return boxes.to(flow.device), clamped.to(flow.device)

    def cut(self, images: Tensor, boxes: Tensor, plain: bool = False) -> Tensor:
        """Cut and resize all boxes at once.

        Each pixel of a subcrop is the mean of bilinear samples on a regular grid over its area,
        as many as it covers pixels of the image (``roi_align``, adaptive): antialiased where the
        subcrop is reduced, plain bilinear where it is enlarged, and at fractional edges.

        Args:
            images: (N, 3, H, W) float32.
            boxes: (N, K, 4) edges.
            plain: Always by torchvision's ``roi_align``. On the CPU matrix products are several
                times faster, with the same result to 1e-6.

        Returns:
            (N, K, 3, size, size) float32.
        """
        if images.device.type == 'cpu' and not plain:
            return crop_resize(images, boxes, self.size)
        index = torch.arange(len(boxes), device=boxes.device, dtype=boxes.dtype)
        rois = torch.cat([index[:, None, None].expand(*boxes.shape[:2], 1), boxes], dim=-1)
        crops = roi_align(images, rois.flatten(0, 1), self.size, aligned=True)
        return crops.unflatten(0, boxes.shape[:2])


def _choose_centres(
    targets: Tensor, landed: Tensor, jitter: Tensor, size: tuple[int, int], num: int
) -> tuple[Tensor, Tensor]:
    """Pick K pairs of centres from all candidates, by the rules of :class:`FlowSubcrops`.

    Args:
        targets: (B, R, N, T, 2) pixels of frame t + Δ: rounds, cells in order of use, draws.
        landed: (B, R, N, T, 2) where the flow takes them in frame t.
        jitter: (B, R, N, T, 2) pixels.
        size: (H, W).
        num: K <= R * N.

    Returns:
        Centres (2, B, K, 2) pixels, for t and t + Δ, and (B, K) bool, clamped.
    """
    jittered = landed + jitter
    # 0: valid with jitter, 1: valid without, 2: has to be clamped.
    stage = torch.where(in_image(jittered, size), 0, torch.where(in_image(landed, size), 1, 2))
    stage, draw = stage.min(-1, keepdim=True)
    pick = draw[..., None].expand(*draw.shape, 2)
    target, landed, jittered = (x.gather(-2, pick)[..., 0, :] for x in (targets, landed, jittered))
    # A flow that is not finite says nothing: stay at the place.
    landed = clamp_to_image(torch.where(landed.isnan(), target, landed), size)
    source = torch.where(stage == 0, jittered, landed)

    # Pairs take the cells of a round in their order, those with valid draws before the others.
    stage, order = stage[..., 0].sort(dim=-1, stable=True)
    pick = order[..., None].expand(*order.shape, 2)
    centres = torch.stack([x.gather(-2, pick).flatten(1, 2)[:, :num] for x in (source, target)])
    return centres, (stage == 2).flatten(1, 2)[:, :num]
