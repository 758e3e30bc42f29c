"""Flow-informed subcrops: pairs of small crops about the same point (PooDLe §3)."""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torchvision.ops import roi_align

from poodle_mm.geometry.boxes import boxes_around, cell_grid, fitting_aspects, points_in_cells
from poodle_mm.geometry.centres import choose_or_clamp, choose_or_stay
from poodle_mm.geometry.warp import warp_points
from poodle_mm.views.crop_resize import crop_resize
from poodle_mm.views.motion_prior import MotionPrior

FALLBACKS = ('same-image', 'clamp')
TARGET_AREAS = ('independent', 'above-online')


class SubcropDraws(NamedTuple):
    """Everything random about the subcrops of one directed pair, or of a batch with B in front."""

    starts: Tensor  # (R, N, T, 2) pixels of the online frame: T draws in each cell, in order of use
    jitter: Tensor  # (R, N, T, 2) pixels
    area: Tensor  # (2, K) fraction of the crop, of the online and of the target box
    aspect: Tensor  # (2, K) width / height
    keys: Tensor  # (R, N) uniform in [0, 1): the cells' order
    position: Tensor  # (R, N, T, 2) uniform in [0, 1): places in a cell, (across, down)


class SubcropPairs(NamedTuple):
    """Pairs of boxes of a batch, D directions: t to t + Δ and back, or only the second."""

    boxes: Tensor  # (2, D, B, K, 4) float32 edges, [0] online, [1] target
    frames: Tensor  # (2, D, B, K) int64, 0: the box is of frame t; 1: of t + Δ
    fallback: Tensor  # (D, B, K) bool, the fallback was taken

    def images(self) -> Tensor:
        """(2, D, B, K) int64, the image of each box where images lie by frame, then sample."""
        batch = self.frames.shape[2]
        return self.frames * batch + torch.arange(batch, device=self.frames.device)[:, None]

    def both_ways(self) -> 'SubcropPairs':
        """The pairs of one direction for both: in the other one the roles are swapped."""
        boxes, frames = (torch.cat([x.flip(0), x], dim=1) for x in (self.boxes, self.frames))
        return SubcropPairs(boxes, frames, self.fallback.expand(2, -1, -1))


class FlowSubcrops:
    """Pairs of boxes about corresponding points, from an online frame to its target frame.

    1. The online frame is split into equal cells (:func:`~poodle_mm.geometry.boxes.cell_grid`).
       Cells are used in random order, none twice before all were used; then a new round starts.
    2. A centre is uniform in its cell. The flow from the online to the target frame, read
       bilinearly there, takes it into the target frame, where a jitter is added.
    3. The centre must then lie in the target frame. A cell has ``draws`` draws for that; if all
       fail, ``fallback`` says what becomes of the cell.
    4. Each box has its own area and aspect. The aspect is log-uniform over the part of its range
       that fits into the image, which is the same as drawing until it fits. A box that sticks out
       is shifted inside (the released code lets it leave the image or clips it).

    Args:
        num: K, pairs of subcrops; 0 switches them off.
        size: Side in pixels to which they are resized.
        area: Range of the area as a fraction of the crop, uniform; at most 1.
        aspect: Range of width / height in pixels.
        jitter: j; the jitter is uniform in ±j of the crop's width and height.
        extra_cells: A row and a column of cells more than fit (released code); False: as many as
            fit.
        shared: One set of pairs for both directions, drawn for the frame t + Δ. False (released
            code): each direction draws its own.
        draws: Draws in a cell.
        fallback: ``'same-image'`` (released code): a cell without a valid draw gives a pair about
            the same point of the online frame, both boxes cut from it, a true positive.
            ``'clamp'``: such cells come last, after the unused ones; then the jitter is left out,
            and when that does not help the centre is clamped to the image, a false positive.
        target_area: ``'independent'``: both boxes draw from ``area``. ``'above-online'`` (released
            code): the target's area is uniform between the online box's and the upper limit.
        motion: Arguments of :class:`~poodle_mm.views.motion_prior.MotionPrior`, by which cells and
            places are drawn; None: all alike, as the paper has it.

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
        extra_cells: bool = True,
        shared: bool = False,
        draws: int = 5,
        fallback: str = 'same-image',
        target_area: str = 'independent',
        motion: Mapping | None = None,
    ) -> None:
        for key, value, fits, rule in (
            ('num', num, num >= 0, 'at least 0 (0: no pooled part)'),
            ('size', size, size >= 1, 'at least 1 pixel'),
            ('area', area, 0 < area[0] <= area[1] <= 1, '0 < low <= high <= 1'),
            ('aspect', aspect, 0 < aspect[0] <= aspect[1], '0 < low <= high'),
            ('jitter', jitter, jitter >= 0, 'at least 0'),
            ('draws', draws, draws >= 1, 'at least 1'),
            ('fallback', fallback, fallback in FALLBACKS, f'one of {FALLBACKS}'),
            ('target_area', target_area, target_area in TARGET_AREAS, f'one of {TARGET_AREAS}'),
        ):
            if not fits:
                raise ValueError(f'subcrops.{key} must be {rule}, got {value!r}')
        self.num, self.size, self.area, self.aspect, self.jitter = num, size, area, aspect, jitter
        self.extra_cells, self.shared, self.draws = extra_cells, shared, draws
        self.fallback, self.target_area = fallback, target_area
        self.motion = None if motion is None else MotionPrior(**motion)

    def draw(self, generator: torch.Generator, size: tuple[int, int]) -> SubcropDraws:
        """All draws of one directed pair that might be needed, before the flow is looked at.

        Args:
            generator: Generator on the CPU.
            size: (H, W) of the crop.
        """
        grid = cell_grid(size, self.area, self.extra_cells)
        num_cells = grid[0] * grid[1]
        shape = (math.ceil(self.num / num_cells), num_cells)
        keys = torch.rand(shape, generator=generator)
        position, jitter = torch.rand((2, *shape, self.draws, 2), generator=generator)
        area, aspect = torch.rand((2, 2, self.num), generator=generator).flip(1)

        lowest, highest = self.area
        online = lowest + (highest - lowest) * area[0]
        least = online if self.target_area == 'above-online' else lowest
        area = torch.stack([online, least + (highest - least) * area[1]])
        low, high = (limit.log() for limit in fitting_aspects(area, self.aspect, size))
        return SubcropDraws(
            starts=points_in_cells(keys.argsort(-1)[..., None], position, grid, size),
            jitter=(2 * jitter - 1) * self.jitter * jitter.new_tensor([size[1], size[0]]),
            area=area,
            aspect=(low + (high - low) * aspect).exp(),
            keys=keys,
            position=position,
        )

    def centres(
        self, draws: SubcropDraws, flow: Tensor, visible: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Centres of a batch.

        Args:
            draws: Draws of B directed pairs, stacked.
            flow: (B, 2, H, W) from the online to the target frame, pixels.
            visible: (B, H, W) bool, pixels of the online frame that the target frame shows, for
                ``motion``; None: all.

        Returns:
            (2, B, K, 2) float32, pixels (u, v) in the online and in the target frame, and (B, K)
            bool, True where the fallback was taken: with ``'same-image'`` the second point is of
            the online frame, too. On the device of the flow.
        """
        # The draws go to the flow's device and nothing comes back: the host never waits.
        starts, jitter = (
            x.to(flow.device, non_blocking=True) for x in (draws.starts, draws.jitter)
        )
        if self.motion:
            keys, position = (
                x.to(flow.device, non_blocking=True) for x in (draws.keys, draws.position)
            )
            grid = cell_grid(flow.shape[-2:], self.area, self.extra_cells)
            starts = self.motion.starts(keys, position, flow, visible, grid)
        landed = warp_points(starts.flatten(1, 3), flow).view_as(starts)
        choose = choose_or_stay if self.fallback == 'same-image' else choose_or_clamp
        return choose(starts, landed, jitter, flow.shape[-2:], self.num)

    def boxes(
        self, draws: Sequence[SubcropDraws], flow: Tensor, visible: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Edges (2, B, K, 4) of online and target boxes, and (B, K) bool as :meth:`centres`.

        Args:
            draws: Draws of each of the B directed pairs.
            flow, visible: See :meth:`centres`.
        """
        batch = SubcropDraws(*(torch.stack(field) for field in zip(*draws)))
        centres, fallback = self.centres(batch, flow, visible)
        area, aspect = (
            x.transpose(0, 1).to(flow.device, non_blocking=True) for x in (batch.area, batch.aspect)
        )
        return boxes_around(centres, area, aspect, flow.shape[-2:]), fallback

    def pairs(
        self,
        flow: Tensor,
        generators: Sequence[torch.Generator],
        visible: Tensor | None = None,
    ) -> SubcropPairs:
        """Draw the pairs of each sample in each direction, or with ``shared`` in the second only.

        Args:
            flow: (2, B, 2, H, W) pixels, [0] t to t + Δ, [1] back.
            generators: Generator of each sample, on the CPU.
            visible: (2, B, H, W) bool, see :meth:`centres`.
        """
        directions, size = [1] if self.shared else [0, 1], tuple(flow.shape[-2:])
        draws = [[self.draw(g, size) for _ in directions] for g in generators]
        draws = [draw for part in zip(*draws) for draw in part]  # direction, sample: as the flows
        flow, visible = (
            None if x is None else x[-len(directions) :].flatten(0, 1) for x in (flow, visible)
        )
        boxes, fallback = self.boxes(draws, flow, visible)
        fallback = fallback.unflatten(0, (len(directions), -1))
        online = torch.arange(2, device=flow.device)[-len(directions) :, None, None]
        target = 1 - online
        if self.fallback == 'same-image':
            target = torch.where(fallback, online, target)
        frames = torch.stack([x.expand_as(fallback) for x in (online, target)])
        return SubcropPairs(boxes.unflatten(1, (len(directions), -1)), frames, fallback)

    def cut(
        self, images: Tensor, boxes: Tensor, index: Tensor | None = None, plain: bool = False
    ) -> Tensor:
        """Cut and resize all boxes at once, antialiased: ``roi_align`` with adaptive sampling.

        Args:
            images: (N, 3, H, W) float32.
            boxes: (..., 4) edges.
            index: (...) int64, the image of each box; by default those of ``boxes[i]`` are of
                image i.
            plain: Always by torchvision; on the CPU matrix products are several times faster,
                with the same result to 1e-6 (:func:`~poodle_mm.views.crop_resize.crop_resize`).

        Returns:
            (..., 3, size, size) float32.
        """
        if index is None:
            index = torch.arange(len(boxes), device=boxes.device)
            index = index.view(-1, *[1] * (boxes.dim() - 2)).expand(boxes.shape[:-1])
        if images.device.type == 'cpu' and not plain:
            return crop_resize(images, boxes, index, self.size)
        rois = torch.cat([index[..., None].to(boxes), boxes], dim=-1)
        crops = roi_align(images, rois.flatten(0, -2), self.size, aligned=True)
        return crops.view(*boxes.shape[:-1], *crops.shape[1:])
